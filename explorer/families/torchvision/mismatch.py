"""The model of torchvision that a checkpoint resembles, and the first difference."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from explorer.errors import SpecError
from explorer.families.recognition.guess import our_shapes
from explorer.families.recognition.layers import Shape
from explorer.families.torchvision.alignment import (
    PROJECTION,
    Modules,
    Tensors,
    in_order,
    leaves,
    partly_aligned,
    squeezed,
)
from explorer.families.torchvision.recognise import (
    count_parameters,
    group_by_module,
    paired_by_names,
    parameter_counts,
    same_shapes,
)
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _

ALIKE = 0.3  # least share of common modules for a model of torchvision's names


class Sign(NamedTuple):
    """A pattern of names of modules, by which models similar to a checkpoint are found.

    Attributes:
        models: Beginnings of the models' names.
        modules: Pattern that the names of their modules match.
        least: Least share of common modules for a model to be named.
    """

    models: tuple[str, ...]
    modules: re.Pattern[str]
    least: float = ALIKE


SIGNS = (
    Sign(("densenet",), re.compile(r"denselayer\d")),
    Sign(("inception_v3",), re.compile(r"Mixed_\d[a-e]\.")),
    Sign(("squeezenet",), re.compile(r"squeeze\.|expand1x1")),
    Sign(("shufflenet",), re.compile(r"stage\d\.\d+\.branch[12]")),
    Sign(("mnasnet",), re.compile(r"layers\.\d+\.\d+\.layers\.\d")),
    Sign(("regnet",), re.compile(r"trunk_output\.")),
    Sign(("maxvit",), re.compile(r"MBconv|window_attention|grid_attention")),
    Sign(("swin",), re.compile(r"features\.\d+\.\d+\.attn\.")),
    Sign(("vit",), re.compile(r"encoder_layer_\d")),
    Sign(("convnext",), re.compile(r"features\.\d+\.\d+\.block\.[0257]\.(weight|bias)|layer_scale")),
    Sign(("efficientnet",), re.compile(r"features\.\d+\.\d+\.block\.\d")),
    Sign(("mobilenet_v3",), re.compile(r"features\.\d+\.block\.\d")),
    Sign(("mobilenet_v2",), re.compile(r"features\.\d+\.conv\.\d")),
    # timm's names; no other library has them, so the nearest model is named however different it is
    Sign(("regnet",), re.compile(r"(^|\.)s\d\.b\d+\.conv1\.conv\."), 0),
    Sign(("convnext",), re.compile(r"(^|\.)stages\.\d+\.blocks\.\d+\.conv_dw\."), 0),
    Sign(("efficientnet", "mobilenet", "mnasnet"), re.compile(r"(^|\.)blocks\.\d+\.\d+\.conv_(dw|exp|pwl?)\."), 0),
)
TRIED = 2  # models of similar size to compare; building one takes a while


def nearest_difference(shapes: Mapping[str, Shape], *, ordered: bool) -> str | None:
    """The message about the most similar model and the first difference; None if the names resemble no model.

    Args:
        shapes: Shapes of the checkpoint's tensors by name, in the order of the file.
        ordered: Whether that is the order in which modules were registered.
    """
    for sign in SIGNS:
        if any(map(sign.modules.search, shapes)):
            theirs = group_by_module(shapes, ordered=ordered)
            size, counts = count_parameters(theirs), parameter_counts()
            near = sorted((n for n in counts if n.startswith(sign.models)), key=lambda name: abs(counts[name] - size))
            share, name = max((_shared(ZooSpec(name=name), theirs), name) for name in near[:TRIED])
            return difference(ZooSpec(name=name), shapes, ordered=ordered) if share >= sign.least else None
    return None


def difference(spec: ZooSpec, shapes: Mapping[str, Shape], *, ordered: bool) -> str:
    """The message about the first tensor in which a checkpoint differs from a model.

    Args:
        spec: Spec of the model.
        shapes: Shapes of the checkpoint's tensors by name, in the order of the file.
        ordered: Whether that is the order in which modules were registered.
    """
    theirs = group_by_module(shapes, ordered=ordered)
    ours = group_by_module(our_shapes(spec), ordered=True)
    pairs = _pairs(ours, theirs)
    wanted = f"torchvision:{spec.name}"
    last = list(ours)[-1]
    for module, tensors in ours.items():
        other = theirs[pairs[module]] if module in pairs else {}
        known = {leaf: other[their.rpartition(".")[2]] for leaf, their in leaves(tensors, other).items()}
        for leaf, (name, shape) in tensors.items():
            if leaf not in known:
                return _("it is like {spec}, but the tensor {name} of {shape} is missing").format(
                    spec=wanted, name=name, shape=shape
                )
            their, found = known[leaf]
            if squeezed(found) != squeezed(shape) and not (
                module == last and found[1:] == shape[1:]
            ):  # the number of classes may differ
                return _("it is like {spec}, but its tensor {their} is {found}, and {name} there is {shape}").format(
                    spec=wanted, their=their, found=found, name=name, shape=shape
                )
    extra = next((t for name, tensors in theirs.items() if name not in pairs.values() for t in tensors.values()), None)
    extra = extra or next(
        (
            tensor
            for module, their in pairs.items()
            for tensor in theirs[their].values()
            if tensor[0] not in leaves(ours[module], theirs[their]).values()
        ),
        None,
    )
    if extra is None:
        return _("it has the tensors of {spec}, but in another order or with another head").format(spec=wanted)
    return _("it is like {spec}, but has more: the first is {name} of {shape}").format(
        spec=wanted, name=extra[0], shape=extra[1]
    )


def _shared(spec: ZooSpec, theirs: Modules) -> float:
    """The share of a model's modules that a checkpoint has with the same shapes, from 0 to 1."""
    try:
        ours = group_by_module(our_shapes(spec), ordered=True)
    except SpecError:
        return 0.0
    pairs = _pairs(ours, theirs)
    if len(paired_by_names(ours, theirs)) < len(pairs):
        return len(partly_aligned(ours, theirs)) / len(ours)
    same = sum(same_shapes(ours[module], theirs[their]) for module, their in pairs.items())
    return same / len(ours)


def _pairs(ours: Modules, theirs: Modules) -> dict[str, str]:
    """Names of the checkpoint's modules by ours: by names if most agree, else by shapes.

    Of the modules that have no equal, those that do the same are paired: the first of ours with the first of theirs.
    """
    named = paired_by_names(ours, theirs)
    if len(named) > len(ours) / 2:
        return named
    pairs = partly_aligned(ours, theirs)
    left = [name for name in in_order(theirs) if name not in pairs.values()]
    for module in ours:
        if module not in pairs:
            kind = _kind(module, ours[module])
            other = next((name for name in left if _kind(name, theirs[name]) == kind), None)
            if other is not None:
                pairs[module] = other
                left.remove(other)
    return pairs


def _kind(name: str, tensors: Tensors) -> tuple[object, ...]:
    """Whether a module is on a shortcut, and its tensors' last names, dimensions and kernels; also if depthwise."""
    forms = sorted(
        (leaf, len(shape), *((shape[1] == 1, shape[3]) if len(shape) == 4 else ()))
        for leaf, (_name, shape) in tensors.items()
    )
    return bool(PROJECTION.search(name)), *forms
