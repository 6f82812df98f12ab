"""The result of a recogniser: a network, the names of its tensors in the checkpoint, and open questions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Self

import torch
from torch import Tensor

from explorer.errors import InputError, SpecError, shown
from explorer.families import Spec
from explorer.families.building import AUXILIARY, integer_weights_message, tensor_shapes
from explorer.families.recognition import heads
from explorer.families.recognition.adapting import Tensors, check_epsilon, with_epsilon
from explorer.families.recognition.heads import Step
from explorer.families.recognition.layers import Layers, Shape, Unit, read_layers
from explorer.families.registry import part, required_part
from explorer.i18n import _
from explorer.specs.activation import ACTIVATIONS, ActivatedSpec
from explorer.specs.size import Size

# Values of missing tensors: a missing bias is 0, a batch norm without affine parameters scales by 1.
ABSENT = {"weight": 1.0, "bias": 0.0, "num_batches_tracked": 0.0}

COUNTS = ("num_batches_tracked", "relative_position_index")  # tensors of whole numbers
COMPUTED = ("relative_position_index", "relative_coords_table")  # tensors that a network computes from its shape
BUFFERS = (*COUNTS, *COMPUTED)  # tensors that are no weights


class Misfit(Exception):  # noqa: N818  not an error of the user: the next guess is tried
    """The layers don't fit the network of the spec."""


@dataclass(frozen=True)
class Question:
    """A question about a network that the names and shapes of its tensors can't answer.

    Attributes:
        key: Field of the spec, or another option of an import.
        text: Question as users read it.
        likely: Default answer.
        choices: All possible answers; empty if there are too many.
        offers: Usual answers, if others are possible too.
        cost: Cost of a wrong answer, as a message; empty if it is unknown.
        only_if: Field and value of the spec that the question depends on; None if it is always asked.
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
        spec: Spec of the network, with the likely answer to each question.
        names: Names of the checkpoint's tensors by our names; our other tensors have the values of :data:`ABSENT`.
        units: Layers of the checkpoint in the order of our network; empty if only names were matched.
        shifts: Names of the checkpoint's convolution biases by our running means, which absorb them: our convolutions
            before a batch norm have no bias.
        merged: Steps of the checkpoint's head that become one layer, by our linear layers.
        adaptations: Differences from our network that no spec describes: ``epsilon``, and keys of the family's
            ``ADAPTATIONS``.
        ignored: Names of the checkpoint's tensors that are left out.
        notes: Messages about what was done.
        questions: Open questions.
        is_certain: Whether names or depth, and not only fitting shapes, show that the network is of this family.
    """

    spec: Spec
    names: dict[str, str]
    units: tuple[Unit, ...] = ()
    shifts: dict[str, str] = field(default_factory=dict)
    merged: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    adaptations: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    is_certain: bool = False

    def changed(self, **fields: Any) -> Self:
        """The guess after other answers to its questions.

        Args:
            fields: Answers by the keys of their questions.

        Raises:
            SpecError: If the answers break a rule.
            Misfit: If the tensors don't fit the network of the answers.
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
        if "epsilon" in fields and "epsilon" in self.adaptations:
            check_epsilon(fields["epsilon"])
        adaptations = {key: fields.pop(key, value) for key, value in self.adaptations.items()}
        changed = replace(self, adaptations=adaptations)
        implied_fields = getattr(part(self.spec.family, "recognise"), "implied_fields", None)
        fields |= implied_fields(self.spec, fields) if implied_fields else {}
        return changed.fitted(self.spec.changed(**fields)) if fields else changed

    @property
    def is_renamed(self) -> bool:
        """Whether the checkpoint has other names than ours. With torchvision's own, hardly anything is uncertain."""
        return any(ours != theirs for ours, theirs in self.names.items())

    def asks(self, question: Question) -> bool:
        """Whether a question applies to this network: for example, a plain network has no shortcuts."""
        if question.only_if is None:
            return True
        field, value = question.only_if
        return bool(getattr(self.spec, field) == value)

    def fitted(self, spec: Spec) -> Self:
        """A guess that the same checkpoint holds the network of another spec.

        Raises:
            Misfit: If the tensors don't fit that network.
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
    """Whether weights fit into another shape: an equal one, or a linear layer's into a convolution's and back."""
    flattened = {len(before), len(after)} == {2, 4} and before[0] == after[0] and prod(before) == prod(after)
    return before == after or flattened


def make_guess(spec: Spec, units: list[Unit], **more: Any) -> Guess:
    """A guess from the layers of a checkpoint.

    Args:
        spec: Spec of the network.
        units: Layers of the checkpoint in the order of our network.
        more: Other attributes of the guess.

    Raises:
        Misfit: If the layers don't fit the network.
    """
    names, shifts = match(spec, units)
    return Guess(spec, names, tuple(units), shifts, **more)


def image_size_question(likely: int | Size) -> Question:
    """The question about the size of the images."""
    return Question(
        "image_size",
        _("How many pixels do the images have: per side, or in height and width, such as 224x160?"),
        likely,
    )


def epsilon_question(likely: float) -> Question:
    """The question about the epsilon of batch norms, which no tensor holds."""
    text = _(
        "Which epsilon do the batch norms use? PyTorch's default is 0.00001, that of Keras and of GoogLeNet 0.001."
    )
    return Question("epsilon", text, likely)


def activation_question(spec: Spec) -> Question | None:
    """The question about the activation function, which no tensor shows; None for a network of torchvision."""
    if not isinstance(spec, ActivatedSpec):
        return None
    text = _("Which activation function do the layers have? No tensor shows it, and ReLU is usual.")
    return Question("activation", text, spec.activation, tuple(ACTIVATIONS))


def activation_note(spec: Spec) -> str | None:
    """The note about an activation function that nobody has named; None if the network can have no other."""
    if isinstance(spec, ActivatedSpec):
        return _(
            "No tensor shows the activation function: ReLU is taken. If it is another, name the network that has it; "
            "on the command line, --set activation=gelu does it."
        )
    if getattr(spec, "takes_activation", False):
        return _(
            "No tensor shows the activation functions: torchvision's own are taken. If they are others, name the "
            "network that has them; on the command line, --set activation=gelu does it."
        )
    return None


def assumptions(spec: Spec) -> str | None:
    """The note about assumed properties, which no tensor shows and no question asks; None if there are none."""
    note: str | None = required_part(spec.family, "recognise").assumptions(spec)
    return note


def our_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of our network by name, without auxiliary heads.

    Raises:
        SpecError: If torchvision can't build the model.
    """
    return {name: shape for name, shape in tensor_shapes(spec).items() if not is_auxiliary(name)}


def is_auxiliary(name: str) -> bool:
    """Whether a tensor of our network belongs to a head that runs only in training."""
    return bool(AUXILIARY.fullmatch(name.split(".")[0]))


def _computed(spec: Spec) -> dict[str, Tensor]:
    constants = getattr(part(spec.family, "network"), "constants", None)
    return constants(spec) if constants else {}


def _adaptation(spec: Spec, key: str) -> Callable[[Spec, Tensors, Any], Tensors]:
    adaptations: dict[str, Callable[[Any, Tensors, Any], Tensors]] = {"epsilon": with_epsilon}
    adaptations |= getattr(part(spec.family, "recognise"), "ADAPTATIONS", {})
    return adaptations[key]


def our_layers(spec: Spec) -> Layers:
    """The layers of our network, in the order of registration."""
    return read_layers(our_shapes(spec), ordered=True)


def match(spec: Spec, units: tuple[Unit, ...] | list[Unit]) -> tuple[dict[str, str], dict[str, str]]:
    """Match the layers of a checkpoint with those of our network; return ``names`` and ``shifts`` of a guess.

    Args:
        spec: Spec of our network.
        units: Layers of the checkpoint in the order of our network.

    Raises:
        Misfit: If the layers don't fit the network.
    """
    ours = our_layers(spec).units
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
    """Whether weights fit our layer. A linear layer over a map equals a convolution with a kernel of the map's size."""
    dense = own.kernel > 0 and not their.kernel and own.after == their.after and prod(own.shape) == prod(their.shape)
    return dense or (own.before, own.after, own.kernel) == (their.before, their.after, their.kernel)


def our_tensors(found: Guess, theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a guess by our names; float64 becomes float32, other types stay.

    Args:
        found: Guess.
        theirs: Tensors of the checkpoint by its names.

    Raises:
        InputError: If weights are not floating-point numbers.
    """
    steps = [step for layer in found.merged.values() for step in layer]
    floats = [name for name in heads.names(steps) if not name.endswith(COUNTS)]
    for name in (*found.names.values(), *found.shifts.values(), *floats):
        if not theirs[name].is_floating_point() and not name.endswith(COUNTS):
            raise InputError(integer_weights_message(name, theirs[name]))
    tensors: dict[str, Tensor] = {}
    for module, layer in found.merged.items():
        tensors[f"{module}.weight"], tensors[f"{module}.bias"] = heads.merge(layer, theirs)
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
            # The mean of a batch norm cancels a bias that is added before it.
            tensor = (tensor.float() - theirs[found.shifts[name]].float()).to(tensor.dtype)
        tensors[name] = tensor.reshape(shape)  # a counter may be stored with shape (1,)
    for key, value in found.adaptations.items():
        tensors = _adaptation(found.spec, key)(found.spec, tensors, value)
    return tensors
