"""The reason why a checkpoint with residual blocks fits none of our ResNets, and the nearest preset."""

from collections.abc import Iterator
from itertools import groupby

from explorer.families import nearest
from explorer.families.recognition.layers import Layers, Unit, find_stem, square_side
from explorer.families.resnet.recognise import SHORTCUT, STEMS, Block, Kind, find_blocks, has_pooled_projection
from explorer.families.resnet.spec import ResNetSpec
from explorer.i18n import _

DEEPEST_STEM = 4  # more convolutions than any stem has


def fault(layers: Layers) -> str | None:
    """The message about a difference from our ResNets; None without one, or if the layers are no residual blocks."""
    convolutions = layers.convolutions
    if not convolutions:
        return None
    for stem in ([find_stem(convolutions)], *(convolutions[:count] for count in range(2, DEEPEST_STEM))):
        blocks, kind = find_blocks([unit for unit in convolutions if unit not in stem], stem[-1].after)
        if len(blocks) > 1:
            reason = next(_reasons(layers, stem, blocks), None)
            return reason and _("{fault} The nearest is {spec}.").format(
                fault=reason, spec=_nearest(stem, blocks, kind)
            )
    return None


def single_fault(layers: Layers) -> str | None:
    """The message if only the kernels of projections differ from ours; else None."""
    convolutions = layers.convolutions
    wide = [unit for unit in convolutions if unit.kernel > 1 and SHORTCUT.search(unit.name)] or _twins(convolutions)
    if not wide or len(layers.linears) != 1:
        return None
    narrow = [unit._replace(kernel=1) if unit in wide else unit for unit in convolutions]
    stem = find_stem(narrow)
    blocks, kind = find_blocks([unit for unit in narrow if unit is not stem], stem.after)
    projections = {block.projection.name for block in blocks if block.projection}
    if not projections.intersection(unit.name for unit in wide):
        return None
    return _(
        "It is a ResNet whose shortcut {tensor} of {shape} is a {side}×{side} convolution; our shortcuts are 1×1 "
        "projections or have no weights. The nearest is {spec}."
    ).format(
        tensor=wide[0].tensors["weight"], shape=wide[0].shape, side=wide[0].kernel, spec=_nearest([stem], blocks, kind)
    )


def _twins(convolutions: list[Unit]) -> list[Unit]:
    """Convolutions with the same channels and kernel as one just before them: shortcuts that a block registers."""

    def form(unit: Unit) -> tuple[int, int, int]:
        return unit.before, unit.after, unit.kernel

    return [
        unit
        for place, unit in enumerate(convolutions)
        if unit.before != unit.after
        and unit.kernel > 1
        and form(unit) in map(form, convolutions[max(place - 3, 0) : place])
    ]


def _reasons(layers: Layers, stem: list[Unit], blocks: list[Block]) -> Iterator[str]:
    weight = stem[0].tensors["weight"]
    if len(stem) > 1:
        yield _(
            "It is a ResNet whose stem has {count} convolutions, the first {tensor} of {shape}, and ours have one."
        ).format(count=len(stem), tensor=weight, shape=stem[0].shape)
    if stem[0].kernel not in STEMS:
        yield _("It is a ResNet whose stem {tensor} is {shape}, and ours are 7×7 or 3×3.").format(
            tensor=weight, shape=stem[0].shape
        )
    if stem[-1].after != blocks[0].width:
        unit = blocks[0].convolutions[0]
        yield _(
            "It is a ResNet whose stem {stem} of {stem_shape} makes {made} channels, and whose first stage has "
            "{width} ({tensor} of {shape}): in ours the two are equal."
        ).format(
            stem=weight, stem_shape=stem[0].shape, made=stem[-1].after,
            width=unit.after, tensor=unit.tensors["weight"], shape=unit.shape,
        )  # fmt: skip
    if (norm := next((name for name in layers.rest if name.endswith("running_mean")), None)) is not None:
        yield _(
            "Its convolutions are those of a ResNet, but batch norms such as {tensor} don't each follow one: "
            "either they come first, as in a pre-activation network, or some are missing or too many."
        ).format(tensor=norm)
    if (projection := next((block.projection for block in blocks if has_pooled_projection(block)), None)) is not None:
        yield _(
            "Its shortcut {tensor} of {shape} follows a module without tensors, a pool (ResNet-D); in ours the "
            "convolution itself has the stride."
        ).format(tensor=projection.tensors["weight"], shape=projection.shape)
    yield from _head_reasons(layers.linears, blocks[-1])


def _head_reasons(linears: list[Unit], last: Block) -> Iterator[str]:
    if not linears:
        yield _("It is a ResNet without its head: after {tensor} of {shape} there is no linear layer.").format(
            tensor=last.convolutions[-1].tensors["weight"], shape=last.convolutions[-1].shape
        )
    elif len(linears) > 1:
        listed = ", ".join(f"{unit.tensors['weight']} {unit.shape}" for unit in linears[:4])
        yield _("It is a ResNet with a head of {count} linear layers ({layers}), and ours have one, {needed}.").format(
            count=len(linears), layers=listed, needed=(linears[-1].after, last.after)
        )
    elif linears[0].before != last.after:
        cause = _("it was trained after other blocks")
        if side := square_side(linears[0].before, last.after):
            cause = _("a {side}×{side} map was flattened, where ours averages it").format(side=side)
        yield _(
            "It is a ResNet whose head {tensor} is {found}, and it would be {needed} after the last block, which "
                "makes {channels} channels: {cause}."
        ).format(
            tensor=linears[0].tensors["weight"], found=linears[0].shape, needed=(linears[0].after, last.after),
            channels=last.after, cause=cause,
        )  # fmt: skip


def _nearest(stem: list[Unit], blocks: list[Block], kind: Kind) -> str:
    """The name of the preset nearest to these blocks."""
    stages = [list(stage) for _width, stage in groupby(blocks, key=lambda block: block.width)]
    spec = ResNetSpec(
        blocks=tuple(map(len, stages)),
        widths=tuple(stage[0].width for stage in stages),
        block=kind,
        stem=STEMS.get(stem[0].kernel, "imagenet"),
        shortcut="B" if any(block.projection for block in blocks) else "A",
        in_channels=stem[0].before,
        image_size=32 if stem[0].kernel == 3 else 224,
        num_classes=10,
    )
    return nearest(spec)
