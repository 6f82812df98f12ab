"""Recognition of networks of the ``resnet`` family by the layers of a checkpoint."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, pairwise, product
from typing import Any, Literal, NamedTuple

from explorer.errors import SpecError
from explorer.families.recognition.adapting import PYTORCH_EPSILON, Tensors
from explorer.families.recognition.guess import (
    Guess,
    Misfit,
    Question,
    epsilon_question,
    image_size_question,
    make_guess,
)
from explorer.families.recognition.layers import Checkpoint, Path, Unit, common_prefix, find_stem, trail
from explorer.families.resnet.spec import EXPANSION, ResNetSpec
from explorer.i18n import _

Kind = Literal["basic", "bottleneck"]
KERNELS: dict[Kind, tuple[int, ...]] = {"basic": (3, 3), "bottleneck": (1, 3, 1)}
STEMS: dict[int, Literal["imagenet", "cifar"]] = {7: "imagenet", 3: "cifar"}
SIZES = {"imagenet": 224, "cifar": 32}
GREY = 28  # side in pixels: small grey images are mostly MNIST's or similar
BEHIND, BOTH = "behind", "both sides"  # positions of option A's zeros among the channels
SMALL = 3  # side of the kernel of a stem that may have a pool after it
SHORTCUT = re.compile(r"shortcut|downsample|proj|skip|identity|residual_conv|match", re.IGNORECASE)
MANY_PAIRS = 4  # pairs of 3x3 convolutions in which only the first adds channels: more than a VGG has


class Block(NamedTuple):
    """A residual block: its convolutions in running order, and its projection if it has one."""

    convolutions: tuple[Unit, ...]
    projection: Unit | None

    @property
    def before(self) -> int:
        """Input channels."""
        return self.convolutions[0].before

    @property
    def after(self) -> int:
        """Output channels."""
        return self.convolutions[-1].after

    @property
    def width(self) -> int:
        """Output channels of the first convolution."""
        return self.convolutions[0].after

    @property
    def units(self) -> list[Unit]:
        """The block's layers in our order of registration."""
        return [*self.convolutions, *([self.projection] if self.projection else [])]

    @property
    def path(self) -> Path:
        """The common beginning of the names of its layers."""
        return common_prefix(unit.path[:-1] for unit in self.units)


def guesses(checkpoint: Checkpoint) -> Iterator[Guess]:
    """All networks of this family that fit the layers, the likeliest first."""
    layers = checkpoint.layers
    convolutions = layers.convolutions
    if layers.rest or len(layers.linears) != 1 or len(convolutions) < 3:
        return
    stem = find_stem(convolutions)
    if stem.kernel not in STEMS:
        return
    blocks, kind = find_blocks([unit for unit in convolutions if unit is not stem], stem.after)
    if blocks and not any(map(has_pooled_projection, blocks)):
        found = list(_read(stem, blocks, layers.linears[0], kind))
        is_certain = bool(found) and _is_certain(found[0])
        yield from (replace(guess, is_certain=is_certain) for guess in found)


def find_blocks(units: list[Unit], before: int) -> tuple[list[Block], Kind]:
    """The residual blocks of a network in running order, and their kind; an empty list if the units form no blocks.

    Args:
        units: All convolutions except those of the stem.
        before: Output channels of the stem.
    """
    for kind in KERNELS:
        for place in _projection_positions(units, kind):
            blocks = _blocks(units, kind, place) or []
            if order := trail([(block.before, block.after) for block in blocks], before):
                return [blocks[index] for index in order], kind
    return [], "basic"


def has_pooled_projection(block: Block) -> bool:
    """Whether the number of a block's projection shows a module without tensors before it: a pool with stride.

    ResNet-D has such pools (He et al. 2019, section 4.2).
    """
    if block.projection is None:
        return False
    *parent, number = block.projection.path or ("",)
    alone = not any(unit.path[: len(parent)] == tuple(parent) for unit in block.convolutions)
    return alone and number.isdecimal() and int(number[:9]) > 0


def _is_certain(found: Guess) -> bool:
    """Whether names or depth show residual blocks; a plain chain of 3x3 convolutions has the same shapes."""
    stem, *others = (unit for unit in found.units if unit.kernel)
    pairs = [common_prefix(unit.path[:-1] for unit in pair) for pair in zip(others[::2], others[1::2], strict=False)]
    if all(pairs) and len(set(pairs)) == len(pairs) and stem.path[:-1] not in pairs:
        return True
    return stem.kernel == 7 or len(pairs) >= MANY_PAIRS


def _projection_positions(units: list[Unit], kind: Kind) -> Iterator[int]:
    """Positions of the projection among a block's modules: those that names show, then last, first and any other."""
    count = len(KERNELS[kind])
    order = [count, 0, *range(1, count)]
    named = [index for index, unit in enumerate(units) if SHORTCUT.search(unit.name)]
    if named and len(named) < len(units):
        fitting = []
        for place in order:
            blocks = _blocks(units, kind, place) or []
            projections = [block.projection for block in blocks if block.projection]
            if projections == [units[index] for index in named]:
                fitting.append(place)
        order = [*fitting, *(place for place in order if place not in fitting)]
    yield from order


def _blocks(units: list[Unit], kind: Kind, place: int) -> list[Block] | None:
    """The units divided into blocks; None if they don't fit.

    Args:
        units: Convolutions in the order of the file.
        kind: Kind of the blocks.
        place: Position of the projection in each block that has one.
    """
    blocks: list[Block] = []
    position, count = 0, len(KERNELS[kind])
    while position < len(units):
        window = units[position : position + count + 1]
        for projected in (True, False):
            chosen = list(window[: count + projected])
            if len(chosen) < count + projected:
                continue
            block = Block((), chosen.pop(place)) if projected else Block((), None)
            block = block._replace(convolutions=tuple(chosen))
            if _is_block(block, kind):
                blocks.append(block)
                position += count + projected
                break
        else:
            return None
    return blocks


def _is_block(block: Block, kind: Kind) -> bool:
    convolutions, projection = block
    if tuple(unit.kernel for unit in convolutions) != KERNELS[kind]:
        return False
    widths = [unit.after for unit in convolutions]
    if any(first.after != second.before for first, second in pairwise(convolutions)):
        return False
    if widths[-1] != block.width * EXPANSION[kind] or widths[-2] != block.width:
        return False
    return projection is None or (
        (projection.before, projection.after, projection.kernel) == (block.before, block.after, 1)
    )


def _read(stem: Unit, blocks: list[Block], head: Unit, kind: Kind) -> Iterator[Guess]:
    if stem.after != blocks[0].width or head.before != blocks[-1].after:
        return
    for stages in _stages(blocks):
        if (shortcut := _shortcut(stages)) is not None:
            yield from _specs(stem, stages, head, kind, shortcut)
            return


def _shortcut(stages: list[list[Block]]) -> Literal["A", "B", "C"] | None:
    """Option A, B or C, by the blocks that have a projection; None if no option fits.

    Without projections it is A: with B the blocks of one width would all be in one stage, which no shape shows.
    """
    blocks = [block for stage in stages for block in stage]
    needed = [stage[0] for place, stage in enumerate(stages) if place or stage[0].before != stage[0].after]
    projected = [block for block in blocks if block.projection]
    if not projected:
        return "A"
    if projected == needed:
        return "B"
    return "C" if len(projected) == len(blocks) else None


def _specs(
    stem: Unit, stages: list[list[Block]], head: Unit, kind: Kind, shortcut: Literal["A", "B", "C"]
) -> Iterator[Guess]:
    units = [stem, *(unit for stage in stages for block in stage for unit in block.units), head]
    fields: dict[str, Any] = {
        "blocks": [len(stage) for stage in stages],
        "widths": [stage[0].width for stage in stages],
        "block": kind,
        "stem": STEMS[stem.kernel],
        "stride_on": "3x3",
        "shortcut": shortcut,
        "batch_norm": stem.norm is not None,
        "in_channels": stem.before,
        "image_size": GREY if stem.before == 1 and stem.kernel == SMALL else SIZES[STEMS[stem.kernel]],
        "num_classes": head.after,
    }
    questions = [image_size_question(fields["image_size"])]
    stems, strides = [fields["stem"]], ["3x3"]
    if stem.kernel == SMALL:
        stems = ["cifar", "cifar-pool"]
        text = _("Is there a 3x3 max-pool with stride 2 after the 3x3 stem (cifar-pool), or none (cifar)?")
        cost = _(
            "With a pool that it doesn't have, the accuracy of resnet20-cifar10 falls from 86.5% to 27.2% on 1,000 "
            "test images."
        )
        questions.append(Question("stem", text, stems[0], tuple(stems), cost=cost))
    if kind == "bottleneck":
        strides = ["3x3", "1x1"] if len(stages) > 1 else strides
        text = _(
            "Which convolution of a bottleneck has the stride, the 3x3 (torchvision) or the first 1x1 (the paper)?"
        )
        questions.append(Question("stride_on", text, "3x3", ("3x3", "1x1")))
    if shortcut != "B" and not _groups([block.path for stage in stages for block in stage]):
        text = _("How many blocks does each stage have? Where the width stays the same, the shapes don't show it.")
        questions.append(Question("blocks", text, fields["blocks"]))
    if any(block.projection for stage in stages for block in stage):
        readings: list[tuple[bool, str | None]] = [(True, None)]
    else:
        readings = [(True, BEHIND), (True, BOTH), (False, BEHIND)]
        if any("plain" in unit.name.lower() for unit in units):
            readings.reverse()
        text = _("Are there shortcuts (without weights), or is it a plain network?")
        questions.append(Question("residual", text, readings[0][0], (True, False)))
        text = _("Where do shortcuts without weights add channels of zeros?")
        questions.append(Question("padding", text, readings[0][1], (BEHIND, BOTH), only_if=("residual", True)))
    norms: dict[str, Any] = {"epsilon": PYTORCH_EPSILON} if stem.norm else {}
    questions += [epsilon_question(PYTORCH_EPSILON)] if stem.norm else []
    for (residual, padding), stem_kind, stride_on in product(readings, stems, strides):
        adaptations = norms if padding is None else norms | {"padding": padding}
        with suppress(Misfit, SpecError):
            spec = ResNetSpec.parse({**fields, "residual": residual, "stem": stem_kind, "stride_on": stride_on})
            yield make_guess(spec, units, questions=tuple(questions), adaptations=adaptations)


def _stages(blocks: list[Block]) -> Iterator[list[list[Block]]]:
    """Candidates for the stages.

    A stage begins if the width changes, if names begin a new group, or at a projection unless every block has one.
    """
    everywhere = all(block.projection for block in blocks)
    groups = _groups([block.path for block in blocks])
    for named in (True, False) if groups else (False,):
        stages: list[list[Block]] = [[blocks[0]]]
        for place, (before, block) in enumerate(pairwise(blocks), 1):
            projected = block.projection is not None and not everywhere
            grouped = named and groups[place] != groups[place - 1]
            if block.width != before.width or projected or grouped:
                stages.append([])
            stages[-1].append(block)
        yield stages


def _groups(paths: list[Path]) -> list[Path]:
    """The name of each block's group if every block has its own name in a group; else an empty list."""
    for depth in range(2, max(map(len, paths)) + 1):
        if len({path[:depth] for path in paths}) == len(paths):
            return [path[: depth - 1] for path in paths]
    return []


def with_padding(spec: ResNetSpec, tensors: Tensors, padding: str) -> Tensors:
    """The tensors with reordered channels, if shortcuts pad zeros on both sides of the channels.

    The paper says only that zeros are added (He et al. 2016, section 3.3); our networks add them after the channels.
    Padding on both sides gives the same network with its channels in another order.

    Args:
        spec: Spec of our network.
        tensors: Tensors by our names.
        padding: ``behind``, or ``both sides``.
    """
    if padding == BEHIND or not spec.residual:
        return tensors
    changed = dict(tensors)
    order = list(range(spec.widths[0]))  # index of the checkpoint's channel for each of ours
    last = 2 if spec.block == "basic" else 3
    for stage, count in enumerate(spec.blocks, 1):
        for block in range(count):
            place = f"layer{stage}.{block}"
            changed[f"{place}.conv1.weight"] = changed[f"{place}.conv1.weight"][:, order]
            order = _padded(order, len(tensors[f"{place}.conv{last}.weight"]))
            for name in tensors:
                if name.startswith((f"{place}.conv{last}.", f"{place}.bn{last}.")) and tensors[name].dim():
                    changed[name] = changed[name][order]
    changed["fc.weight"] = changed["fc.weight"][:, order]
    return changed


def _padded(order: list[int], channels: int) -> list[int]:
    """The order after a shortcut that pads to ``channels`` channels on both sides."""
    front = (channels - len(order)) // 2
    moved = [place + front for place in order]
    return moved + sorted(set(range(channels)) - set(moved))


ADAPTATIONS = {"padding": with_padding}


def implied_fields(spec: ResNetSpec, fields: dict[str, Any]) -> dict[str, Any]:
    """The field ``widths``, if an answer about the blocks of each stage gives another number of stages.

    Args:
        spec: Spec before the answers.
        fields: Answers by field.
    """
    blocks = fields.get("blocks")
    if not isinstance(blocks, Sequence) or "widths" in fields or len(blocks) == len(spec.blocks):
        return {}
    widths = [width for count, width in zip(spec.blocks, spec.widths, strict=True) for _block in range(count)]
    if not all(isinstance(count, int) for count in blocks) or sum(blocks) != len(widths):
        return {}  # the spec or the tensors refuse such blocks
    return {"widths": [widths[start] for start in accumulate(blocks[:-1], initial=0)]}


def assumptions(_spec: ResNetSpec) -> str:
    """The note about assumed properties, which no tensor shows and no question asks."""
    return _(
        "The tensors don't show these, so the usual is assumed: stride 2 in the first "
        "block of each stage but the first, global average pooling of the last map."
    )
