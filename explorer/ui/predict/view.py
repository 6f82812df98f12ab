"""The view of the Predict page: the parameters of its link."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from explorer.i18n import _
from explorer.specs.size import SIZE_TEXT, ImageSize, typed_size
from explorer.ui.page_state import PageFields

DEFAULT = "resnet20-cifar10"
MAX_IMAGES = 100  # images at a time

_UNIT = re.compile(r"(\d{1,5}\.\d{1,5}\.\d{1,5})?", re.ASCII)


def _unit(text: str) -> str:
    if not _UNIT.fullmatch(text):
        raise PydanticCustomError("unit", _("it is not a unit: that is channel, row and column, separated by dots"))
    return text


def _once(values: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return tuple(dict.fromkeys(values))


Name = Annotated[str, Field(max_length=300)]
Show = Literal["predict", "test", "weights"]
Source = Literal["gallery", "upload", "draw", "camera", "data"]
Why = Literal["cam", "maps", "filters", "occlusion", "reach"]
Whose = Literal["first", "second"]
Order = Literal["strength", "number"]


class PredictView(PageFields):
    """Networks, images, and the shown parts of the answers.

    Attributes:
        show: Section of the page.
        weights: Name of the first network's weights.
        beside: Name of the second network's weights. Empty means no second network.
        source: Source of the images. None means the source that suits the network.
        image: Names of gallery pictures. Empty means the one that suits the network.
        data: Data set of the test images. Empty means the one that suits the network.
        index: Indices of images in its test set.
        of: Class of the listed test images. Empty means all classes.
        invert: Whether light and dark of the selected image are inverted.
        ink: Whether the networks see only the strokes of the selected image, framed like their own images.
        size: Size of the images in pixels for the first network. None means the size of its card.
        top: Number of listed classes.
        cls: Index of the explained class. None means the likeliest class.
        why: Kind of explanation.
        whose: Network whose answer is explained.
        method: Method of the class activation maps.
        layer: Name of the explained layer. Empty means the last convolution.
        order: Order of the channels of a layer.
        unit: Channel, row and column of a unit of the layer.
        on: Data set of the test. Empty means the training data of the network.
    """

    show: Show = "predict"
    weights: Name = DEFAULT
    beside: Name = ""
    source: Source | None = None
    image: Annotated[tuple[Name, ...], AfterValidator(_once), Field(max_length=MAX_IMAGES)] = ()
    data: Name = ""
    index: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=2**31)], ...],
        AfterValidator(_once), Field(max_length=MAX_IMAGES),
    ] = ()  # fmt: skip
    of: Name = ""
    invert: bool = False
    ink: bool = False
    size: Annotated[ImageSize | None, BeforeValidator(typed_size), SIZE_TEXT] = None
    top: Annotated[int, Field(ge=1, le=10)] = 5
    cls: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    why: Why = "cam"
    whose: Whose = "first"
    method: Name = "gradcam"
    layer: Name = ""
    order: Order = "strength"
    unit: Annotated[str, AfterValidator(_unit)] = ""
    on: Name = ""

    @property
    def explained(self) -> str:
        """Name of the network whose answer is explained."""
        return (self.beside if self.whose == "second" else "") or self.weights
