"""Recognition of torchvision's models, with any head, by the names or the order of their modules."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import isqrt, prod
from typing import Any

from explorer.errors import SpecError
from explorer.families.building import AUXILIARY
from explorer.families.recognition import heads
from explorer.families.recognition.adapting import PYTORCH_EPSILON, rescaled
from explorer.families.recognition.adapting import Tensors as Values
from explorer.families.recognition.guess import (
    BUFFERS,
    Guess,
    Question,
    epsilon_question,
    image_size_question,
    our_shapes,
)
from explorer.families.recognition.layers import Checkpoint, Shape, natural_key
from explorer.families.torchvision import network
from explorer.families.torchvision.alignment import Modules, Tensors, align, leaves, squeezed
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _

FALLBACK = True  # asked only if no other family recognises the tensors
IMAGENET = 1000  # classes of torchvision's own weights
POSITIONS = "pos_embedding"  # a vision transformer has one for each patch
STATISTICS = ("running_mean", "running_var")
MOST_LAYERS = 12  # layers of a head, with batch norms
MOST_MODULES = 5_000  # modules with tensors; torchvision's largest models have fewer than 1,000
WIDTHS = {"b": 768, "l": 1024, "h": 1280}  # features of a patch, by the letter in a vision transformer's name
WITH_HEADS = "inception_v3"  # its published count includes its auxiliary head
AUXILIARY_HEAD = 3_326_696  # parameters of that head
# Parameters of a model's head without its last layer, by the number of pooled features that it reads.
POOLED: dict[str, Callable[[int], int]] = {
    "mobilenet_v3_large": lambda pooled: pooled * 1280 + 1280 + (1280 - pooled) * IMAGENET,
    "mobilenet_v3_small": lambda pooled: pooled * 1024 + 1024 + (1024 - pooled) * IMAGENET,
    "maxvit_t": lambda pooled: 2 * pooled + pooled**2 + pooled,
    **dict.fromkeys([f"convnext_{size}" for size in ("tiny", "small", "base", "large")], lambda pooled: 2 * pooled),
}
TIMM = re.compile(r"(^|\.)conv_stem$")  # timm's name of the first layer of networks that torchvision names otherwise
# Models whose modules other libraries name otherwise. Of the rest, everybody uses torchvision's names, and gaps in the
# numbers show pools that torchvision doesn't have.
ALIGNABLE = (
    "alexnet", "convnext", "efficientnet", "maxvit", "mnasnet", "mobilenet", "regnet", "shufflenet", "squeezenet",
    "swin", "vit",
)  # fmt: skip
NO_BIAS = "maxvit_t"  # its last layer has no bias
CONVOLUTION = "squeezenet"  # its last layer is a convolution
# Names that torchvision has changed: DenseNet's, which its own files still have, and those of transformers.
RENAMED = (
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])(?=\.)"), r"\1\2"),
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_1(?=\.)"), r"\1.0"),
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_2(?=\.)"), r"\1.3"),
)


@dataclass(frozen=True)
class Trunk:
    """A model whose trunk has as many parameters as the checkpoint without its head.

    Attributes:
        name: Name of the model.
        head: Part that the checkpoint's head replaces: "last" is the last layer, "pooled" is all layers after the last
            map.
        modules: Modules of the checkpoint's head.
    """

    name: str
    head: str
    modules: Modules


def guesses(checkpoint: Checkpoint) -> Iterator[Guess]:
    """All models of torchvision that fit the tensors."""
    shapes, ordered = checkpoint.shapes, checkpoint.ordered
    main = {name: shape for name, shape in shapes.items() if not _is_auxiliary(name)}
    modules = group_by_module(main, ordered=ordered)
    for trunk in _trunk_candidates(modules) if len(modules) <= MOST_MODULES else ():
        with suppress(SpecError):
            if found := _matched(trunk, modules, main, ordered=ordered):
                ignored = tuple(name for name in shapes if name not in main)
                notes = (_("Auxiliary heads are used in training only and are left out."),) if ignored else ()
                yield replace(found, ignored=(*found.ignored, *ignored), notes=(*found.notes, *notes))


def group_by_module(shapes: Mapping[str, Shape], *, ordered: bool) -> Modules:
    """Tensors by module, without counters and tensors that networks compute from their shape.

    Args:
        shapes: Shapes of the tensors by name, in the order of the file.
        ordered: Whether that is the order in which modules were registered; else names are sorted.
    """
    modules: Modules = {}
    for name in shapes if ordered else sorted(shapes, key=natural_key):
        module, _dot, leaf = name.rpartition(".")
        if leaf not in BUFFERS:
            modules.setdefault(module, {})[leaf] = (name, shapes[name])
    return modules


def current_name(name: str) -> str:
    """The name that torchvision uses today."""
    for pattern, new in RENAMED:
        name = pattern.sub(new, name)
    return name


def _is_auxiliary(name: str) -> bool:
    return any(AUXILIARY.fullmatch(part) for part in name.split("."))


def _matched(trunk: Trunk, modules: Modules, shapes: Mapping[str, Shape], *, ordered: bool) -> Guess | None:
    """The guess of one model; None if the checkpoint's tensors don't fit it.

    Args:
        trunk: Model, and the checkpoint's modules that are its head.
        modules: Modules of the checkpoint.
        shapes: Shapes of its tensors by name.
        ordered: Whether the file has the order in which modules were registered.
    """
    head = heads.read(trunk.modules)
    weight = _weight(next(iter(trunk.modules.values())))
    bias = any("bias" in tensors for tensors in trunk.modules.values())
    convolution = trunk.name.startswith(CONVOLUTION)  # the scores come from a convolution, not a linear layer
    own = trunk.head == "last" and (
        head is None or (head.is_single_layer and bias == (trunk.name != NO_BIAS) and not convolution)
    )
    if head is None and not (convolution and len(weight) == 4):
        return None
    fields: dict[str, Any] = {"family": "torchvision", "name": trunk.name, **_image_size(modules)}
    fields["num_classes"] = head.num_classes if head else weight[0]
    if head and not own:
        fields |= {"head": "pooled" if convolution else trunk.head, "classifier": head.hidden}
    spec = ZooSpec.parse(fields)
    our_tensors = our_shapes(spec)
    ours = group_by_module(our_tensors, ordered=True)
    places = list(ours)[-len(head.layers) :] if head else list(ours)[-1:]
    inner = {name: tensors for name, tensors in modules.items() if name not in trunk.modules}
    outer = {name: tensors for name, tensors in ours.items() if name not in places}
    named = _by_names(outer, inner)
    in_order = _by_order(outer, inner) if ordered and named is None else None
    is_alignable = trunk.name.startswith(ALIGNABLE)
    pairs = named or in_order or (align(outer, inner) if is_alignable else None)
    if pairs is None:
        return None
    steps = dict(zip(places, head.layers, strict=True)) if head else {}
    pairs |= dict(zip(places, trunk.modules, strict=True)) if not head else {}
    pairs |= {place: layer[0].name for place, layer in steps.items() if len(layer) == 1}
    joined = {place: layer for place, layer in steps.items() if len(layer) > 1}
    names = {}
    for name, shape in our_tensors.items():
        module, _dot, leaf = name.rpartition(".")
        their = pairs.get(module)
        full = leaf if their == "" else f"{their}.{leaf}"
        if their in inner and leaf not in BUFFERS:
            full = leaves(ours[module], inner[their]).get(leaf, full)
        if their is None or full not in shapes:
            if module in pairs and leaf not in BUFFERS:
                return None
            continue
        if squeezed(shapes[full]) != squeezed(shape) and leaf not in BUFFERS:
            return None
        names[name] = full
    used = {*names.values(), *chain.from_iterable(map(heads.names, joined.values()))}
    is_size_known = any(POSITIONS in tensors for tensors in modules.values())
    notes = [] if own or head is None else [_head_note(spec, head)]
    if joined:
        notes.append(
            _(
                "Layers of the head with no activation between them are merged into one, which leaves the scores "
                "the same; for batch norms among them PyTorch's epsilon, 0.00001, is assumed."
            )
        )
    questions: list[Question] = [] if is_size_known else [image_size_question(spec.image_size)]
    adaptations: dict[str, Any] = {}
    if named is None:
        notes.append(_order_note(spec, is_ordered=in_order is not None))
        is_timm = any(map(TIMM.search, modules))
        own_epsilon = network.epsilon(spec)
        if own_epsilon not in (None, PYTORCH_EPSILON):
            adaptations = {"epsilon": PYTORCH_EPSILON if is_timm else own_epsilon}
            questions.append(epsilon_question(adaptations["epsilon"]))
        if is_timm:
            notes.append(
                _(
                    "The names are timm's. Its networks with tf_ in their name have the same tensors, but pad their "
                    "maps on other sides, and their batch norms have an epsilon of 0.001: then the scores differ."
                )
            )
    return Guess(
        spec,
        names,
        merged=joined,
        ignored=tuple(name for name in shapes if name not in used),
        notes=tuple(notes),
        questions=tuple(questions),
        adaptations=adaptations,
    )


def _order_note(spec: ZooSpec, *, is_ordered: bool) -> str:
    if is_ordered:
        return _(
            "The names are not torchvision's: the tensors were taken in the order of the file, in which "
            "every shape is that of {name}. What the tensors don't show, such as strides, is assumed to be the "
            "same."
        ).format(name=spec.name)
    return _(
        "The names are not torchvision's: the tensors were taken in the order of the numbers in their names, in which "
        "every shape is that of {name}. What the tensors don't show, such as strides, is assumed to be the same."
    ).format(name=spec.name)


def _head_note(spec: ZooSpec, head: heads.Head) -> str:
    if not head.hidden:
        return _(
            "Its head is not torchvision's: one linear layer reads the {features} features of the last map."
        ).format(features=head.in_features)
    return _(
        "Its head is not torchvision's: before the layer of its {classes} classes it has linear layers of "
        "{widths} features. A ReLU is assumed after each, as the tensors don't show the activation."
    ).format(widths=", ".join(map(str, head.hidden)), classes=spec.num_classes)


def paired_by_names(ours: Modules, theirs: Modules) -> dict[str, str]:
    """Names of the checkpoint's modules by ours, without the prefix that most of its modules have."""
    current = {current_name(f".{name}.").strip("."): name for name in theirs}
    ends = ((name, match.end()) for name in current for match in re.finditer(r"^|\.", name))
    prefixes = Counter(name[:end] for name, end in ends if name[end:] in ours)
    prefix = max(prefixes, key=prefixes.__getitem__, default="")
    full = {module: (prefix + module).removesuffix(".") for module in ours}
    return {module: current[name] for module, name in full.items() if name in current}


def _by_names(ours: Modules, theirs: Modules) -> dict[str, str] | None:
    """Names of the checkpoint's modules by ours, if they differ only by a prefix; else None."""
    pairs = paired_by_names(ours, theirs)
    fits = len(pairs) == len(ours) == len(theirs)
    return pairs if fits and all(same_shapes(ours[our], theirs[their]) for our, their in pairs.items()) else None


def _by_order(ours: Modules, theirs: Modules) -> dict[str, str] | None:
    """Names of the checkpoint's modules by ours, if all shapes are equal in order; else None."""
    if len(ours) == len(theirs) and all(map(same_shapes, ours.values(), theirs.values())):
        return dict(zip(ours, theirs, strict=True))
    return None


def same_shapes(ours: Tensors, theirs: Tensors) -> bool:
    """Whether two modules have tensors of the same last names and shapes."""
    return ours.keys() == theirs.keys() and all(ours[leaf][1] == theirs[leaf][1] for leaf in ours)


def _trunk_candidates(modules: Modules) -> Iterator[Trunk]:
    """Models with the same number of parameters; comparing numbers is cheaper than building every model."""
    sizes = {name: count_parameters({name: tensors}) for name, tensors in modules.items()}
    total = sum(sizes.values())
    counts = parameter_counts()
    models: dict[int, list[str]] = {}  # names by count
    for name, count in counts.items():
        models.setdefault(count, []).append(name)
    found: dict[tuple[str, str], Trunk] = {}
    for names in _possible_heads(modules):
        head = {name: modules[name] for name in names}
        weight = _weight(next(iter(head.values())))
        before = weight[1] if len(weight) > 1 else weight[0]
        count = total - sum(sizes[name] for name in names) + IMAGENET * (before + 1)
        for model in models.get(count, ()):
            found.setdefault((model, "last"), Trunk(model, "last", head))
        for model, more in POOLED.items():
            if counts[model] == count + more(before):
                found.setdefault((model, "pooled"), Trunk(model, "pooled", head))
    yield from sorted(found.values(), key=lambda trunk: trunk.head)


def parameter_counts() -> dict[str, int]:
    """Parameters of torchvision's models, without auxiliary heads and positions, and with a bias in the last layer."""
    counts = {name: int(facts["num_params"]) for name, facts in network.metadata().items()}
    counts[WITH_HEADS] -= AUXILIARY_HEAD
    counts[NO_BIAS] += IMAGENET
    for name, facts in network.metadata().items():
        if name.startswith("vit_"):
            _vit, letter, patch = name.split("_")
            counts[name] -= ((facts["min_size"][0] // int(patch)) ** 2 + 1) * WIDTHS[letter]
    return counts


def count_parameters(modules: Modules) -> int:
    """The number of parameters of modules, without positions."""
    return sum(_count(leaf, shape) for tensors in modules.values() for leaf, (_name, shape) in tensors.items())


def _count(leaf: str, shape: Shape) -> int:
    return 0 if leaf in (*STATISTICS, POSITIONS) else prod(shape)


def _possible_heads(modules: Modules) -> Iterator[tuple[str, ...]]:
    """Candidates for the modules of the head, by the beginning of their names or their place in the file."""
    names = list(modules)
    # Keep only the end of each group, because a file may have thousands of groups.
    ends: dict[str, deque[str]] = {}
    for name in names:
        for end in (*(dot.start() for dot in re.finditer(r"\.", name)), len(name)):
            ends.setdefault(name[:end], deque(maxlen=MOST_LAYERS)).append(name)
    groups = dict.fromkeys(map(tuple, ends.values()))
    for top in dict.fromkeys(name.partition(".")[0] for name in names):
        others = (name for name in reversed(names) if name.partition(".")[0] != top)
        groups[tuple(islice(others, MOST_LAYERS))[::-1]] = None
    groups[tuple(names[-MOST_LAYERS:])] = None
    seen: set[tuple[str, ...]] = set()
    for group in groups:
        for size in range(1, MOST_LAYERS + 1):
            part = group[-size:]
            if len(part) < size or not _is_head(modules[part[0]]):
                break
            if part not in seen and len(part) < len(names):
                seen.add(part)
                yield part


def _is_head(tensors: Tensors) -> bool:
    weight = _weight(tensors)
    return all(weight) and (len(weight) in (1, 2) or weight[2:] == (1, 1))


def _weight(tensors: Tensors) -> Shape:
    """Shape of a module's weight, or of its first tensor if it has none."""
    return tensors.get("weight", next(iter(tensors.values())))[1]


def _image_size(modules: Modules) -> dict[str, int]:
    """The field ``image_size`` if the positions of a vision transformer show it; else nothing."""
    positions = next((tensors[POSITIONS][1] for tensors in modules.values() if POSITIONS in tensors), ())
    patch = next((t["weight"][1] for t in modules.values() if len(t.get("weight", ("", ()))[1]) == 4), ())
    if len(positions) != 3 or not patch:
        return {}
    return {"image_size": isqrt(max(positions[1] - 1, 1)) * patch[3]}


def _with_epsilon(spec: ZooSpec, tensors: Values, epsilon: float) -> Values:
    """The tensors with scales of batch norms that compensate for another epsilon than torchvision's."""
    own = network.epsilon(spec)
    return tensors if own is None else rescaled(tensors, own, epsilon)


ADAPTATIONS = {"epsilon": _with_epsilon}


def assumptions(_spec: ZooSpec) -> None:
    """No note: torchvision's code defines all that the tensors don't show."""
