"""Presets with the same tensors as models of torchvision; their source is written for these models."""

from functools import cache

from explorer.errors import SpecError
from explorer.families import PRESETS, Spec
from explorer.families.naming import twin_of
from explorer.families.torchvision.names import names
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _


@cache
def twins() -> dict[str, str]:
    """Names of presets by the torchvision model with the same tensors."""
    return {twin_of(preset): preset for preset in PRESETS if twin_of(preset) in names()}


def twin(spec: ZooSpec) -> Spec:
    """The same network as a spec of another family.

    Raises:
        SpecError: If there is none.
    """
    if spec.name not in twins() or spec.head != "own":
        raise SpecError(
            _(
                "torchvision:{name} can't be written as source that needs only torch; export it as onnx, json, "
                "dot or csv, or choose one of {twins}"
            ).format(name=spec.name, twins=", ".join(twins()))
        )
    changes = {} if spec.activation == "own" else {"activation": spec.activation}
    return PRESETS[twins()[spec.name]].spec.changed(image_size=spec.image_size, num_classes=spec.num_classes, **changes)
