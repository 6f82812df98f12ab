"""Models of torchvision that one of our own families builds tensor for tensor."""

from explorer.errors import SpecError
from explorer.families import PRESETS, Spec
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _

# torchvision's googlenet is missing: its auxiliary heads pool otherwise than the paper's.
TWINS = {
    "alexnet": "alexnet",
    **{f"vgg{depth}": f"vgg{depth}" for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}_bn": f"vgg{depth}-bn" for depth in (11, 13, 16, 19)},
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
}


def twin(spec: ZooSpec) -> Spec:
    """The same network as a spec of our own.

    Raises:
        SpecError: where there is none.
    """
    if spec.name not in TWINS or spec.head != "own":
        raise SpecError(
            _(
                "torchvision:{name} can't be written as source that needs torch alone; export it as onnx, json, dot "
                "or csv, or choose one of {twins}"
            ).format(name=spec.name, twins=", ".join(TWINS))
        )
    return PRESETS[TWINS[spec.name]].spec.changed(image_size=spec.image_size, num_classes=spec.num_classes)
