"""Pairs modules of a checkpoint with those of a torchvision model by shape, role and the numbers in their names."""

import re
from collections import defaultdict
from itertools import pairwise

from explorer.families.recognition.layers import Shape, common_prefix, natural_key, parts

Tensors = dict[str, tuple[str, Shape]]  # full name and shape by the last part of the name
Modules = dict[str, Tensors]  # in the order of the file
Kind = tuple[object, ...]
Pairs = dict[str, str]

ROLES = ("weight", "bias", "running_mean", "running_var")  # last parts of names that mean the same everywhere
PROJECTION = re.compile(r"(^|\.)(downsample|shortcut|proj|skip)(\.|$)")
# Parts of names before all others and after all others, although the alphabet puts them elsewhere.
FIRST = re.compile(r"(\w+_)?stem|patch_embed|(conv|bn|norm)1")
LAST = re.compile(r"(conv_)?head|classifier|fc|norm|bn2|(last|final)\w*")
_DIGITS = re.compile(r"\d+")


def align(ours: Modules, theirs: Modules) -> Pairs | None:
    """Names of the checkpoint's modules by ours, whatever they are called; None if the modules can't be paired.

    Modules of one kind have equal shapes. They are paired in the order in which images pass them. In the checkpoint,
    the numbers in the names show this order; if two modules of one kind differ in another part of their names, it is
    unknown, and there are no pairs.

    Args:
        ours: Modules of the model, in the order of registration.
        theirs: Modules of the checkpoint, in any order.
    """
    if len(ours) != len(theirs):
        return None
    has_projections = any(map(PROJECTION.search, ours))
    kinds = _by_kind(ours, has_projections=has_projections)
    their_kinds = _by_kind(in_order(theirs), has_projections=has_projections)
    if {kind: len(names) for kind, names in kinds.items()} != {kind: len(names) for kind, names in their_kinds.items()}:
        return None
    depth = _depth(theirs)
    pairs: Pairs = {}
    for kind, names in kinds.items():
        found = their_kinds[kind]
        if not all(_is_ordered(one, two, depth) for one, two in pairwise(found)):
            return None
        pairs |= dict(zip(names, found, strict=True))
    return pairs


def partly_aligned(ours: Modules, theirs: Modules) -> Pairs:
    """Names of modules with equal shapes, as far as there are any, for messages about differences.

    Arguments as in :func:`align`.
    """
    has_projections = any(map(PROJECTION.search, ours))
    spare = _by_kind(in_order(theirs), has_projections=has_projections)
    pairs: Pairs = {}
    for kind, names in _by_kind(ours, has_projections=has_projections).items():
        pairs |= dict(zip(names, spare.get(kind, ()), strict=False))
    return pairs


def in_order(modules: Modules) -> Modules:
    """Modules in the order that their names show."""
    depth = _depth(modules)
    names = sorted(modules, key=lambda name: (_place(name, depth), natural_key(name)))
    return {name: modules[name] for name in names}


def leaves(ours: Tensors, theirs: Tensors) -> dict[str, str]:
    """Full names of the checkpoint's tensors by the last parts of our names, for two modules of one kind."""
    named = {leaf: theirs[leaf][0] for leaf in ours if leaf in theirs}
    others = [name for leaf, (name, _shape) in theirs.items() if leaf not in ours]
    missing = [leaf for leaf in ours if leaf not in theirs]
    return named | (dict(zip(missing, others, strict=True)) if len(missing) == len(others) == 1 else {})


def squeezed(shape: Shape) -> Shape:
    """A shape without ones at its end: a 1x1 convolution computes what a linear layer computes."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _by_kind(modules: Modules, *, has_projections: bool) -> dict[Kind, list[str]]:
    """Names of modules by their shapes, and by whether they are on a shortcut if the model has such modules."""
    kinds: dict[Kind, list[str]] = defaultdict(list)
    for name, tensors in modules.items():
        own_names = [leaf for leaf in tensors if leaf not in ROLES]
        free = own_names if len(own_names) == 1 else ()  # a single tensor of its own may have any name
        shapes = sorted(("" if leaf in free else leaf, squeezed(shape)) for leaf, (_name, shape) in tensors.items())
        kinds[has_projections and bool(PROJECTION.search(name)), *shapes].append(name)
    return kinds


def _depth(modules: Modules) -> int:
    """The number of parts with which all names begin."""
    return len(common_prefix(parts(name)[:-1] for name in modules))


def _place(name: str, depth: int) -> int:
    """-1 for modules before all others, 1 for modules after all others, else 0; the first parts are a prefix."""
    part = ".".join(parts(name)[depth : depth + 1])  # empty for the network itself
    return -1 if FIRST.fullmatch(part) else int(bool(LAST.fullmatch(part)))


def _is_ordered(one: str, two: str, depth: int) -> bool:
    """Whether names show the order of two modules: by their places, or by numbers where they first differ."""
    if _place(one, depth) != _place(two, depth):
        return True
    differing = next((pair for pair in zip(parts(one), parts(two), strict=False) if pair[0] != pair[1]), None)
    return differing is not None and _DIGITS.sub("", differing[0]) == _DIGITS.sub("", differing[1])
