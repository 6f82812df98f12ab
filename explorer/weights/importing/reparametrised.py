"""Computes weights that PyTorch derives from other tensors at every step: pruned, normalised or orthogonal weights.

``torch.nn.utils.prune`` stores ``weight_orig`` and ``weight_mask``; weight norm ``weight_g`` and ``weight_v``; spectral
norm ``weight_orig``, ``weight_u`` and ``weight_v``; ``torch.nn.utils.parametrize`` everything under
``parametrizations``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.errors import InputError, shown
from explorer.i18n import _

_NEW = re.compile(r"(?P<module>.*?)\.?parametrizations\.(?P<leaf>[^.]+)\.(?P<part>.+)")
_OLD = re.compile(r"(?P<stem>.+)_(?P<part>orig|mask|g|v|u)")

Parts = dict[str, Tensor]


class Kind(NamedTuple):
    """A reparametrisation.

    Attributes:
        parts: Names of its tensors.
        compute: Function that computes the weight. It raises ValueError if shapes don't fit.
        note: Function that returns the note for a report. ``{count}`` is the number of such weights.
    """

    parts: frozenset[str]
    compute: Callable[[Parts], Tensor]
    note: Callable[[], str]


def computed(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Replaces the parts of each derived weight by the weight.

    Args:
        tensors: Tensors by name, in the order of the file.

    Returns:
        The tensors, and sentences about what was done.

    Raises:
        InputError: If tensors alone do not say how a weight is derived. Names the weight.
    """
    # For each weight: names of its parts, and whether it is of the new kind.
    found: dict[str, tuple[dict[str, str], bool]] = {}
    for name in tensors:
        if match := _NEW.fullmatch(name):
            weight = ".".join(filter(None, (match["module"], match["leaf"])))
            found.setdefault(weight, ({}, True))[0][match["part"]] = name
        elif match := _OLD.fullmatch(name):
            found.setdefault(match["stem"], ({}, False))[0][match["part"]] = name
    made: dict[str, Tensor] = {}
    gone: dict[str, str] = {}
    counts: dict[str, int] = {}
    for weight, (parts, new) in found.items():
        kinds = NEW if new else OLD
        kind = next((one for one in kinds if one.parts == parts.keys()), None)
        if weight in tensors and not new and "orig" in parts:  # spectral norm stored it before PyTorch 1.1
            gone |= dict.fromkeys(parts.values(), "")
            continue
        if kind is None and new:
            raise InputError(_unknown(weight, parts))
        if kind is None or weight in tensors:
            continue  # a name such as "block_v" alone is not a sign of weight norm
        made[weight] = _made(weight, kind, {part: tensors[name] for part, name in parts.items()})
        gone |= dict.fromkeys(parts.values(), weight)
        note = kind.note()
        counts[note] = counts.get(note, 0) + 1
    notes = tuple(note.format(count=count) for note, count in counts.items())
    return dict(_in_place(tensors, gone, made)), notes


def _in_place(tensors: Mapping[str, Tensor], gone: Mapping[str, str], made: Parts) -> Iterator[tuple[str, Tensor]]:
    """Yields each weight at the position of its first part, because the order of a file is the order of the layers."""
    left = dict(made)
    for name, tensor in tensors.items():
        if name not in gone:
            yield name, tensor
        elif gone[name] in left:
            yield gone[name], left.pop(gone[name])


def _made(weight: str, kind: Kind, values: Parts) -> Tensor:
    single = {part: value.float() if value.dtype != torch.float64 else value for part, value in values.items()}
    try:
        made = kind.compute(single)
    except (ValueError, RuntimeError):
        shapes = ", ".join(f"{part} {tuple(value.shape)}" for part, value in values.items())
        raise InputError(
            _("the tensors that {weight} is made of don't fit each other: {shapes}").format(
                weight=shown(weight), shapes=shapes
            )
        ) from None
    first = next(value for value in values.values() if value.is_floating_point())
    return made.to(first.dtype)


def _unknown(weight: str, parts: Mapping[str, str]) -> str:
    others = [part for part in parts if not re.fullmatch(r"original\d*", part)]
    if not others:
        return _(
            "{weight} is made of {parts} by a parametrisation that keeps nothing else, so that only its code tells "
            "what it does; take it off with torch.nn.utils.parametrize.remove_parametrizations and save again"
        ).format(weight=shown(weight), parts=shown(next(iter(parts.values()))))
    return _(
        "{weight} is made by a parametrisation that we don't know, with the tensor {name}; take it off with "
        "torch.nn.utils.parametrize.remove_parametrizations and save again"
    ).format(weight=shown(weight), name=shown(parts[others[0]]))


def _pruned(weight: Tensor, mask: Tensor) -> Tensor:
    if weight.shape != mask.shape:
        raise ValueError
    return weight * mask


def _weight_norm(length: Tensor, direction: Tensor) -> Tensor:
    """Returns the direction divided by its norm, times the length. The norm is over all axes that the length lacks."""
    if length.dim() not in (0, direction.dim()):
        raise ValueError
    if any(side not in (1, whole) for side, whole in zip(length.shape, direction.shape, strict=False)):
        raise ValueError
    over = [place for place, side in enumerate(length.shape) if side == 1] if length.dim() else []
    scale: Tensor = length / torch.linalg.vector_norm(direction, dim=over or None, keepdim=bool(over))
    return direction * scale


def _spectral_norm(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Returns the weight divided by u·Wv, the training's estimate of its largest singular value."""
    # For a transposed convolution, u belongs to the second axis.
    turned = weight if len(weight) == len(u) else weight.transpose(0, 1)
    matrix = turned.reshape(len(u), -1)
    return weight / torch.dot(u.flatten(), matrix @ v.flatten())


def _orthogonal(given: Tensor, base: Tensor) -> Tensor:
    """Returns the orthogonal matrix of PyTorch's default map: an exponential if square, else reflections."""
    tall = given if given.shape[-2] >= given.shape[-1] else given.mT
    if base.shape[-2:] != (tall.shape[-2],) * 2:
        raise ValueError
    below = tall.tril(-1)
    if tall.shape[-2] == tall.shape[-1]:
        turn = torch.matrix_exp(below - below.mT)
    else:
        turn = torch.linalg.householder_product(below, 2 / (1 + (below * below).sum(dim=-2)))
        turn = turn * tall.diagonal(dim1=-2, dim2=-1)[..., None, :]
    made = base @ turn
    return made if tall is given else made.mT


def _pruned_note() -> str:
    return _("{count} weights were pruned: they are computed with their masks.")


def _weight_norm_note() -> str:
    return _("{count} weights have weight norm: they are computed of length and direction.")


def _spectral_norm_note() -> str:
    return _("{count} weights have spectral norm: they are divided by the norm that training has estimated.")


def _orthogonal_note() -> str:
    return _(
        "{count} weights are orthogonal: they are computed by PyTorch's default map, as no tensor tells which it was."
    )


OLD = (
    Kind(frozenset({"orig", "mask"}), lambda parts: _pruned(parts["orig"], parts["mask"]), _pruned_note),
    Kind(frozenset({"g", "v"}), lambda parts: _weight_norm(parts["g"], parts["v"]), _weight_norm_note),
    Kind(
        frozenset({"orig", "u", "v"}),
        lambda parts: _spectral_norm(parts["orig"], parts["u"], parts["v"]),
        _spectral_norm_note,
    ),
)
NEW = (
    Kind(
        frozenset({"original0", "original1"}),
        lambda parts: _weight_norm(parts["original0"], parts["original1"]),
        _weight_norm_note,
    ),
    Kind(
        frozenset({"original", "0._u", "0._v"}),
        lambda parts: _spectral_norm(parts["original"], parts["0._u"], parts["0._v"]),
        _spectral_norm_note,
    ),
    Kind(
        frozenset({"original", "0.base"}),
        lambda parts: _orthogonal(parts["original"], parts["0.base"]),
        _orthogonal_note,
    ),
)
