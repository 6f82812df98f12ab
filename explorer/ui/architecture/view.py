"""How a page shows a network: what stands in the link beside the network itself."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from explorer.analysis import Precision, Term
from explorer.analysis.measures import DRAWN
from explorer.analysis.memory import MAX_BATCH
from explorer.specs.link_text import ListText
from explorer.ui.page_state import PageFields

MAX_FOLDED = 200


def _in_order(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(term for term in Term if term in terms)


Name = Annotated[str, Field(max_length=200)]
if TYPE_CHECKING:  # literals that are computed mean nothing to type checkers
    Chart = str
    Colour = str
else:
    Chart, Colour = Literal[*DRAWN], Literal["kind", *DRAWN]


class ArchitectureView(PageFields):
    """Settings of the Architecture page that don't change the network.

    ``flops`` are the terms that FLOPs count; ``layer`` is the one that is shown close up; ``colour``, ``detail`` and
    ``folded`` are the diagram's (:class:`explorer.drawing.looks.Appearance`); ``chart`` is what the bars show;
    ``table`` shows numbers or the formulas behind them.
    """

    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 32
    optimizer: Literal["sgd", "momentum", "adam"] = "momentum"
    precision: Precision = Precision.FP32
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    flops: Annotated[tuple[Term, ...], ListText(empty="none"), AfterValidator(_in_order)] = tuple(Term)
    layer: Name = ""
    colour: Colour = "kind"
    detail: Literal["auto", "all", "stages"] = "auto"
    # Names of layers contain dots.
    folded: Annotated[tuple[Name, ...], ListText("~", empty="none"), Field(max_length=MAX_FOLDED)] = ()
    chart: Chart = "field"
    table: Literal["numbers", "formulas"] = "numbers"


VIEW_FIELDS = frozenset(ArchitectureView.model_fields)
PICKED = frozenset(["layer", "folded"])  # chosen in the diagram, not by widgets of their own
