"""Recognition of networks of the ``densenet`` family by the tensors of a checkpoint."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from explorer.errors import SpecError
from explorer.families.densenet.spec import DenseNetSpec
from explorer.families.recognition.adapting import PYTORCH_EPSILON
from explorer.families.recognition.guess import Guess, epsilon_question, image_size_question, our_shapes
from explorer.families.recognition.layers import Checkpoint, Norm, Unit, read_unpaired
from explorer.i18n import _

Part = Unit | Norm
SortKey = tuple[int, ...]

STEMS = {7: "imagenet", 3: "cifar"}  # stems by the side of their kernel
SIZES = {"imagenet": 224, "cifar": 32}
LAST = 1_000  # a sort key after all blocks
# torchvision's names of modules; in files from before 2019 a dot comes before the numbers of a layer.
_LAYER = re.compile(r"(?:.*\.)?denseblock(\d{1,3})\.denselayer(\d{1,3})\.(norm|conv)\.?(\d)")
_TRANSITION = re.compile(r"(?:.*\.)?transition(\d{1,3})\.(norm|conv)")
_OTHER = re.compile(r"(?:.*\.)?(conv0|norm\d{1,2}|classifier)")


class Reading(NamedTuple):
    """The structure of a network, read from the order of its convolutions and batch norms.

    Attributes:
        blocks: Number of layers in each dense block.
        growth: Growth rate.
        narrow: Output channels of the layers' 1x1 convolutions; None if they have none.
        transitions: Channels before and after each transition.
        channels: Channels of the last map.
    """

    blocks: list[int]
    growth: int
    narrow: int | None
    transitions: list[tuple[int, int]]
    channels: int


def guesses(checkpoint: Checkpoint) -> Iterator[Guess]:
    """All networks of this family that fit the tensors, the likeliest first."""
    found = read_unpaired(checkpoint.shapes, ordered=checkpoint.ordered)
    if not found:
        return
    keys = [_sort_key(part.name) for part in found]
    is_certain = None not in keys
    if is_certain:
        found = [part for _key, part in sorted(zip(keys, found, strict=True), key=lambda pair: pair[0] or ())]
    stem, body = found[0], found[1:]
    if not isinstance(stem, Unit) or stem.kernel not in STEMS or len(body) < 2:
        return
    if stem.kernel == 7:
        own, *body = body
        if not isinstance(own, Norm) or own.channels != stem.after or len(body) < 2:
            return
    *layers, norm, head = body
    convolutions = _pairs(layers)
    reading = None if convolutions is None else _read(convolutions, stem.after)
    if reading is None or not isinstance(norm, Norm) or not isinstance(head, Unit) or head.kernel:
        return
    if norm.channels == head.before == reading.channels:
        with suppress(SpecError):
            yield from _matched(_spec(stem, reading, head), found, is_certain=is_certain)


def _pairs(parts: Sequence[Part]) -> list[Unit] | None:
    """The convolutions, if each follows a batch norm of its input channels; else None."""
    norms, convolutions = parts[::2], parts[1::2]
    found = [unit for unit in convolutions if isinstance(unit, Unit) and unit.kernel]
    widths = [norm.channels for norm in norms if isinstance(norm, Norm)]
    fits = len(widths) == len(norms) == len(found) == len(convolutions)
    return found if fits and widths == [unit.before for unit in found] else None


def _sort_key(name: str) -> SortKey | None:
    """A sort key that puts torchvision's modules in running order; None if torchvision has no such name."""
    if match := _LAYER.fullmatch(name):
        block, layer, kind, number = match.groups()
        return int(block), 0, int(layer), int(number), kind == "conv"
    if match := _TRANSITION.fullmatch(name):
        return int(match[1]), 1, match[2] == "conv"
    if match := _OTHER.fullmatch(name):
        return {"conv0": (0, 0), "norm0": (0, 1), "classifier": (LAST, 1)}.get(match[1], (LAST, 0))
    return None


def _read(convolutions: Sequence[Unit], channels: int) -> Reading | None:
    """The structure of the network, read from its channels; None if they don't fit dense blocks.

    Args:
        convolutions: All convolutions except the stem, in running order.
        channels: Output channels of the stem.
    """
    blocks, transitions = [0], list[tuple[int, int]]()
    growth, narrow = 0, None
    rest = list(convolutions)
    while rest:
        first, *rest = rest
        if first.before != channels:
            return None
        # A 1x1 and the 3x3 after it are a layer, unless this network's layers have no 1x1.
        layer = [first]
        if first.kernel == 1 and rest and rest[0].kernel == 3 and (narrow is not None or not growth):
            layer.append(rest.pop(0))
        *before, last = layer
        if last.kernel == 1:
            transitions.append((channels, last.after))
            blocks.append(0)
            channels = last.after
            continue
        width = before[0].after if before else None
        if (
            last.kernel != 3
            or last.before != (width or channels)
            or (growth and (last.after, width) != (growth, narrow))
        ):
            return None
        growth, narrow = last.after, width
        blocks[-1] += 1
        channels += growth
    return Reading(blocks, growth, narrow, transitions, channels)


def _spec(stem: Unit, reading: Reading, head: Unit) -> DenseNetSpec:
    """The spec of a reading.

    Raises:
        SpecError: If it breaks a rule of the family.
    """
    kind = STEMS[stem.kernel]
    fields: dict[str, Any] = {
        "family": "densenet",
        "blocks": reading.blocks,
        "growth_rate": reading.growth,
        "stem_width": stem.after,
        "bottleneck": reading.narrow and reading.narrow // reading.growth,
        "stem": kind,
        "in_channels": stem.before,
        "image_size": SIZES[kind],
        "num_classes": head.after,
    }
    if reading.transitions:
        fields["compression"] = _compression(reading.transitions)
    return DenseNetSpec.parse(fields)


def _compression(transitions: Sequence[tuple[int, int]]) -> float:
    """A compression that gives the channels of all transitions, which are rounded down; usual values come first."""
    exact = [share for before, after in transitions for share in (after / before, (after + 0.5) / before)]
    for share in (0.5, 1.0, *exact):
        if all(int(before * share) == after for before, after in transitions):
            return share
    return exact[0]


def _matched(spec: DenseNetSpec, found: Sequence[Part], *, is_certain: bool) -> Iterator[Guess]:
    """The guess; nothing if a tensor has another shape than in the network.

    Args:
        spec: Spec of the network.
        found: Layers and batch norms of the checkpoint in running order.
        is_certain: Whether all names are torchvision's.
    """
    ours = read_unpaired(our_shapes(spec), ordered=True) or []
    if list(map(_signature, ours)) != list(map(_signature, found)):
        return
    pairs = zip(ours, found, strict=True)
    names = {
        name: their.tensors[leaf] for own, their in pairs for leaf, name in own.tensors.items() if leaf in their.tensors
    }
    image = image_size_question(spec.image_size)
    if is_certain:
        yield Guess(spec, names, questions=(image,), is_certain=True)
        return
    questions = (image, epsilon_question(PYTORCH_EPSILON))
    yield Guess(spec, names, questions=questions, adaptations={"epsilon": PYTORCH_EPSILON})


def _signature(part: Part) -> tuple[object, ...]:
    """Properties that must be equal in our module and theirs; batch norms may lack their weights."""
    if isinstance(part, Norm):
        return ("norm", part.channels)
    return (part.before, part.after, part.kernel, "bias" in part.tensors)


def assumptions(_spec: DenseNetSpec) -> str:
    """The note about assumed properties, which no tensor shows and no question asks."""
    return _(
        "The tensors don't show these, so the usual is assumed: average pooling "
        "between the blocks, global average pooling of the last map, new channels after those that arrive."
    )
