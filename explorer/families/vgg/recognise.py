"""Recognition of networks of the ``vgg`` family by the layers of a checkpoint."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from math import isqrt
from typing import Any

from explorer.errors import SpecError
from explorer.families import PRESETS
from explorer.families.recognition.adapting import PYTORCH_EPSILON
from explorer.families.recognition.guess import (
    Guess,
    Misfit,
    Question,
    epsilon_question,
    image_size_question,
    make_guess,
    our_layers,
)
from explorer.families.recognition.layers import Checkpoint, Unit, running_order
from explorer.families.vgg import pools
from explorer.families.vgg.spec import VggSpec
from explorer.i18n import _
from explorer.specs.cfg import Conv, tokens
from explorer.specs.size import Size

CHANNELS = (3, 1)
RESIDUAL = re.compile(r"(^|[._])res\d|residual|shortcut|downsample|skip", re.IGNORECASE)  # names of residual blocks
PUBLISHED_WIDTH = 4096  # of the hidden layers
MOST_LAYOUTS = 3  # guesses of layouts
MOST_NORMED = 8  # guesses of layouts if running statistics can choose between them
MOST_MEANS = 16  # guesses of layouts with an averaged last map, if running statistics can choose between them


def guesses(checkpoint: Checkpoint) -> Iterator[Guess]:
    """All networks of this family that fit the layers, the likeliest first."""
    layers = checkpoint.layers
    if layers.rest or not layers.units:
        return
    convolutions, head = running_order(layers.convolutions), running_order(layers.linears)
    if convolutions and head is not None:
        trunk, dense = _convolutional_head(convolutions)
        if not head or _is_head_of_timm(trunk, dense):
            convolutions, head = trunk, [*dense, *head]
    if convolutions is None or not head or any(RESIDUAL.search(unit.name) for unit in convolutions):
        return
    units = [*convolutions, *head]
    for spec, is_confirmed in _readings(convolutions, head, checkpoint.image_size).items():
        questions, adaptations = _questions(spec, is_confirmed=is_confirmed), dict[str, Any]()
        if spec.batch_norm:
            questions, adaptations = (*questions, epsilon_question(PYTORCH_EPSILON)), {"epsilon": PYTORCH_EPSILON}
        with suppress(Misfit, SpecError):
            yield make_guess(spec, units, questions=questions, adaptations=adaptations)


def _readings(convolutions: list[Unit], head: list[Unit], image_size: int | Size | None) -> dict[VggSpec, bool]:
    """Networks of these layers, the likeliest first; the value tells whether names confirm the cfg list."""
    if not convolutions:
        return dict.fromkeys(_perceptrons(head), True)
    published = dict(_published(convolutions, head))
    return published | {spec: False for spec in _composed(convolutions, head, image_size) if spec not in published}


def _convolutional_head(convolutions: list[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Split off a convolutional head: the last convolutions, if they are 1x1 and have no batch norm."""
    cut = len(convolutions)
    while cut and convolutions[cut - 1].kernel == 1 and convolutions[cut - 1].norm is None:
        cut -= 1
    # The first kernel of such a head is as large as the map that it was trained on.
    if cut and convolutions[cut - 1].kernel not in (1, 3) and convolutions[cut - 1].norm is None:
        cut -= 1
    return convolutions[:cut], convolutions[cut:]


def _is_head_of_timm(trunk: list[Unit], dense: list[Unit]) -> bool:
    """Whether convolutions before a linear layer are the hidden layers of timm's VGG.

    The first has a kernel as large as the map, and no batch norm after others with them. Without any batch norm, it is
    the published 7x7 with a 1x1 after it, both of 4096 channels.
    """
    if not trunk or not dense or dense[0].kernel in (1, 3):
        return False
    is_published = len(dense) == 2 and dense[0].kernel == 7 and dense[0].after == dense[1].after == PUBLISHED_WIDTH
    return trunk[-1].norm is not None or is_published


def _published(convolutions: list[Unit], head: list[Unit]) -> Iterator[tuple[VggSpec, bool]]:
    """Presets with exactly these layers, and whether the modules' numbers have the same gaps.

    Presets with the same gaps come first, then presets with the same number of classes.
    """
    signs, units = pools.pool_signs(convolutions), [*convolutions, *head]
    fitting: list[tuple[tuple[bool, bool], VggSpec]] = []
    for preset in PRESETS.values():
        spec = preset.spec
        if not isinstance(spec, VggSpec) or _count(spec) != len(units):
            continue
        own = our_layers(spec.changed(num_classes=head[-1].after)).units
        if [unit.form for unit in own] != [unit.form for unit in units]:
            continue
        if all(sign in (None, pool) for sign, pool in zip(signs, pools.pool_positions(spec.cfg), strict=True)):
            same_gaps = pools.gaps(own[: len(convolutions)]) == pools.gaps(convolutions)
            fitting.append(((same_gaps, spec.num_classes == head[-1].after), spec))
    for (same_gaps, _classes), spec in sorted(fitting, key=lambda found: found[0], reverse=True):
        yield spec.changed(num_classes=head[-1].after), same_gaps


def _count(spec: VggSpec) -> int:
    return sum(isinstance(token, Conv) for token in tokens(spec.cfg)) + len(spec.classifier) + 1


def _composed(convolutions: list[Unit], head: list[Unit], image_size: int | Size | None) -> Iterator[VggSpec]:
    """Networks whose cfg list is composed from what names and shapes show."""
    first, last = head[0], convolutions[-1]
    cells, rest = (first.kernel**2, 0) if first.kernel else divmod(first.before, last.after)
    if rest or not cells:
        return
    side = isqrt(cells)
    is_square = side**2 == cells
    most = MOST_NORMED if last.norm else MOST_LAYOUTS
    found = list(islice(pools.layouts(convolutions, cells, image_size), most))
    if not found and cells > 1:  # a single cell is more likely the mean of a map
        found = list(islice(pools.strided(convolutions, cells, image_size), MOST_LAYOUTS))
    is_flat = bool(found) and not first.kernel
    if not found and not is_square:  # no adaptive pool makes such a map
        return
    flat = [(layout, is_flat) for layout in found or [pools.likeliest(convolutions, image_size)]]
    means = pools.averaged(convolutions, image_size) if cells == 1 and last.norm else ()  # statistics choose one later
    for layout, flattened in (*flat, *((layout, False) for layout in islice(means, MOST_MEANS))):
        spec = VggSpec(
            cfg=layout.cfg,
            batch_norm=last.norm is not None,
            pool_to=None if flattened else side,
            classifier=tuple(unit.after for unit in head[:-1]),
            head="conv" if first.kernel else "linear",
            in_channels=convolutions[0].before,
            image_size=layout.image_size,
            num_classes=head[-1].after,
        )
        yield _with_dropout(spec, head)


def _perceptrons(head: list[Unit]) -> Iterator[VggSpec]:
    """Fully connected networks whose features are the pixels of a square image; usual sizes come first."""
    readings = [(channels, isqrt(head[0].before // channels)) for channels in CHANNELS]
    squares = [(channels, side) for channels, side in readings if channels * side**2 == head[0].before]
    for channels, side in sorted(
        squares, key=lambda reading: reading[1] not in (*pools.USUAL[reading[0]], *pools.SIDES)
    ):
        spec = VggSpec(
            cfg=(),
            pool_to=None,
            classifier=tuple(unit.after for unit in head[:-1]),
            in_channels=channels,
            image_size=side,
            num_classes=head[-1].after,
        )
        yield _with_dropout(spec, head)


def _with_dropout(spec: VggSpec, head: list[Unit]) -> VggSpec:
    """The spec, with dropout if the numbers of the head's layers leave room for it."""
    numbers = [unit.path[-1] for unit in head if unit.path]
    for position in ("after", "before"):
        changed = spec.changed(dropout=0.5, dropout_position=position)
        own = [unit.path[-1] for unit in our_layers(changed).units[-len(head) :]]
        if len(head) > 1 and own == numbers:
            return changed
    return spec.changed(dropout=0.0)


def _questions(spec: VggSpec, *, is_confirmed: bool) -> tuple[Question, ...]:
    image = image_size_question(spec.image_size)
    text = _(
        "Where are the pools, are they max (M) or average (A) pools, and which stride and padding do the "
        "convolutions have?"
    )
    return (image,) if is_confirmed else (image, Question("cfg", text, list(spec.cfg)))


def implied_fields(spec: VggSpec, fields: dict[str, Any]) -> dict[str, Any]:
    """The field ``pool_to``, if an answer about the cfg list gives the last map another size than the head reads.

    Args:
        spec: Spec before the answers.
        fields: Answers by field.
    """
    if "cfg" not in fields or "pool_to" in fields:
        return {}
    flat = spec.changed(**fields | {"pool_to": None, "head": "linear"})
    rows, columns = spec.head_size
    if rows != columns or flat.map_size == spec.head_size or spec.pool_to:
        return {}
    return {"pool_to": rows}


def assumptions(spec: VggSpec) -> str | None:
    """The note about assumed properties, which no tensor shows and no question asks."""
    if not spec.cfg:
        return None
    return _(
        "The tensors don't show these, so the usual is assumed: flattening channel by channel, average "
        "pooling to the map size that the head reads."
    )
