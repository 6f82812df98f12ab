"""Which model of torchvision a checkpoint is like, and where it differs first."""

import re
from collections.abc import Mapping

from explorer.errors import SpecError
from explorer.families.recognition.guess import our_shapes
from explorer.families.recognition.layers import Shape
from explorer.families.torchvision.recognise import Modules, counts, grouped, modern, parameters
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _

# What names of modules say of a model: how the model's name begins.
SIGNS = (
    ("densenet", re.compile(r"denselayer\d")),
    ("inception_v3", re.compile(r"Mixed_\d[a-e]\.")),
    ("squeezenet", re.compile(r"squeeze\.|expand1x1")),
    ("shufflenet", re.compile(r"stage\d\.\d+\.branch[12]")),
    ("mnasnet", re.compile(r"layers\.\d+\.\d+\.layers\.\d")),
    ("regnet", re.compile(r"trunk_output\.")),
    ("maxvit", re.compile(r"MBconv|window_attention|grid_attention")),
    ("swin", re.compile(r"features\.\d+\.\d+\.attn\.")),
    ("vit", re.compile(r"encoder_layer_\d")),
    ("convnext", re.compile(r"features\.\d+\.\d+\.block\.[0257]\.(weight|bias)|layer_scale")),
    ("efficientnet", re.compile(r"features\.\d+\.\d+\.block\.\d")),
    ("mobilenet_v3", re.compile(r"features\.\d+\.block\.\d")),
    ("mobilenet_v2", re.compile(r"features\.\d+\.conv\.\d")),
)
TRIED = 2  # models of as many parameters, of which building one takes a while
ALIKE = 0.3  # share of modules in common, from which on a model is worth naming


def told_by_names(shapes: Mapping[str, Shape], *, ordered: bool) -> str | None:
    """The model that the names speak for and the first difference, in words; None where they speak for none."""
    for family, sign in SIGNS:
        if any(sign.search(name) for name in shapes):
            theirs = grouped(shapes, ordered=ordered)
            size, known = parameters(theirs), counts()
            near = sorted((n for n in known if n.startswith(family)), key=lambda name: abs(known[name] - size))
            found = max((_shared(ZooSpec(name=name), theirs), name) for name in near[:TRIED])
            return difference(ZooSpec(name=found[1]), shapes, ordered=ordered) if found[0] >= ALIKE else None
    return None


def difference(spec: ZooSpec, shapes: Mapping[str, Shape], *, ordered: bool) -> str:
    """The first tensor in which a checkpoint differs from a model, in words."""
    theirs = grouped(shapes, ordered=ordered)
    ours = grouped(our_shapes(spec), ordered=True)
    pairs = _paired(ours, theirs)
    wanted = f"torchvision:{spec.name}"
    last = list(ours)[-1]
    for module, tensors in ours.items():
        other = theirs[pairs[module]] if module in pairs else {}
        for leaf, (name, shape) in tensors.items():
            if leaf not in other:
                return _("it is like {spec}, but the tensor {name} of {shape} is missing").format(
                    spec=wanted, name=name, shape=shape
                )
            their, found = other[leaf]
            if found != shape and not (module == last and found[1:] == shape[1:]):  # other classes are no difference
                return _("it is like {spec}, but its tensor {their} is {found}, and {name} there is {shape}").format(
                    spec=wanted, their=their, found=found, name=name, shape=shape
                )
    extra = next((t for name, tensors in theirs.items() if name not in pairs.values() for t in tensors.values()), None)
    extra = extra or next(
        (t for module, their in pairs.items() for leaf, t in theirs[their].items() if leaf not in ours[module]), None
    )
    if extra is None:
        return _("it has the tensors of {spec}, but not in its order, or its head is another").format(spec=wanted)
    return _("it is like {spec}, but has more: the first is {name} of {shape}").format(
        spec=wanted, name=extra[0], shape=extra[1]
    )


def _shared(spec: ZooSpec, theirs: Modules) -> float:
    """The share of a model's modules that a checkpoint has with the same shapes."""
    try:
        ours = grouped(our_shapes(spec), ordered=True)
    except SpecError:
        return 0.0
    pairs = _paired(ours, theirs)
    same = sum(_shapes(ours[module]) == _shapes(theirs[their]) for module, their in pairs.items())
    return same / len(ours)


def _shapes(tensors: Mapping[str, tuple[str, Shape]]) -> dict[str, Shape]:
    return {leaf: shape for leaf, (_name, shape) in tensors.items()}


def _paired(ours: Modules, theirs: Modules) -> dict[str, str]:
    """Our modules to theirs of the same name behind the prefix that most of them have."""
    today = {modern(f".{name}.").strip("."): name for name in theirs}
    prefixes: dict[str, int] = {}
    for name in today:
        ends = [name[match.end() :] for match in re.finditer(r"^|\.", name)]
        for prefix in (name.removesuffix(end) for end in ends if end in ours):
            prefixes[prefix] = prefixes.get(prefix, 0) + 1
    prefix = max(prefixes, key=lambda one: prefixes[one], default="")
    full = {module: (prefix + module).removesuffix(".") for module in ours}
    return {module: today[name] for module, name in full.items() if name in today}
