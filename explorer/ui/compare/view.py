"""How the Compare page shows the networks: the part of its link next to the networks."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from explorer.analysis.measures import Place, measures_at
from explorer.specs.size import SIZE_TEXT, ImageSize, typed_size
from explorer.ui.page_state import PageFields

if TYPE_CHECKING:  # type checkers do not understand computed literals
    Chart = str
else:
    Chart = Literal[*map(str, measures_at(Place.STAGES))]


class CompareView(PageFields):
    """Fields of the Compare page that don't change the networks.

    Attributes:
        size: Size of all input images in pixels; None for each network's own.
        measure: Measure of the chart and table of stages.
        draw: Form of the chart: by stage, or along the depth.
        layers: Listed layers: differences, or all.
        against: Letter of the network whose layers are next to the first network's.
        layer: Name of the chosen row of layers. Empty for none.
    """

    size: Annotated[ImageSize | None, BeforeValidator(typed_size), SIZE_TEXT] = None
    measure: Chart = "params"
    draw: Literal["stage", "depth"] = "stage"
    layers: Literal["differences", "all"] = "differences"
    against: Literal["b", "c", "d"] = "b"
    layer: Annotated[str, Field(max_length=300)] = ""
