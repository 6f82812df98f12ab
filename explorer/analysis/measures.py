"""The numbers that networks are measured by, each described once.

A record says what a measure is called, how its numbers are written, which term of the glossary explains it, and how
much of it a layer, a group of layers (a stage, a closed part of the diagram) and a whole network have. Diagram, charts,
tables, headline, layer panel, comparison, CSV and terminal go over the records, so each of them shows a new one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Any, NamedTuple

from explorer.analysis.cost import Traffic
from explorer.analysis.formulas import number
from explorer.analysis.kinds import WEIGHTED, group_of
from explorer.analysis.result import Analysis, Layer
from explorer.formatting import bytes_short, short
from explorer.i18n import _

Number = int | float


class Measure(StrEnum):
    """The keys of the measures, in the order in which every place shows them."""

    PARAMS = "params"
    TRAINABLE_PARAMS = "trainable_params"
    AUX_PARAMS = "aux_params"
    MACS = "macs"
    FLOPS = "flops"
    MULT_ADDS = "torchinfo_mult_adds"
    WEIGHT_BYTES = "weight_bytes"
    ACTIVATION_BYTES = "activation_bytes"
    PEAK_ACTIVATION_BYTES = "peak_activation_bytes"
    TRAINING_BYTES = "training_bytes"
    ARITHMETIC_INTENSITY = "arithmetic_intensity"
    RECEPTIVE_FIELD = "receptive_field"
    STRIDE = "stride"
    PADDING = "padding"
    DEPTH = "depth"

    @property
    def record(self) -> "Record":
        """The description of the measure."""
        return RECORDS[self]

    def formula(self, owner: Layer | Analysis) -> str:
        """The formula of a layer's or a network's number, filled in; empty where there is none."""
        if isinstance(ratio := self.record.layers, Ratio):
            return ratio.formula([owner] if isinstance(owner, Layer) else owner.layers)
        return owner.formulas.get(self, "")


Numbers = dict[Measure, Number | None]


class Place(StrEnum):
    """Where measures are shown: those of :data:`OF_LAYERS` show numbers of layers, the others numbers of networks."""

    DRAWN = "colours of the diagram, charts along the layers and by stage"
    TABLE = "table of layers"
    FORMULAS = "table of formulas"
    PANEL = "layer panel"
    LISTED = "list of layers in the terminal"
    CSV = "CSV export"
    STAGES = "comparison by stage and along the depth"
    HEADLINE = "headline"
    CARDS = "cards of the comparison"
    COMPARISON = "totals of the comparison"
    PRINTED = "totals in the terminal"


OF_LAYERS = frozenset(
    [Place.DRAWN, Place.TABLE, Place.FORMULAS, Place.PANEL, Place.LISTED, Place.CSV, Place.STAGES]
)  # fmt: skip


class Unit(NamedTuple):
    """How numbers are written: short with the unit, or to the last digit without it.

    ``name`` stands in the titles of axes, ``ticks`` is the format of their numbers (d3-format).
    """

    write: Callable[[Any], str]
    name: Callable[[], str] = str
    digits: Callable[[Any], str] = "{:,}".format
    ticks: str = "~s"


COUNT = Unit(short)
BYTES = Unit(bytes_short, lambda: _("bytes"))
PIXELS = Unit(lambda value: _("{size} px").format(size=f"{value:,}"), lambda: _("pixels"))
RATE = Unit(
    lambda value: _("{rate} MACs/B").format(rate=f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"),
    lambda: _("MACs a byte"),
    "{:,.2f}".format,
    "~g",
)


class Names(NamedTuple):
    """What a measure is called, on pages and in a terminal.

    Some places have another name: ``column`` the table of layers, ``total`` the comparison, ``listed`` the terminal's
    list of layers. ``note`` says what the number of a layer means.
    """

    name: str
    printed: str
    column: str = ""
    total: str = ""
    listed: str = ""
    note: str = ""


class Sum(NamedTuple):
    """An amount to which every layer adds."""

    of: Callable[[Layer], int]

    def along(self, groups: Iterable[Sequence[Layer]]) -> list[Number | None]:
        """The sum of all layers up to and with each group."""
        return list(accumulate(sum(map(self.of, layers)) for layers in groups))


class Reach(NamedTuple):
    """A size that grows from layer to layer."""

    of: Callable[[Layer], int | None]

    def along(self, groups: Iterable[Sequence[Layer]]) -> list[Number | None]:
        """The largest size in each group; None where no layer has any."""
        return [max((size for size in map(self.of, layers) if size is not None), default=None) for layers in groups]


class Ratio(NamedTuple):
    """An amount for each byte of the traffic: layers together have that of their sums."""

    of: Callable[[Layer], int]
    traffic: Callable[[Layer], Traffic]

    def along(self, groups: Iterable[Sequence[Layer]]) -> list[Number | None]:
        """The ratio of all layers up to and with each group; None where they move no byte."""
        sums = ((sum(map(self.of, layers)), sum(map(sum, map(self.traffic, layers)))) for layers in groups)
        so_far = accumulate(sums, lambda before, new: (before[0] + new[0], before[1] + new[1]))
        return [amount / moved if moved else None for amount, moved in so_far]

    def formula(self, layers: Sequence[Layer]) -> str:
        """``amount/(weights + inputs + output) = ratio``; empty where no byte is moved."""
        (value,) = self.along([layers])
        moved = " + ".join(map(number, map(sum, zip(*map(self.traffic, layers), strict=True))))
        return "" if value is None else f"{number(sum(map(self.of, layers)))}/({moved}) = {RATE.digits(value)}"


@dataclass(frozen=True, slots=True)
class Record:
    """The description of one measure.

    Args:
        names: What it is called, in the language of the session.
        term: Key of its entry in the glossary.
        layers: How layers are measured by it, and groups of them; None where only networks are.
        total: A whole network's number; None where only layers are measured.
        unit: How its numbers are written.
        link: Its name in links of the Architecture page; its key if empty.
        csv: Its column in the CSV export; its key if empty.
        places: Where it is shown, as far as it has numbers there.
    """

    names: Callable[[], Names]
    term: str
    layers: Sum | Reach | Ratio | None = None
    total: Callable[[Analysis], Number | None] | None = None
    unit: Unit = COUNT
    link: str = ""
    csv: str = ""
    places: frozenset[Place] = frozenset(Place)

    def amount(self, layers: Sequence[Layer]) -> Number | None:
        """The number of a group of layers; None where there is none."""
        return self.layers.along([layers])[0] if self.layers else None

    def of_network(self, network: Analysis) -> Number | None:
        """The number of a whole network; None where there is none."""
        return self.total(network) if self.total else None

    def write(self, value: Number | None) -> str:
        """A number with its unit, short; a dash where there is none."""
        return "–" if value is None else self.unit.write(value)

    def exact(self, value: Number | None) -> str:
        """A number to the last digit, for hovering."""
        if value is None:
            return _("none")
        return _("{count:,} bytes").format(count=value) if self.unit is BYTES else self.unit.digits(value)

    def axis(self, name: str) -> str:
        """The title of an axis: one of its names, with the unit."""
        unit = self.unit.name()
        return _("{measure} ({unit})").format(measure=name, unit=unit) if unit else name

    def heading(self) -> str:
        """Its name beside numbers that are written without their unit, of which bytes alone need it."""
        return self.axis(self.names().name) if self.unit is BYTES else self.names().name


def depths(layers: Sequence[Layer]) -> list[int]:
    """For each layer the most convolutions and linear layers on any path that ends in it: how papers count depth."""
    found: list[int] = []
    for layer in layers:
        before = max((found[source] for source in layer.inputs), default=0)
        found.append(before + (group_of(layer.kind) in WEIGHTED))
    return found


def by_stage(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """The layers of each stage, stages in the order in which they begin."""
    stages: dict[str, list[Layer]] = {}
    for layer in layers:
        stages.setdefault(layer.stage, []).append(layer)
    return stages


def shown(place: Place) -> tuple[Measure, ...]:
    """The measures that a place shows, in their order."""
    return tuple(measure for measure, record in RECORDS.items() if place in record.places and _has(record, place))


def _has(record: Record, place: Place) -> bool:
    return (record.layers if place in OF_LAYERS else record.total) is not None


def _everywhere_but(*places: Place) -> frozenset[Place]:
    return frozenset(Place) - {*places}


RECORDS: dict[Measure, Record] = {
    Measure.PARAMS: Record(
        lambda: Names(_("Parameters"), _("parameters")),
        "parameter",
        Sum(lambda layer: layer.params),
        lambda network: network.totals.params,
        csv="parameters",
    ),
    Measure.TRAINABLE_PARAMS: Record(
        lambda: Names(_("Trainable parameters"), _("trainable parameters")),
        "parameter",
        Sum(lambda layer: layer.trainable),
        lambda network: network.totals.trainable_params,
        csv="trainable_parameters",
        places=frozenset([Place.CSV]),
    ),
    Measure.AUX_PARAMS: Record(
        lambda: Names(_("Parameters of auxiliary heads"), _("parameters of auxiliary heads")),
        "auxiliary-head",
        total=lambda network: network.totals.aux_params,
        places=frozenset([Place.PRINTED]),
    ),
    Measure.MACS: Record(
        lambda: Names(_("MACs"), _("MACs")),
        "macs",
        Sum(lambda layer: layer.macs),
        lambda network: network.totals.macs,
    ),
    # Pictures of FLOPs would look like those of MACs.
    Measure.FLOPS: Record(
        lambda: Names(_("FLOPs"), _("FLOPs"), note=_("Of the chosen terms, for one image.")),
        "flops",
        Sum(lambda layer: layer.flops),
        lambda network: network.totals.flops,
        places=_everywhere_but(Place.DRAWN, Place.LISTED, Place.STAGES, Place.CARDS),
    ),
    Measure.MULT_ADDS: Record(
        lambda: Names(_("Mult-adds"), _("torchinfo mult-adds")),
        "mult-adds",
        total=lambda network: network.totals.torchinfo_mult_adds,
        places=frozenset([Place.HEADLINE, Place.PRINTED]),
    ),
    Measure.WEIGHT_BYTES: Record(
        lambda: Names(_("Weights"), _("weights")),
        "parameter",
        total=lambda network: network.totals.weight_bytes,
        unit=BYTES,
        places=_everywhere_but(Place.CARDS),
    ),
    Measure.ACTIVATION_BYTES: Record(
        lambda: Names(
            _("Activations"),
            _("activations, all"),
            total=_("Activations, all layers"),
            note=_("New memory of the output for one image, in float32."),
        ),
        "activation-memory",
        Sum(lambda layer: layer.activation_bytes),
        lambda network: network.totals.activation_bytes,
        BYTES,
        places=_everywhere_but(Place.LISTED, Place.HEADLINE, Place.CARDS),
    ),
    Measure.PEAK_ACTIVATION_BYTES: Record(
        lambda: Names(_("Peak activations"), _("activations, at most at once"), total=_("Activations, most at once")),
        "activation-memory",
        total=lambda network: network.totals.peak_activation_bytes,
        unit=BYTES,
        places=_everywhere_but(Place.CARDS),
    ),
    Measure.TRAINING_BYTES: Record(
        lambda: Names(_("Training"), _("training on {device}, batches of {batch}"), total=_("Training, batches of 32")),
        "training-memory",
        total=lambda network: network.training.total if network.training else None,
        unit=BYTES,
        places=_everywhere_but(Place.CARDS),
    ),
    # Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore
    # architectures", who count operations for each byte of memory traffic. Ours are MACs for each byte of a layer's
    # weights, inputs and output, read or written once, for one image in float32.
    Measure.ARITHMETIC_INTENSITY: Record(
        lambda: Names(
            _("Arithmetic intensity"),
            _("arithmetic intensity"),
            column=_("MACs a byte"),
            listed=_("MACs/B"),
            note=_("Of weights, inputs and output, each read or written once, for one image in float32."),
        ),
        "arithmetic-intensity",
        Ratio(lambda layer: layer.macs, lambda layer: layer.cost.traffic),
        lambda network: network.totals.cost.arithmetic_intensity,
        RATE,
    ),
    Measure.RECEPTIVE_FIELD: Record(
        lambda: Names(_("Receptive field"), _("receptive field"), column=_("Field"), listed=_("field")),
        "receptive-field",
        Reach(lambda layer: layer.field.size if layer.field else None),
        lambda network: network.field.size if network.field else None,
        PIXELS,
        link="field",
        csv="receptive_field_size",
    ),
    Measure.STRIDE: Record(
        lambda: Names(_("Stride in the image"), _("stride in the image"), column=_("Stride")),
        "effective-stride",
        Reach(lambda layer: layer.field.stride if layer.field else None),
        unit=PIXELS,
        csv="receptive_field_stride",
        places=frozenset([Place.TABLE, Place.PANEL, Place.CSV]),
    ),
    Measure.PADDING: Record(
        lambda: Names(_("Padding in the image"), _("padding in the image"), column=_("Padding")),
        "effective-padding",
        Reach(lambda layer: layer.field.padding if layer.field else None),
        unit=PIXELS,
        csv="receptive_field_padding",
        places=frozenset([Place.TABLE, Place.PANEL, Place.CSV]),
    ),
    Measure.DEPTH: Record(
        lambda: Names(_("Weighted layers"), _("weighted layers")),
        "layer",
        total=lambda network: max(depths(network.layers), default=0),
        places=frozenset([Place.CARDS, Place.COMPARISON]),
    ),
}
COSTS = tuple(measure for measure in shown(Place.STAGES) if isinstance(measure.record.layers, Sum))
# The measures that the Architecture page draws, by their names in its links.
DRAWN = {measure.record.link or str(measure): measure for measure in shown(Place.DRAWN)}
