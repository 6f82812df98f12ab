"""The results of an analysis as frozen data, for pages and for ``analyze --json``."""

from dataclasses import dataclass, replace
from typing import Any, Self

from explorer.analysis.cost import Cost, Term
from explorer.analysis.devices import Device
from explorer.analysis.memory import TrainingMemory
from explorer.families import Spec
from explorer.i18n import _
from explorer.specs.size import Size

Span = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """Receptive field of the units of a map, in pixels of the input (Araujo et al. 2019).

    Attributes:
        size: Size along the rows over all paths, for a unit away from the border.
        stride: Stride along the rows.
        padding: Padding along the rows.
        unit: Row and column of the middle unit.
        span: First and last pixel that the middle unit sees, down and across, clipped at the border.
        smallest_over_paths: Size along the path with the smallest field.
        full_view: First and last unit, down and across, that see the whole image; None if there is none.
        columns: Size, stride and padding along the columns, if they differ.
    """

    size: int
    stride: int
    padding: int
    unit: tuple[int, int]
    span: tuple[Span, Span]
    smallest_over_paths: int
    full_view: tuple[tuple[int, int], tuple[int, int]] | None
    columns: tuple[int, int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the part of the ``analyze --json`` document."""
        data: dict[str, Any] = {
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "unit": list(self.unit),
            "span": [list(span) if span else None for span in self.span],
            "smallest_over_paths": self.smallest_over_paths,
            "units_that_see_the_whole_image": [list(units) for units in self.full_view] if self.full_view else None,
        }
        if self.columns:
            data["columns"] = dict(zip(("size", "stride", "padding"), self.columns, strict=True))
        return data


@dataclass(frozen=True, slots=True)
class Window:
    """Window of a convolution or pool; each pair is (down, across)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int = 1

    @property
    def kernel_and_stride(self) -> str:
        """Kernel and stride: ``3×3``, ``7×7/2``."""
        down, across = self.stride
        stride = "" if self.stride == (1, 1) else f"/{down}" if down == across else f"/{down}×{across}"
        return f"{self.kernel[0]}×{self.kernel[1]}{stride}"

    def __str__(self) -> str:
        """Kernel, stride, and dilation and groups if they are not 1: ``3×3, 32 groups``."""
        parts = [self.kernel_and_stride]
        if self.dilation != (1, 1):
            parts.append(_("dilation {dilation}").format(dilation=self.dilation[0]))
        if self.groups > 1:
            parts.append(_("{count:,} groups").format(count=self.groups))
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Returns the part of the ``analyze --json`` document."""
        return {
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": list(self.padding),
            "dilation": list(self.dilation),
            "groups": self.groups,
        }


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. Costs and bytes are for one image; ``inputs`` are indices in the table of layers."""

    name: str
    kind: str
    stage: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    inputs: tuple[int, ...]
    window: Window | None
    params: int
    trainable: int
    cost: Cost
    activation_bytes: int
    field: ReceptiveField | None
    sees_whole_image: bool
    notes: tuple[str, ...]
    formulas: dict[str, str]
    channels_last: bool = False  # whether its output is (N, H, W, C), as in Swin

    @property
    def volume(self) -> tuple[int, ...]:
        """The output shape; of a map always (N, C, H, W)."""
        if not self.channels_last:
            return self.output_shape
        batch, rows, columns, channels = self.output_shape
        return (batch, channels, rows, columns)

    @property
    def description(self) -> str:
        """Kind and window: ``Conv2d 3×3/2``, ``ReLU``."""
        return f"{self.kind} {self.window}" if self.window else self.kind

    @property
    def macs(self) -> int:
        """Multiply-accumulates, without bias."""
        return self.cost.macs

    @property
    def flops(self) -> int:
        """FLOPs of the counted terms."""
        return self.cost.flops

    def with_flops_of(self, terms: frozenset[Term]) -> Self:
        """Returns the same layer with only some terms of FLOPs."""
        return replace(self, cost=self.cost.with_flops_of(terms))

    def to_dict(self) -> dict[str, Any]:
        """Returns the part of the ``analyze --json`` document."""
        return {
            "name": self.name,
            "kind": self.kind,
            "stage": self.stage,
            "input_shape": list(self.input_shape),
            "output_shape": list(self.output_shape),
            "inputs": list(self.inputs),
            "window": self.window.to_dict() if self.window else None,
            "params": self.params,
            **self.cost.to_dict(),
            "activation_bytes": self.activation_bytes,
            "receptive_field": self.field.to_dict() if self.field else None,
            "sees_whole_image": self.sees_whole_image,
            "notes": list(self.notes),
            "formulas": self.formulas,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """An auxiliary head, which runs in training only.

    Attributes:
        name: Name of its module.
        source: Index of the layer whose output it reads.
        layers: Layers of the head. Their indices continue those of the table and of the heads before it.
    """

    name: str
    source: int
    layers: tuple[Layer, ...]

    @property
    def params(self) -> int:
        """Number of parameters of all its layers."""
        return sum(layer.params for layer in self.layers)


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of the network for one image; only ``aux_params`` includes auxiliary heads."""

    params: int
    trainable_params: int
    aux_params: int
    cost: Cost
    torchinfo_mult_adds: int
    weight_bytes: int
    buffer_bytes: int
    activation_bytes: int
    peak_activation_bytes: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates, without bias."""
        return self.cost.macs

    @property
    def terms(self) -> dict[Term, int]:
        """FLOPs of each term."""
        return self.cost.terms

    @property
    def flops(self) -> int:
        """FLOPs of the counted terms."""
        return self.cost.flops


@dataclass(frozen=True, slots=True)
class NetworkWarning:
    """A warning about a network that runs but is unwise, with advice."""

    code: str
    message: str
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of a network at an input size.

    ``layers`` and ``totals`` leave out the ``auxiliary`` heads. ``training`` is the memory of a training step with
    batches of ``batch_size`` on ``device``; None if the network can't train on such a batch, or if it is not known how
    it trains. ``name`` is that of a network without a spec, and empty in a :class:`SpecAnalysis`.
    """

    name: str
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    auxiliary: tuple[Head, ...]
    totals: Totals
    field: ReceptiveField | None
    field_note: str
    batch_size: int
    device: Device
    training: TrainingMemory | None
    warnings: tuple[NetworkWarning, ...]
    formulas: dict[str, str]

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers of the network, followed by those of its auxiliary heads."""
        return (*self.layers, *(layer for head in self.auxiliary for layer in head.layers))

    @property
    def image(self) -> Size:
        """Height and width of the image in pixels."""
        return Size(*self.input_shape[2:])

    def with_flops_of(self, terms: frozenset[Term]) -> Self:
        """Returns the same analysis with only some terms of FLOPs; its formulas still list all terms."""
        if terms.issuperset(Term):
            return self
        return replace(
            self,
            layers=tuple(layer.with_flops_of(terms) for layer in self.layers),
            auxiliary=tuple(
                replace(head, layers=tuple(layer.with_flops_of(terms) for layer in head.layers))
                for head in self.auxiliary
            ),
            totals=replace(self.totals, cost=self.totals.cost.with_flops_of(terms)),
        )

    def with_warning(self, warning: NetworkWarning) -> Self:
        """Returns the same analysis with a further warning, which comes first."""
        return replace(self, warnings=(warning, *self.warnings))

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``analyze --json`` document."""
        totals, training = self.totals, self.training
        return {
            **self.identity(),
            "input_shape": list(self.input_shape),
            "totals": {
                "params": totals.params,
                "trainable_params": totals.trainable_params,
                "aux_params": totals.aux_params,
                **totals.cost.to_dict(),
                "torchinfo_mult_adds": totals.torchinfo_mult_adds,
                "weight_bytes": totals.weight_bytes,
                "buffer_bytes": totals.buffer_bytes,
                "activation_bytes": totals.activation_bytes,
                "peak_activation_bytes": totals.peak_activation_bytes,
                "training_bytes": training.total if training else None,
            },
            "batch_size": self.batch_size,
            "device": self.device,
            "training": {
                "weights": training.weights,
                "half_copy": training.half_copy,
                "gradients": training.gradients,
                "optimizer": training.optimizer,
                "activations": training.activations,
            }
            if training
            else None,
            "receptive_field": self.field.to_dict() if self.field else None,
            "receptive_field_note": self.field_note,
            "layers": [layer.to_dict() for layer in self.layers],
            "auxiliary_heads": [
                {
                    "name": head.name,
                    "after": self.layers[head.source].name,
                    "params": head.params,
                    "layers": [layer.to_dict() for layer in head.layers],
                }
                for head in self.auxiliary
            ],
            "warnings": [
                {"code": warning.code, "message": warning.message, "layer": warning.layer} for warning in self.warnings
            ],
            "formulas": self.formulas,
        }

    def identity(self) -> dict[str, Any]:
        """Returns the entries of documents that say which network it is."""
        return {"spec": None, "name": self.name}


@dataclass(frozen=True, slots=True)
class SpecAnalysis(Analysis):
    """The analysis of a network with a spec."""

    spec: Spec

    def identity(self) -> dict[str, Any]:
        """Returns the spec as an entry of documents."""
        return {"spec": self.spec.to_dict()}
