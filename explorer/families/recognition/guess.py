"""What a recogniser hands back: a network, where its tensors are in the checkpoint, and what remains to be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from typing import Any, Self

import torch
from torch import Tensor

from explorer.errors import InputError, SpecError, shown
from explorer.families import Spec
from explorer.families.building import AUXILIARY, build, whole_numbers
from explorer.families.recognition import heads
from explorer.families.recognition.adapting import Tensors, check_epsilon, with_epsilon
from explorer.families.recognition.heads import Step
from explorer.families.recognition.layers import Layers, Shape, Unit, read
from explorer.families.registry import part
from explorer.i18n import _

# What a layer without the tensor does: a missing bias is 0, a batch norm without affine parameters scales by 1.
ABSENT = {"weight": 1.0, "bias": 0.0, "num_batches_tracked": 0.0}

COUNTS = ("num_batches_tracked", "relative_position_index")  # what networks hold in whole numbers
COMPUTED = ("relative_position_index", "relative_coords_table")  # what a network computes of its shape alone
BUFFERS = (*COUNTS, *COMPUTED)  # what no training changes


class Misfit(Exception):  # noqa: N818  no fault: the next guess is tried
    """Layers and spec are not of the same network."""


@dataclass(frozen=True)
class Question:
    """What names and shapes can't tell.

    Attributes:
        key: of the spec, or of what else an import takes.
        text: the question, for people.
        likely: the answer that is taken where nobody answers.
        choices: all answers there are; empty where there are too many.
        offers: usual answers, where there are others too.
        cost: what a wrong answer costs, in words; empty where nobody knows.
        only_if: a setting of the network and its value under which alone the question makes sense.
    """

    key: str
    text: str
    likely: Any
    choices: tuple[Any, ...] = ()
    offers: tuple[Any, ...] = ()
    cost: str = ""
    only_if: tuple[str, Any] | None = None


@dataclass(frozen=True)
class Guess:
    """A network that a checkpoint may hold.

    Attributes:
        spec: the network, with the likely answer to each question.
        names: our tensors to theirs; tensors of ours that are absent there have the values of :data:`ABSENT`.
        units: the checkpoint's layers in the order of ours; empty where names alone were matched.
        shifts: our running means to their bias of the convolution before, which ours doesn't have.
        merged: our linear layers to steps of theirs that are one layer once they are put together.
        adapting: how the network differs from ours in what no spec says: ``epsilon``, and keys of ``ADAPTING`` of the
            family.
        ignored: their tensors that are left out.
        notes: what was done, in words.
        questions: what can't be told.
        told: whether names say that it is a network of this family, and not shapes alone.
    """

    spec: Spec
    names: dict[str, str]
    units: tuple[Unit, ...] = ()
    shifts: dict[str, str] = field(default_factory=dict)
    merged: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    adapting: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    told: bool = False

    def changed(self, **fields: Any) -> Self:
        """The same checkpoint as a network with other answers.

        Raises:
            SpecError: where the answers break a rule.
            Misfit: where the tensors are not of that network.
        """
        for question in self.questions:
            if question.key in fields and question.choices and fields[question.key] not in question.choices:
                raise SpecError(
                    _("{key}: {value} is not one of {choices}").format(
                        key=question.key,
                        value=shown(fields[question.key]),
                        choices=", ".join(map(str, question.choices)),
                    )
                )
        if "epsilon" in fields and "epsilon" in self.adapting:
            check_epsilon(fields["epsilon"])
        adapting = {key: fields.pop(key, value) for key, value in self.adapting.items()}
        changed = replace(self, adapting=adapting)
        completed = getattr(part(self.spec.family, "recognise"), "completed", None)
        fields |= completed(self.spec, fields) if completed else {}
        return changed.fitted(self.spec.changed(**fields)) if fields else changed

    def asks(self, question: Question) -> bool:
        """Whether a question is one of this network: a plain one has no shortcuts to ask about."""
        if question.only_if is None:
            return True
        field, value = question.only_if
        return bool(getattr(self.spec, field) == value)

    def fitted(self, spec: Spec) -> Self:
        """The same checkpoint as another network.

        Raises:
            Misfit: where the tensors are not of that network.
        """
        if not self.units:
            shapes = our_shapes(spec)
            before = our_shapes(self.spec)
            if shapes.keys() != before.keys() or not all(_reshaped(before[name], shapes[name]) for name in shapes):
                raise Misfit
            return replace(self, spec=spec)
        names, shifts = match(spec, self.units)
        return replace(self, spec=spec, names=names, shifts=shifts)


def _reshaped(before: Shape, after: Shape) -> bool:
    """Whether weights of one shape are those of another: the same, or a linear layer's as a convolution's."""
    turned = {len(before), len(after)} == {2, 4} and before[0] == after[0] and prod(before) == prod(after)
    return before == after or turned


def guess(spec: Spec, units: list[Unit], **more: Any) -> Guess:
    """A guess whose units are in the order of the spec's network.

    Raises:
        Misfit: where they are not of that network.
    """
    names, shifts = match(spec, units)
    return Guess(spec, names, tuple(units), shifts, **more)


def asked_epsilon(likely: float) -> Question:
    """The question about batch norms, which all have one that no tensor holds."""
    text = _("What epsilon have the batch norms? PyTorch's default is 0.00001, that of Keras and of GoogLeNet 0.001.")
    return Question("epsilon", text, likely)


def untold(spec: Spec) -> str | None:
    """The note on what no tensor of a network tells and nobody is asked about; None where tensors tell it all."""
    note: str | None = getattr(part(spec.family, "recognise"), "untold")(spec)  # noqa: B009  of any family
    return note


def our_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors that a network needs, by name: all but those of auxiliary heads.

    Raises:
        SpecError: where torchvision can't build the model.
    """
    return dict(_shapes(spec))


@lru_cache(maxsize=64)  # a form asks for the same network at every answer
def _shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    state = build(spec, "meta").state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items() if not auxiliary(name)}


def auxiliary(name: str) -> bool:
    """Whether a tensor of ours belongs to a head that runs in training only."""
    return bool(AUXILIARY.fullmatch(name.split(".")[0]))


def _computed(spec: Spec) -> dict[str, Tensor]:
    constants = getattr(part(spec.family, "network"), "constants", None)
    return constants(spec) if constants else {}


def _adapting(spec: Spec, key: str) -> Callable[[Spec, Tensors, Any], Tensors]:
    known: dict[str, Callable[[Any, Tensors, Any], Tensors]] = {"epsilon": with_epsilon}
    known |= getattr(part(spec.family, "recognise"), "ADAPTING", {})
    return known[key]


def slots(spec: Spec) -> Layers:
    """The layers of a network of ours, in the order in which they are registered."""
    return read(our_shapes(spec), ordered=True)


def match(spec: Spec, units: tuple[Unit, ...] | list[Unit]) -> tuple[dict[str, str], dict[str, str]]:
    """Put their layers, in our order, to ours: names, and shifts of running means.

    Raises:
        Misfit: where they are not of that network.
    """
    ours = slots(spec).units
    if len(ours) != len(units):
        raise Misfit
    names: dict[str, str] = {}
    shifts: dict[str, str] = {}
    for own, their in zip(ours, units, strict=True):
        if not _same_layer(own, their) or (own.norm is None) != (their.norm is None):
            raise Misfit
        layers = [(own.tensors, their.tensors)]
        if own.norm and their.norm:
            layers.append((own.norm.tensors, their.norm.tensors))
            if "bias" in their.tensors and "bias" not in own.tensors:
                shifts[own.norm.tensors["running_mean"]] = their.tensors["bias"]
        elif "bias" in their.tensors and "bias" not in own.tensors:
            raise Misfit
        names |= {name: found[leaf] for needed, found in layers for leaf, name in needed.items() if leaf in found}
    return names, shifts


def _same_layer(own: Unit, their: Unit) -> bool:
    """Whether the weights of one are those of the other: a linear layer over a map is a convolution as wide as it."""
    turned = own.kernel > 0 and not their.kernel and own.after == their.after and prod(own.shape) == prod(their.shape)
    return turned or (own.before, own.after, own.kernel) == (their.before, their.after, their.kernel)


def assembled(found: Guess, theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a guess under our names; double precision becomes single, everything else stays as it is.

    Raises:
        InputError: where weights are not floating-point numbers.
    """
    steps = [step for layer in found.merged.values() for step in layer]
    floats = [name for name in heads.names(steps) if not name.endswith(COUNTS)]
    for name in (*found.names.values(), *found.shifts.values(), *floats):
        if not theirs[name].is_floating_point() and not name.endswith(COUNTS):
            raise InputError(whole_numbers(name, theirs[name]))
    tensors: dict[str, Tensor] = {}
    for module, layer in found.merged.items():
        tensors[f"{module}.weight"], tensors[f"{module}.bias"] = heads.merged(layer, theirs)
    for name, shape in our_shapes(found.spec).items():
        if name in tensors:
            continue
        if name not in found.names and name.endswith(COMPUTED):
            tensors[name] = _computed(found.spec)[name]
            continue
        if name not in found.names:
            leaf = name.rpartition(".")[2]
            kind = torch.int64 if leaf == "num_batches_tracked" else torch.float32
            tensors[name] = torch.full(shape, ABSENT[leaf], dtype=kind)
            continue
        tensor = theirs[found.names[name]]
        tensor = tensor.float() if tensor.dtype == torch.float64 else tensor
        if name in found.shifts:
            # What is added before a batch norm is taken out again by its mean.
            tensor = (tensor.float() - theirs[found.shifts[name]].float()).to(tensor.dtype)
        tensors[name] = tensor.reshape(shape)  # a count may be stored as a list of one
    for key, value in found.adapting.items():
        tensors = _adapting(found.spec, key)(found.spec, tensors, value)
    return tensors
