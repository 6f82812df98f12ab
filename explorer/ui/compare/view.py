"""How the Compare page shows the networks: what stands in the link beside them."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from explorer.analysis.measures import Place, shown
from explorer.specs.base import MAX_IMAGE
from explorer.ui.page_state import PageFields

if TYPE_CHECKING:  # literals that are computed mean nothing to type checkers
    Chart = str
else:
    Chart = Literal[*map(str, shown(Place.STAGES))]


class CompareView(PageFields):
    """Which number the stages show and how, which layers are listed, and those of which network beside the first's.

    ``size`` is the side of all images, where it isn't each network's own.
    """

    size: Annotated[int, Field(ge=1, le=MAX_IMAGE)] | None = None

    measure: Chart = "params"
    draw: Literal["stage", "depth"] = "stage"
    layers: Literal["differences", "all"] = "differences"
    against: Literal["b", "c", "d"] = "b"
