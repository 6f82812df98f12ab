"""How the Architecture page shows a network: the part of its link next to the network itself."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from explorer.analysis import Precision, Term
from explorer.analysis.measures import DIAGRAM_MEASURES
from explorer.analysis.memory import MAX_BATCH
from explorer.specs.link_text import ListText
from explorer.ui.page_state import PageFields

MAX_FOLDED = 200


def _in_order(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(term for term in Term if term in terms)


Name = Annotated[str, Field(max_length=200)]
if TYPE_CHECKING:  # type checkers do not understand computed literals
    Chart = str
    Colour = str
else:
    Chart, Colour = Literal[*DIAGRAM_MEASURES], Literal["kind", *DIAGRAM_MEASURES]


class ArchitectureView(PageFields):
    """Fields of the Architecture page that don't change the network.

    Attributes:
        batch: Batch size of the estimate of training memory.
        optimizer: Optimizer of the estimate.
        precision: Precision of the estimate.
        device: Device of the estimate.
        flops: Terms that FLOPs count.
        layer: Name of the layer that is shown close up; empty if none is.
        colour: Measure that colours the diagram; ``kind`` colours by the kind of layer.
        detail: Detail of the diagram.
        folded: Folded parts of the diagram.
        chart: Measure of the charts.
        table: Whether the table shows numbers or formulas.
        start: Numbers with random weights: gradient norms, or the effective field of a layer.
        init: Initialisation of these weights.
    """

    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 32
    optimizer: Literal["sgd", "momentum", "adam"] = "momentum"
    precision: Precision = Precision.FP32
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    flops: Annotated[tuple[Term, ...], ListText(empty="none"), AfterValidator(_in_order)] = tuple(Term)
    layer: Name = ""
    colour: Colour = "kind"
    detail: Literal["auto", "all", "stages"] = "auto"
    # The separator is not a dot because names of layers contain dots.
    folded: Annotated[tuple[Name, ...], ListText("~", empty="none"), Field(max_length=MAX_FOLDED)] = ()
    chart: Chart = "field"
    table: Literal["numbers", "formulas"] = "numbers"
    start: Literal["norms", "field"] = "norms"
    init: Literal["default", "he", "he_conv", "normal"] = "he"


VIEW_FIELDS = frozenset(ArchitectureView.model_fields)
WITHOUT_WIDGET = frozenset(["layer", "folded"])  # chosen in the diagram
