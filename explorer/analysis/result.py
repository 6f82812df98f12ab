"""The numbers of an analysis, as frozen data: what pages draw and ``analyze --json`` prints."""

from dataclasses import dataclass, replace
from typing import Any, Self

from explorer.analysis.cost import Cost, Term
from explorer.analysis.devices import Device
from explorer.analysis.memory import Training
from explorer.families import Spec
from explorer.i18n import _

Span = tuple[int, int] | None


def map_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Channels, rows and columns of a batch of maps; channels last (Swin) are told by the maps being square."""
    _batch, one, two, three = shape
    return (three, one, two) if one == two != three else (one, two, three)


@dataclass(frozen=True, slots=True)
class Field:
    """Receptive field of one unit, in pixels of the input (Araujo et al. 2019).

    ``size``, ``stride`` and ``padding`` hold for any unit away from the border, along the rows; ``columns``
    stands only where they differ there. ``span`` gives the first and last pixel, down and across, that the
    middle unit ``unit`` really sees, cut off at the border. ``smallest`` is the size along the path with the smallest
    field, where ``size`` is that of all paths together. ``seeing`` are the first and last units, down and across, that
    see the whole image; None where no unit does.
    """

    size: int
    stride: int
    padding: int
    unit: tuple[int, int]
    span: tuple[Span, Span]
    smallest: int
    seeing: tuple[tuple[int, int], tuple[int, int]] | None
    columns: tuple[int, int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As ``analyze --json`` prints it."""
        data: dict[str, Any] = {
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "unit": list(self.unit),
            "span": [list(span) if span else None for span in self.span],
            "smallest_over_paths": self.smallest,
            "units_that_see_the_whole_image": [list(units) for units in self.seeing] if self.seeing else None,
        }
        if self.columns:
            data["columns"] = dict(zip(("size", "stride", "padding"), self.columns, strict=True))
        return data


@dataclass(frozen=True, slots=True)
class Window:
    """What a convolution or pool slides over its input; each pair is (down, across)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int = 1

    @property
    def steps(self) -> str:
        """Kernel and stride: ``3×3``, ``7×7/2``."""
        down, across = self.stride
        stride = "" if self.stride == (1, 1) else f"/{down}" if down == across else f"/{down}×{across}"
        return f"{self.kernel[0]}×{self.kernel[1]}{stride}"

    def __str__(self) -> str:
        """Kernel, stride and whatever is not plain: ``3×3, 32 groups``."""
        parts = [self.steps]
        if self.dilation != (1, 1):
            parts.append(_("dilation {dilation}").format(dilation=self.dilation[0]))
        if self.groups > 1:
            parts.append(_("{count:,} groups").format(count=self.groups))
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As ``analyze --json`` prints it."""
        return {
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": list(self.padding),
            "dilation": list(self.dilation),
            "groups": self.groups,
        }


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the table. Costs and bytes are for one image; ``inputs`` are positions in the table."""

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
    field: Field | None
    sees_whole_image: bool
    notes: tuple[str, ...]
    formulas: dict[str, str]

    @property
    def words(self) -> str:
        """Kind and window: ``Conv2d 3×3/2``, ``ReLU``."""
        return f"{self.kind} {self.window}" if self.window else self.kind

    @property
    def macs(self) -> int:
        """Multiply-accumulates, without bias."""
        return self.cost.macs

    @property
    def flops(self) -> int:
        """Sum of the terms that count."""
        return self.cost.flops

    def counting(self, terms: frozenset[Term]) -> Self:
        """The same layer with FLOPs of some terms only."""
        return replace(self, cost=self.cost.counting(terms))

    def to_dict(self) -> dict[str, Any]:
        """As ``analyze --json`` prints it."""
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

    ``after`` is the position in the table of the layer that it reads. Its layers' ``inputs`` count on from the end of
    the table, through all heads.
    """

    name: str
    after: int
    layers: tuple[Layer, ...]

    @property
    def params(self) -> int:
        """Parameters of all its layers."""
        return sum(layer.params for layer in self.layers)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the network for one image; auxiliary heads stand apart, in ``aux_params`` alone."""

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
        """The FLOPs by what they are spent on."""
        return self.cost.terms

    @property
    def flops(self) -> int:
        """Sum of the terms that count."""
        return self.cost.flops


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that runs but is unwise, and what to do about it."""

    code: str
    message: str
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Every number of a network at an input size.

    ``auxiliary`` heads stand apart from the layers. ``training`` is for batches of ``batch_size`` on ``device``; None
    where it can't train on such a batch.
    """

    spec: Spec
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    auxiliary: tuple[Head, ...]
    totals: Totals
    field: Field | None
    field_note: str
    batch_size: int
    device: Device
    training: Training | None
    warnings: tuple[Warned, ...]
    formulas: dict[str, str]

    def counting(self, terms: frozenset[Term]) -> Self:
        """The same numbers with FLOPs of some terms only; the formulas go on to list them all."""
        return replace(
            self,
            layers=tuple(layer.counting(terms) for layer in self.layers),
            auxiliary=tuple(
                replace(head, layers=tuple(layer.counting(terms) for layer in head.layers)) for head in self.auxiliary
            ),
            totals=replace(self.totals, cost=self.totals.cost.counting(terms)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The ``analyze --json`` document."""
        totals, training = self.totals, self.training
        return {
            "spec": self.spec.to_dict(),
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
                    "after": self.layers[head.after].name,
                    "params": head.params,
                    "layers": [layer.to_dict() for layer in head.layers],
                }
                for head in self.auxiliary
            ],
            "warnings": [
                {"code": warned.code, "message": warned.message, "layer": warned.layer} for warned in self.warnings
            ],
            "formulas": self.formulas,
        }
