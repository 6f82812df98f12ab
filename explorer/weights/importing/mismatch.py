"""Explains why tensors do not belong to a network: the tensor, both shapes and the likely cause."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from explorer.families import PRESETS, Spec, nearest, resolve
from explorer.families.recognition.guess import Guess, our_layers
from explorer.families.recognition.layers import Layers, Shape, Unit, find_stem, read_layers
from explorer.families.recognition.search import recognise
from explorer.families.registry import part, parts, titles
from explorer.i18n import _, ngettext
from explorer.specs.base import own_fields
from explorer.specs.size import Size

# Words in names of tensors of other networks than ours, the most specific first.
OPTIMIZER = re.compile(r"exp_avg|momentum_buffer|square_avg")
TRANSFORMER = re.compile(r"attn|attention|qkv|in_proj|pos_embed|position_embedding|cls_token|class_token|transformer")
DETECTOR = re.compile(r"rpn|roi_heads|bbox|anchor|mask_head|fpn|yolo")
DECODER = re.compile(r"decoder|upsample|up_conv|upconv|deconv|generator|discriminator")
MAX_KERNEL = 11  # largest side of kernels
MAX_CHANNELS = 4  # most channels of images
SIMILAR = 0.3  # share of common layers from which on a message names the preset


def explain_unfit(spec: Spec, guess: Guess) -> str:
    """Explains why a network is not the named one."""
    found = _found(guess)
    if not guess.units or spec.family != guess.spec.family:
        return _("the tensors are not those of {wanted}; they are those of {found}").format(
            wanted=_name(spec), found=found
        )
    fault = _difference(spec, our_layers(spec).units, guess.units)
    if found == _unnamed(spec):  # this would be said of both networks
        return fault
    return _("{fault} They are the tensors of {found}.").format(fault=fault, found=found)


def explain_unlike(spec: Spec, shapes: Mapping[str, Shape], *, ordered: bool) -> str:
    """Explains why tensors of an unknown network do not belong to the named one."""
    module = part(spec.family, "mismatch")
    if (difference := getattr(module, "difference", None)) is not None:
        return str(difference(spec, shapes, ordered=ordered))
    return _compare(spec, read_layers(shapes, ordered=ordered))


def explain_unknown(shapes: Mapping[str, Shape], *, ordered: bool) -> str:
    """Explains why tensors belong to no network of our families."""
    layers = read_layers(shapes, ordered=ordered)
    if reason := _first_explanation("nearest_difference", shapes, ordered=ordered):
        return reason
    if (reason := next(_foreign_signs(shapes), None)) is not None:
        return reason
    if layers.rest and layers.units:
        without_rest = {name: shape for name, shape in shapes.items() if name not in layers.rest}
        if guesses := recognise(without_rest, ordered=ordered):
            return ngettext(
                "{count} tensor belongs to no layer that we know ({names}); without it, the network would be {found}",
                "{count} tensors belong to no layer that we know ({names}); without them, the network would be {found}",
                len(layers.rest),
            ).format(count=len(layers.rest), names=_first_names(layers.rest), found=_found(guesses[0]))
    if (early := next((unit for unit in layers.units if unit.is_activated_early), None)) is not None and early.norm:
        return _(
            "the numbering shows a module without tensors between {tensor} of {shape} and its batch norm {norm}: "
            "an activation or a pool, which ours have after the batch norm"
        ).format(tensor=early.tensors["weight"], shape=early.shape, norm=early.norm.name)
    if reason := _first_explanation("single_fault", layers):
        return reason
    preset, share = _nearest_preset(layers)
    ours = our_layers(PRESETS[preset].spec).units
    # One of the networks is a part of the other.
    is_part = bool(_unmatched(ours, layers.units)) != bool(_unmatched(layers.units, ours))
    if share >= SIMILAR and is_part:
        return _compare(PRESETS[preset].spec, layers)
    if reason := explain_missing_start(layers.units) or _first_explanation("fault", layers):
        return reason
    if share >= SIMILAR:
        return _compare(PRESETS[preset].spec, layers)
    if layers.convolutions and not layers.linears:
        return _("it has {count} convolutions and no linear layer: the head is missing").format(
            count=len(layers.convolutions)
        )
    text = _(
        "the tensors belong to no network that we know ({families} and similar ones, torchvision's others): "
        "{convolutions} convolutions, {linears} linear layers, and {rest} tensors of other kinds"
    )
    fault = text.format(
        families=titles(), convolutions=len(layers.convolutions), linears=len(layers.linears), rest=len(layers.rest)
    )
    if not layers.units:
        return fault
    if layers.rest:
        return _("{fault} ({names})").format(fault=fault, names=_first_names(layers.rest))
    other = next(iter(_unmatched(layers.units, ours)), layers.units[0])
    return _("{fault}; {tensor} of {shape} is not part of {spec}, the nearest network").format(
        fault=fault, spec=preset, tensor=other.tensors["weight"], shape=other.shape
    )


def _first_explanation(hook: str, *arguments: Any, **options: Any) -> str | None:
    """Returns the first explanation from the families. Each family may have the hook in its ``mismatch`` module."""
    hooks = (getattr(module, hook, None) for module in parts("mismatch").values())
    return next((reason for explain in hooks if explain and (reason := explain(*arguments, **options))), None)


def explain_missing_start(units: Sequence[Unit]) -> str | None:
    """Explains that the layers that read images are missing. None if they are there."""
    convolutions = [unit for unit in units if unit.kernel]
    if not convolutions or (start := find_stem(convolutions)).before <= MAX_CHANNELS:
        return None
    preset, _share = _nearest_preset(Layers(tuple(units), ()))
    own = our_layers(PRESETS[preset].spec).units[0]
    return _(
        "it is part of a network: {tensor} of {shape}, its first layer, reads {channels} channels, and images "
            "have {most} at most; in {spec}, the nearest network, the first is {own} of {own_shape}"
    ).format(
        tensor=start.tensors["weight"], shape=start.shape, channels=start.before, most=MAX_CHANNELS,
        spec=preset, own=own.tensors["weight"], own_shape=own.shape,
    )  # fmt: skip


def _found(guess: Guess) -> str:
    """Returns the network of a guess in words: a preset's name, or what it is. A whole spec would hide the fault."""
    name = nearest(guess.spec)
    return name if _is_named(guess.spec, name) else _unnamed(guess.spec)


def _unnamed(spec: Spec) -> str:
    return _("an unnamed network ({description})").format(description=spec.describe())


def _difference(spec: Spec, ours: Sequence[Unit], theirs: Sequence[Unit]) -> str:
    """Describes the first difference of two networks of one family, with its likely cause."""
    normed = [any(unit.norm for unit in units) for units in (ours, theirs)]
    if normed[0] != normed[1]:
        if normed[0]:
            return _("{spec} has batch norm, and the checkpoint has none.").format(spec=_name(spec))
        tensor = next(unit.norm.tensors["running_mean"] for unit in theirs if unit.norm)
        return _("The checkpoint has batch norm ({tensor}), and {spec} has none.").format(
            tensor=tensor, spec=_name(spec)
        )
    counts = [sum(bool(unit.kernel) for unit in units) for units in (ours, theirs)]
    if spec.head_convolutions:  # these don't count as depth
        counts[0] -= spec.head_convolutions
        if theirs and theirs[-1].kernel:
            counts[1] -= spec.head_convolutions
    if counts[0] != counts[1]:
        return ngettext(
            "{spec} has {ours} convolution, and the checkpoint {theirs}: its depth differs.",
            "{spec} has {ours} convolutions, and the checkpoint {theirs}: its depth differs.",
            counts[0],
        ).format(spec=_name(spec), ours=counts[0], theirs=counts[1])
    if len(ours) != len(theirs):
        return ngettext(
            "The head of {spec} has {ours} layer, and that of the checkpoint {theirs}.",
            "The head of {spec} has {ours} layers, and that of the checkpoint {theirs}.",
            len(ours) - counts[0],
        ).format(spec=_name(spec), ours=len(ours) - counts[0], theirs=len(theirs) - counts[1])
    for place, (own, their) in enumerate(zip(ours, theirs, strict=True)):
        if own.shape != their.shape:
            return _("The tensor {their} is {found}, and {own} of {spec} is {needed}: {cause}.").format(
                their=their.tensors["weight"],
                found=their.shape,
                own=own.tensors["weight"],
                spec=_name(spec),
                needed=own.shape,
                cause=_cause(spec, own, their, first=not place, last=place == len(ours) - 1),
            )
    return _("A bias of the checkpoint has no place in {spec}.").format(spec=_name(spec))


def _cause(spec: Spec, own: Unit, their: Unit, *, first: bool, last: bool) -> str:
    if own.kernel != their.kernel:
        return _("its kernels differ")
    if last and own.before == their.before:
        return ngettext(
            "it was trained on {theirs} class, and not {ours}",
            "it was trained on {theirs} classes, and not {ours}",
            their.after,
        ).format(theirs=their.after, ours=own.after)
    if first and own.after == their.after and own.kernel:
        return ngettext(
            "it takes images of {theirs} channel, and not {ours}",
            "it takes images of {theirs} channels, and not {ours}",
            their.before,
        ).format(theirs=their.before, ours=own.before)
    channels, size = spec.dense_map or (0, Size(0, 0))
    if not own.kernel and own.before == channels * size.area:
        return _(
            "its head reads {theirs} features, and {ours} arrive ({channels} channels of {size}); "
            "image_size or pool_to differs"
        ).format(theirs=their.before, ours=own.before, channels=channels, size=size)
    return _("its widths differ")


def _compare(spec: Spec, layers: Layers) -> str:
    """Describes the missing and additional layers of a network."""
    ours = our_layers(spec).units
    missing, extra = _unmatched(ours, layers.units), _unmatched(layers.units, ours)
    name = nearest(spec)
    if missing and extra:
        return _(
            "it is like {spec}, but {count} of its {all} layers are missing, the first {tensor} of {shape}, and it has "
            "others, the first {other} of {other_shape}: another network, or one that was changed"
        ).format(
            spec=name, count=len(missing), all=len(ours), tensor=missing[0].tensors["weight"], shape=missing[0].shape,
            other=extra[0].tensors["weight"], other_shape=extra[0].shape,
        )  # fmt: skip
    if missing:
        return _(
            "it is like {spec}, but {count} of its {all} layers are missing, the first {tensor} of {shape}: "
            "part of a network"
        ).format(
            spec=name, count=len(missing), all=len(ours), tensor=missing[0].tensors["weight"], shape=missing[0].shape
        )
    if extra:
        text = _(
            "it is like {spec}, but has more: {count} of its layers have no place there, the first {tensor} of {shape}"
        )
        unit = extra[0]
        return text.format(spec=name, count=len(extra), tensor=unit.tensors["weight"], shape=unit.shape)
    if layers.rest:
        return _("it is like {spec}, but has tensors that belong to no layer of it ({names})").format(
            spec=name, names=_first_names(layers.rest)
        )
    return _("it has the layers of {spec}, but in another order or with other batch norms").format(spec=name)


def _foreign_signs(shapes: Mapping[str, Shape]) -> Iterator[str]:
    """Yields descriptions of signs of other networks than ours."""

    def first(pattern: re.Pattern[str]) -> str | None:
        return next((name for name in shapes if pattern.search(name.lower())), None)

    if name := first(OPTIMIZER):
        yield _("it holds the state of an optimizer ({name}) and no network").format(name=name)
    if name := first(TRANSFORMER):
        yield _("it is a transformer ({name}), not a convolutional network that we know").format(name=name)
    if name := first(DETECTOR):
        yield _("it is a detector ({name}), not a classifier").format(name=name)
    if name := first(DECODER):
        yield _("it makes images or masks ({name}), and is not a classifier").format(name=name)
    for name, shape in shapes.items():
        if len(shape) == 5 or (len(shape) == 3 and name.endswith(".weight")):
            text = _("its tensor {name} is {shape}: not a convolution over the two dimensions of an image")
            yield text.format(name=name, shape=shape)
        if len(shape) == 4 and shape[0] == shape[1] <= MAX_KERNEL < shape[3]:
            text = _(
                "its tensor {name} is {shape}, with height and width first, as TensorFlow has them; transpose "
                "kernels with permute(3, 2, 0, 1), matrices with t(), and save again"
            )
            yield text.format(name=name, shape=shape)
        is_depthwise = len(shape) == 4 and shape[1] == 1 < shape[0]
        if is_depthwise and any(len(other) == 4 and other[0] == shape[0] and other[1] > 1 for other in shapes.values()):
            text = _(
                "its convolution {name}, {shape}, works on channels one by one: in our families none does, and no "
                "model of torchvision's has these tensors"
            )
            yield text.format(name=name, shape=shape)


def _nearest_preset(layers: Layers) -> tuple[str, float]:
    """Returns the preset with most common layers, and their share."""
    theirs = Counter(unit.form for unit in layers.units)

    def share(name: str) -> float:
        ours = _forms(name)
        return (ours & theirs).total() / max((ours | theirs).total(), 1)

    return max(((name, share(name)) for name in PRESETS), key=lambda pair: pair[1])


@cache
def _forms(name: str) -> Counter[tuple[int, int, int, bool]]:
    """Counts the forms of a preset's layers."""
    return Counter(unit.form for unit in our_layers(PRESETS[name].spec).units)


def _unmatched(units: Sequence[Unit], others: Sequence[Unit]) -> list[Unit]:
    """Returns the units that have no counterpart among others."""
    spare = Counter(unit.form for unit in others)
    left = []
    for unit in units:
        if spare[unit.form]:
            spare[unit.form] -= 1
        else:
            left.append(unit)
    return left


def _name(spec: Spec) -> str:
    name = nearest(spec)
    if _is_named(spec, name):
        return name
    return _("the network (like {name})").format(name=name)


def _is_named(spec: Spec, name: str) -> bool:
    """Returns whether a name means this network. A family's own name means any image size and number of classes."""
    named = resolve(name)
    if spec.own_name is None:
        return spec == named
    return all(getattr(spec, field) == getattr(named, field) for field in own_fields(type(spec)))


def _first_names(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
