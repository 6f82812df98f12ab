"""The measures of networks and layers, each defined once.

A definition gives the names of a measure, the format of its numbers, its glossary entry, and the functions that compute
it for a layer, a group of layers (a stage, a closed part of the diagram) and a network. Diagram, charts, tables,
headline, layer panel, comparison, CSV and terminal read the definitions, so a new measure appears in all of them.
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
    """The keys of the measures, in the order of every table."""

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
    def definition(self) -> "Definition":
        """The definition of the measure."""
        return DEFINITIONS[self]

    @property
    def label(self) -> str:
        """The name of the measure on pages."""
        return self.definition.names().name

    def formula(self, owner: Layer | Analysis) -> str:
        """Returns the formula of a layer's or a network's number with its values; empty if there is none."""
        if isinstance(ratio := self.definition.layers, Ratio):
            return ratio.formula([owner] if isinstance(owner, Layer) else owner.layers)
        return owner.formulas.get(self, "")


Numbers = dict[Measure, Number | None]


class Place(StrEnum):
    """The places that show measures: :data:`LAYER_PLACES` show numbers of layers, the others numbers of networks."""

    DIAGRAM = "colours of the diagram, charts along the layers and by stage"
    TABLE = "table of layers"
    FORMULAS = "table of formulas"
    PANEL = "layer panel"
    TERMINAL_LAYERS = "list of layers in the terminal"
    CSV = "CSV export"
    STAGES = "comparison by stage and along the depth"
    HEADLINE = "headline"
    CARDS = "cards of the comparison"
    COMPARISON = "totals of the comparison"
    TERMINAL_TOTALS = "totals in the terminal"


LAYER_PLACES = frozenset(
    [Place.DIAGRAM, Place.TABLE, Place.FORMULAS, Place.PANEL, Place.TERMINAL_LAYERS, Place.CSV, Place.STAGES]
)  # fmt: skip


class Unit(NamedTuple):
    """A unit and the formats of its numbers.

    ``text`` formats a number briefly with the unit, ``exact`` with all digits and without it. ``name`` returns the unit
    for the title of an axis, and ``tick_format`` is the format of an axis's numbers (d3-format).
    """

    text: Callable[[Any], str]
    name: Callable[[], str] = str
    exact: Callable[[Any], str] = "{:,}".format
    tick_format: str = "~s"


COUNT = Unit(short)
BYTES = Unit(bytes_short, lambda: _("bytes"))
PIXELS = Unit(lambda value: _("{size} px").format(size=f"{value:,}"), lambda: _("pixels"))
RATE = Unit(
    lambda value: _("{rate} MACs/B").format(rate=f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"),
    lambda: _("MACs per byte"),
    "{:,.2f}".format,
    "~g",
)


class Names(NamedTuple):
    """The names of a measure in the language of the session; an empty name means that ``name`` is used.

    Attributes:
        name: Name on pages.
        terminal: Name in the terminal.
        column: Column of the table of layers.
        total: Row of the comparison.
        terminal_column: Column of the terminal's table of layers; ``terminal`` if empty.
        note: Explanation of a layer's number.
    """

    name: str
    terminal: str
    column: str = ""
    total: str = ""
    terminal_column: str = ""
    note: str = ""


class Sum(NamedTuple):
    """An amount that adds up over layers."""

    of: Callable[[Layer], int]

    def along_depth(self, groups: Iterable[Sequence[Layer]]) -> list[Number | None]:
        """Returns for each group the sum over all layers up to its end."""
        return list(accumulate(sum(map(self.of, layers)) for layers in groups))


class Maximum(NamedTuple):
    """A size that grows along the network; a group of layers has that of its largest."""

    of: Callable[[Layer], int | None]

    def along_depth(self, groups: Iterable[Sequence[Layer]]) -> list[Number | None]:
        """Returns the largest size in each group; None if no layer has a size."""
        return [max((size for size in map(self.of, layers) if size is not None), default=None) for layers in groups]


class Ratio(NamedTuple):
    """An amount per byte of memory traffic; for a group of layers, the sum of amounts over the sum of bytes."""

    of: Callable[[Layer], int]
    traffic: Callable[[Layer], Traffic]

    def along_depth(self, groups: Iterable[Sequence[Layer]]) -> list[Number | None]:
        """Returns for each group the ratio over all layers up to its end; None if they move no bytes."""
        sums = ((sum(map(self.of, layers)), sum(map(sum, map(self.traffic, layers)))) for layers in groups)
        so_far = accumulate(sums, lambda before, new: (before[0] + new[0], before[1] + new[1]))
        return [amount / moved if moved else None for amount, moved in so_far]

    def formula(self, layers: Sequence[Layer]) -> str:
        """Returns ``amount/(weights + inputs + output) = ratio``; empty if the layers move no bytes."""
        (value,) = self.along_depth([layers])
        moved = " + ".join(map(number, map(sum, zip(*map(self.traffic, layers), strict=True))))
        return "" if value is None else f"{number(sum(map(self.of, layers)))}/({moved}) = {RATE.exact(value)}"


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition of one measure.

    Args:
        names: Function that returns its names.
        term: Key of its glossary entry.
        layers: Rule for layers and groups of layers; None if only networks have the measure.
        total: Function that computes a network's number; None if only layers have the measure.
        unit: Unit of its numbers.
        link: Name in links of the Architecture page; the key if empty.
        csv: Column of the CSV export; the key if empty.
        places: Places that show the measure, if it has numbers there.
    """

    names: Callable[[], Names]
    term: str
    layers: Sum | Maximum | Ratio | None = None
    total: Callable[[Analysis], Number | None] | None = None
    unit: Unit = COUNT
    link: str = ""
    csv: str = ""
    places: frozenset[Place] = frozenset(Place)

    def amount(self, layers: Sequence[Layer]) -> Number | None:
        """Returns the number of a group of layers; None if there is none."""
        return self.layers.along_depth([layers])[0] if self.layers else None

    def of_network(self, network: Analysis) -> Number | None:
        """Returns the number of a network; None if there is none."""
        return self.total(network) if self.total else None

    def text(self, value: Number | None) -> str:
        """Formats a number briefly, with its unit; None is a dash."""
        return "–" if value is None else self.unit.text(value)

    def exact(self, value: Number | None) -> str:
        """Formats a number with all digits, for tooltips."""
        if value is None:
            return _("none")
        return _("{count:,} bytes").format(count=value) if self.unit is BYTES else self.unit.exact(value)

    def axis(self, name: str) -> str:
        """Returns the title of an axis: a name with the unit."""
        unit = self.unit.name()
        return _("{measure} ({unit})").format(measure=name, unit=unit) if unit else name

    def heading(self) -> str:
        """Returns the title of a column of numbers without units; only bytes need the unit in the title."""
        return self.axis(self.names().name) if self.unit is BYTES else self.names().name


def depths(layers: Sequence[Layer]) -> list[int]:
    """Returns for each layer the largest number of convolutions and linear layers on a path to it, as papers count."""
    found: list[int] = []
    for layer in layers:
        before = max((found[source] for source in layer.inputs), default=0)
        found.append(before + (group_of(layer.kind) in WEIGHTED))
    return found


def by_stage(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """Returns the layers of each stage, in the order of the stages."""
    stages: dict[str, list[Layer]] = {}
    for layer in layers:
        stages.setdefault(layer.stage, []).append(layer)
    return stages


def measures_at(place: Place) -> tuple[Measure, ...]:
    """Returns the measures that a place shows, in their order."""
    return tuple(
        measure
        for measure, definition in DEFINITIONS.items()
        if place in definition.places and (definition.layers if place in LAYER_PLACES else definition.total) is not None
    )


def _all_places_except(*places: Place) -> frozenset[Place]:
    return frozenset(Place) - {*places}


DEFINITIONS: dict[Measure, Definition] = {
    Measure.PARAMS: Definition(
        lambda: Names(_("Parameters"), _("parameters")),
        "parameter",
        Sum(lambda layer: layer.params),
        lambda network: network.totals.params,
        csv="parameters",
    ),
    Measure.TRAINABLE_PARAMS: Definition(
        lambda: Names(_("Trainable parameters"), _("trainable parameters")),
        "parameter",
        Sum(lambda layer: layer.trainable),
        lambda network: network.totals.trainable_params,
        csv="trainable_parameters",
        places=frozenset([Place.CSV]),
    ),
    Measure.AUX_PARAMS: Definition(
        lambda: Names(_("Parameters of auxiliary heads"), _("parameters of auxiliary heads")),
        "auxiliary-head",
        total=lambda network: network.totals.aux_params,
        places=frozenset([Place.TERMINAL_TOTALS]),
    ),
    Measure.MACS: Definition(
        lambda: Names(_("MACs"), _("MACs")),
        "macs",
        Sum(lambda layer: layer.macs),
        lambda network: network.totals.macs,
    ),
    # Diagrams and charts leave FLOPs out: they would look like those of MACs.
    Measure.FLOPS: Definition(
        lambda: Names(_("FLOPs"), _("FLOPs"), note=_("Of the chosen terms, for one image.")),
        "flops",
        Sum(lambda layer: layer.flops),
        lambda network: network.totals.flops,
        places=_all_places_except(Place.DIAGRAM, Place.TERMINAL_LAYERS, Place.STAGES, Place.CARDS),
    ),
    Measure.MULT_ADDS: Definition(
        lambda: Names(_("Mult-adds"), _("torchinfo mult-adds")),
        "mult-adds",
        total=lambda network: network.totals.torchinfo_mult_adds,
        places=frozenset([Place.HEADLINE, Place.TERMINAL_TOTALS]),
    ),
    Measure.WEIGHT_BYTES: Definition(
        lambda: Names(_("Weights"), _("weights")),
        "parameter",
        total=lambda network: network.totals.weight_bytes,
        unit=BYTES,
        places=_all_places_except(Place.CARDS),
    ),
    Measure.ACTIVATION_BYTES: Definition(
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
        places=_all_places_except(Place.TERMINAL_LAYERS, Place.HEADLINE, Place.CARDS),
    ),
    Measure.PEAK_ACTIVATION_BYTES: Definition(
        lambda: Names(_("Peak activations"), _("peak activations"), total=_("Activations, peak")),
        "activation-memory",
        total=lambda network: network.totals.peak_activation_bytes,
        unit=BYTES,
        places=_all_places_except(Place.CARDS),
    ),
    Measure.TRAINING_BYTES: Definition(
        lambda: Names(_("Training"), _("training on {device}, batches of {batch}"), total=_("Training, batches of 32")),
        "training-memory",
        total=lambda network: network.training.total if network.training else None,
        unit=BYTES,
        places=_all_places_except(Place.CARDS),
    ),
    # Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore
    # architectures", count operations per byte of memory traffic. This measure counts MACs per byte of a layer's
    # weights, inputs and output, each read or written once, for one image in float32.
    Measure.ARITHMETIC_INTENSITY: Definition(
        lambda: Names(
            _("Arithmetic intensity"),
            _("arithmetic intensity"),
            column=_("MACs per byte"),
            terminal_column=_("MACs/B"),
            note=_("Of weights, inputs and output, each read or written once, for one image in float32."),
        ),
        "arithmetic-intensity",
        Ratio(lambda layer: layer.macs, lambda layer: layer.cost.traffic),
        lambda network: network.totals.cost.arithmetic_intensity,
        RATE,
    ),
    Measure.RECEPTIVE_FIELD: Definition(
        lambda: Names(_("Receptive field"), _("receptive field"), column=_("Field"), terminal_column=_("field")),
        "receptive-field",
        Maximum(lambda layer: layer.field.size if layer.field else None),
        lambda network: network.field.size if network.field else None,
        PIXELS,
        link="field",
        csv="receptive_field_size",
    ),
    Measure.STRIDE: Definition(
        lambda: Names(_("Stride in the image"), _("stride in the image"), column=_("Stride")),
        "effective-stride",
        Maximum(lambda layer: layer.field.stride if layer.field else None),
        unit=PIXELS,
        csv="receptive_field_stride",
        places=frozenset([Place.TABLE, Place.PANEL, Place.CSV]),
    ),
    Measure.PADDING: Definition(
        lambda: Names(_("Padding in the image"), _("padding in the image"), column=_("Padding")),
        "effective-padding",
        Maximum(lambda layer: layer.field.padding if layer.field else None),
        unit=PIXELS,
        csv="receptive_field_padding",
        places=frozenset([Place.TABLE, Place.PANEL, Place.CSV]),
    ),
    Measure.DEPTH: Definition(
        lambda: Names(_("Weighted layers"), _("weighted layers")),
        "layer",
        total=lambda network: max(depths(network.layers), default=0),
        places=frozenset([Place.CARDS, Place.COMPARISON]),
    ),
}
# The measures of the diagram and charts of the Architecture page, by their names in links.
DIAGRAM_MEASURES = {measure.definition.link or str(measure): measure for measure in measures_at(Place.DIAGRAM)}
