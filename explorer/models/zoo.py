"""torchvision's classification models, by name."""

import warnings
from difflib import get_close_matches
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer.errors import SpecError, shown
from explorer.i18n import _
from explorer.specs.zoo import ZooSpec

HEAD = ("classifier", "fc", "head", "heads", "avgpool")


@cache
def names() -> tuple[str, ...]:
    """Every classification model that torchvision builds."""
    from torchvision import models  # a second of import, needed for this family only

    return tuple(models.list_models(module=models))


@cache
def metadata() -> dict[str, dict[str, Any]]:
    """What torchvision says itself of each model with its best weights: ``num_params``, ``_ops`` (GMACs) and more."""
    from torchvision import models

    return {name: models.get_model_weights(name).DEFAULT.meta for name in names()}


class _MetaParameters(TorchFunctionMode):
    """Parameters and buffers on meta, everything else where it is.

    RegNets compute their widths with small tensors and read them back, which ``torch.device("meta")`` breaks.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.empty, torch.zeros, torch.ones):
            kwargs = {**(kwargs or {}), "device": "meta"}
        return func(*args, **(kwargs or {}))


def build(spec: ZooSpec) -> nn.Module:
    """The network of a spec, without weights.

    Raises:
        SpecError: where torchvision has no such model, or can't build it at this size.
    """
    if spec.name not in names():
        # The names of nothing in particular are still worth a suggestion: any three show the pattern.
        close = get_close_matches(spec.name, names(), n=3, cutoff=0.0)
        raise SpecError(
            _("name: torchvision has no classification model {name}; close names: {close}").format(
                name=shown(spec.name), close=", ".join(close)
            )
        )
    on_meta = torch.get_default_device().type == "meta"
    try:
        return _model(spec)
    except SpecError:
        raise
    except Exception as error:
        if not on_meta:
            raise _refused(spec, error) from error
    try:
        with torch.device("cpu"), _MetaParameters():
            return _model(spec)
    except Exception as error:
        raise _refused(spec, error) from error


def _refused(spec: ZooSpec, error: Exception) -> SpecError:
    reason = " ".join(str(error).split())[:200]
    return SpecError(
        _("torchvision:{name} can't be built for image_size {size}: {reason}").format(
            name=spec.name, size=spec.image_size, reason=reason
        )
    )


def _model(spec: ZooSpec) -> nn.Module:
    from torchvision import models

    options: dict[str, Any] = {"num_classes": spec.num_classes}
    if spec.name.startswith("vit_"):
        options["image_size"] = spec.image_size
    elif spec.name.startswith("maxvit"):
        options["input_size"] = (spec.image_size, spec.image_size)
    elif spec.name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network: nn.Module = models.get_model(spec.name, weights=None, **options)
    return network
