"""Computes weights that PyTorch derives from other tensors at every step: pruned, normalised or orthogonal weights.

``torch.nn.utils.prune`` stores ``weight_orig`` and ``weight_mask``; weight norm ``weight_g`` and ``weight_v``; spectral
norm ``weight_orig``, ``weight_u`` and ``weight_v``; ``torch.nn.utils.parametrize`` everything under
``parametrizations``.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.errors import InputError, shown
from explorer.i18n import _, ngettext

_NEW = re.compile(r"(?P<module>.*?)\.?parametrizations\.(?P<leaf>[^.]+)\.(?P<part>.+)")
_OLD = re.compile(r"(?P<stem>.+)_(?P<part>orig|mask|g|v|u)")

Parts = Mapping[str, Tensor]


class Reparametrisation(NamedTuple):
    """A kind of derived weights.

    Attributes:
        parts: Names of its tensors.
        compute: Function that computes the weight from these tensors. It raises ValueError if shapes don't fit.
        note: Function that returns the note for a report on a number of such weights. ``{count}`` is the number.
    """

    parts: tuple[str, ...]
    compute: Callable[..., Tensor]
    note: Callable[[int], str]


def compute_weights(tensors: Parts) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Replaces the parts of each derived weight by the weight.

    Args:
        tensors: Tensors by name, in the order of the file.

    Returns:
        The tensors, and a sentence about each kind of derived weights.

    Raises:
        InputError: If the tensors alone do not show how a weight is derived. Names the weight.
    """
    # For each weight: names of its parts, and whether they are from torch.nn.utils.parametrize.
    found: dict[str, tuple[dict[str, str], bool]] = {}
    for name in tensors:
        if match := _NEW.fullmatch(name):
            weight = ".".join(filter(None, (match["module"], match["leaf"])))
            found.setdefault(weight, ({}, True))[0][match["part"]] = name
        elif match := _OLD.fullmatch(name):
            found.setdefault(match["stem"], ({}, False))[0][match["part"]] = name
    weights: dict[str, Tensor] = {}
    replaced: dict[str, str] = {}  # weight by the names of its parts
    counts = Counter[Callable[[int], str]]()
    for weight, (parts, new) in found.items():
        kind = next((one for one in (NEW if new else OLD) if set(one.parts) == parts.keys()), None)
        if weight in tensors and not new and "orig" in parts:  # spectral norm stored it before PyTorch 1.1
            replaced |= dict.fromkeys(parts.values(), "")
            continue
        if kind is None and new:
            raise InputError(_unknown(weight, parts))
        if kind is None or weight in tensors:
            continue  # a name such as "block_v" alone does not prove weight norm
        weights[weight] = _compute(weight, kind, {part: tensors[name] for part, name in parts.items()})
        replaced |= dict.fromkeys(parts.values(), weight)
        counts[kind.note] += 1
    notes = tuple(note(count).format(count=count) for note, count in counts.items())
    return dict(_in_place(tensors, replaced, weights)), notes


def _in_place(tensors: Parts, replaced: Mapping[str, str], weights: Parts) -> Iterator[tuple[str, Tensor]]:
    """Yields each weight at the position of its first part, because the order of a file is the order of the layers."""
    left = dict(weights)
    for name, tensor in tensors.items():
        if name not in replaced:
            yield name, tensor
        elif replaced[name] in left:
            yield replaced[name], left.pop(replaced[name])


def _compute(weight: str, kind: Reparametrisation, values: Parts) -> Tensor:
    arguments = [values[part] for part in kind.parts]
    try:
        computed = kind.compute(*(value if value.dtype == torch.float64 else value.float() for value in arguments))
    except (ValueError, RuntimeError):
        shapes = ", ".join(f"{part} {tuple(value.shape)}" for part, value in values.items())
        raise InputError(
            _("the tensors that {weight} is made of don't fit each other: {shapes}").format(
                weight=shown(weight), shapes=shapes
            )
        ) from None
    first = next(value for value in values.values() if value.is_floating_point())
    return computed.to(first.dtype)


def _unknown(weight: str, parts: Mapping[str, str]) -> str:
    others = [part for part in parts if not re.fullmatch(r"original\d*", part)]
    if not others:
        return _(
            "{weight} is made of {parts} by a parametrisation that stores nothing else, so that only its code "
            "shows what it does; remove it with torch.nn.utils.parametrize.remove_parametrizations and save again"
        ).format(weight=shown(weight), parts=shown(next(iter(parts.values()))))
    return _(
        "{weight} is made by a parametrisation that we don't know, with the tensor {name}; remove it with "
        "torch.nn.utils.parametrize.remove_parametrizations and save again"
    ).format(weight=shown(weight), name=shown(parts[others[0]]))


def _pruned(weight: Tensor, mask: Tensor) -> Tensor:
    if weight.shape != mask.shape:
        raise ValueError
    return weight * mask


def _weight_norm(length: Tensor, direction: Tensor) -> Tensor:
    """Returns the direction divided by its norm, times the length. The norm is over the axes where the length is 1."""
    if length.dim() not in (0, direction.dim()):
        raise ValueError
    if any(side not in (1, full) for side, full in zip(length.shape, direction.shape, strict=False)):
        raise ValueError
    axes = [axis for axis, side in enumerate(length.shape) if side == 1] if length.dim() else []
    scale: Tensor = length / torch.linalg.vector_norm(direction, dim=axes or None, keepdim=bool(axes))
    return direction * scale


def _spectral_norm(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Returns the weight divided by u·Wv, the training's estimate of its largest singular value."""
    # For a transposed convolution, u belongs to the second axis.
    matrix = (weight if len(weight) == len(u) else weight.transpose(0, 1)).reshape(len(u), -1)
    return weight / torch.dot(u.flatten(), matrix @ v.flatten())


def _orthogonal(original: Tensor, base: Tensor) -> Tensor:
    """Returns the orthogonal matrix of PyTorch's default map: an exponential if it is square, otherwise reflections."""
    tall = original if original.shape[-2] >= original.shape[-1] else original.mT
    if base.shape[-2:] != (tall.shape[-2],) * 2:
        raise ValueError
    lower = tall.tril(-1)
    if tall.shape[-2] == tall.shape[-1]:
        rotation = torch.matrix_exp(lower - lower.mT)
    else:
        rotation = torch.linalg.householder_product(lower, 2 / (1 + (lower * lower).sum(dim=-2)))
        rotation = rotation * tall.diagonal(dim1=-2, dim2=-1)[..., None, :]
    matrix = base @ rotation
    return matrix if tall is original else matrix.mT


def _pruned_note(count: int) -> str:
    return ngettext(
        "{count} weight was pruned: it is computed with its mask.",
        "{count} weights were pruned: they are computed with their masks.",
        count,
    )


def _weight_norm_note(count: int) -> str:
    return ngettext(
        "{count} weight has weight norm: it is computed from length and direction.",
        "{count} weights have weight norm: they are computed from length and direction.",
        count,
    )


def _spectral_norm_note(count: int) -> str:
    return ngettext(
        "{count} weight has spectral norm: it is divided by the norm that training has estimated.",
        "{count} weights have spectral norm: they are divided by the norm that training has estimated.",
        count,
    )


def _orthogonal_note(count: int) -> str:
    return ngettext(
        "{count} weight is orthogonal: it is computed by PyTorch's default map, as the tensors don't show which one "
        "was used.",
        "{count} weights are orthogonal: they are computed by PyTorch's default map, as the tensors don't show "
        "which one was used.",
        count,
    )


OLD = (
    Reparametrisation(("orig", "mask"), _pruned, _pruned_note),
    Reparametrisation(("g", "v"), _weight_norm, _weight_norm_note),
    Reparametrisation(("orig", "u", "v"), _spectral_norm, _spectral_norm_note),
)
NEW = (
    Reparametrisation(("original0", "original1"), _weight_norm, _weight_norm_note),
    Reparametrisation(("original", "0._u", "0._v"), _spectral_norm, _spectral_norm_note),
    Reparametrisation(("original", "0.base"), _orthogonal, _orthogonal_note),
)
