"""What the Predict page shows: all of it stands in the link."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from explorer.i18n import _
from explorer.specs.base import MAX_IMAGE
from explorer.ui.page_state import PageFields

DEFAULT = "resnet20-cifar10"
MOST = 100  # images at a time

_UNIT = re.compile(r"(\d{1,5}\.\d{1,5}\.\d{1,5})?", re.ASCII)


def _unit(text: str) -> str:
    if not _UNIT.fullmatch(text):
        raise PydanticCustomError("unit", _("it is no unit: that is channel, row and column with dots between"))
    return text


def _once(values: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return tuple(dict.fromkeys(values))


Name = Annotated[str, Field(max_length=300)]
Show = Literal["predict", "test", "weights"]
Source = Literal["gallery", "upload", "camera", "data"]
Why = Literal["cam", "maps", "filters", "occlusion"]
Whose = Literal["first", "second"]
Order = Literal["strength", "number"]


class PredictView(PageFields):
    """Which networks are asked about which images, and what of the answer is shown.

    Attributes:
        show: section of the page.
        weights: name of the network that is asked.
        beside: name of a second one, asked about the same images; empty is none.
        source: where the images come from; none is what suits the network.
        image: names of pictures of the gallery; none is the one that suits the network.
        data: data set whose test images are browsed; empty is the one that suits the network.
        index: positions of images in its test set.
        of: class of the test images that are listed; empty is every class.
        invert: whether light and dark change places before a network sees the image that is open.
        ink: whether a network sees its strokes alone, framed as its own images are.
        size: side of the images in pixels that the first network is asked at; none is that of its card.
        top: how many classes are listed.
        cls: position of the class that is explained; none is the likeliest.
        why: which explanation is shown.
        whose: of which of two networks.
        method: of the class activation maps.
        layer: that is looked into; empty is the last convolution.
        order: of the channels of a layer.
        unit: channel, row and column of a unit of the layer.
        on: data set of the test; empty is the one that the card names.
    """

    show: Show = "predict"
    weights: Name = DEFAULT
    beside: Name = ""
    source: Source | None = None
    image: Annotated[tuple[Name, ...], AfterValidator(_once), Field(max_length=MOST)] = ()
    data: Name = ""
    index: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=2**31)], ...],
        AfterValidator(_once), Field(max_length=MOST),
    ] = ()  # fmt: skip
    of: Name = ""
    invert: bool = False
    ink: bool = False
    size: Annotated[int, Field(ge=1, le=MAX_IMAGE)] | None = None
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
