"""One editor per family: widgets in, validated spec out."""

from collections.abc import Callable

from explorer.specs import Spec
from explorer.ui.editors import googlenet, resnet, vgg, zoo
from explorer.ui.state import Editing

EDITORS: dict[str, Callable[[Editing], Spec]] = {
    "vgg": vgg.edit,
    "resnet": resnet.edit,
    "googlenet": googlenet.edit,
    "torchvision": zoo.edit,
}
