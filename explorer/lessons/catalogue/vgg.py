"""Where VGG's parameters are. The result has ``view``, ``one`` and ``other``, which are analyses, and ``titles``."""

from typing import Any

from explorer.analysis import Analysis
from explorer.analysis.result import Layer
from explorer.formatting import bytes_short, change, short
from explorer.i18n import _, ngettext
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try

GROWTH = {"small": 0.05, "third": 0.3, "double": 1.0}
MAX_NAMES = 6  # layers in a sentence
TWICE = 2  # a measure that grows by so many times as much grows clearly faster


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=5,
        title=_("Inside VGG"),
        question=_("Which layers make VGG-16 so large?"),
        minutes=9,
        experiment="network",
        vignette=vignettes.parameters,
        terms=(
            "spec",
            "preset",
            "cfg",
            "width",
            "parameter",
            "macs",
            "mult-adds",
            "flops",
            "arithmetic-intensity",
            "activation-memory",
            "training-memory",
            "buffer",
            "linear",
            "fully-convolutional",
            "flatten",
            "head",
            "lrn",
        ),
        links=(
            Link("architecture", _("The table of its layers, with formulas"), {"net": "vgg16", "table": "formulas"}),
            Link("compare", _("All versions side by side"), {"a": "vgg11", "b": "vgg13", "c": "vgg16", "d": "vgg19"}),
        ),
        papers=(
            Paper(
                _("Simonyan and Zisserman 2015, Very deep convolutional networks, tables 1 and 2"),
                "https://arxiv.org/abs/1409.1556",
            ),
            Paper(_("Lin et al. 2014, Network in network, section 3.2"), "https://arxiv.org/abs/1312.4400"),
        ),
        steps=(
            Say(
                text=lambda result: _(
                    "{name} begins with convolutions, which slide small kernels over the image. It ends with linear "
                    "layers, in which every output has a weight for every input. Two things count "
                    "for each layer: how many numbers must be **stored** (its parameters), and how many "
                    "multiplications must be **done** for an image (its MACs)."
                ).format(name=result.titles[0]),
                start={"net": "vgg16", "other": "vgg16", "colour": "params"},
            ),
            Ask(
                name="largest",
                text=_("Which layer has most parameters?"),
                options={
                    "first": _("The first convolution, which sees the whole image"),
                    "conv": _("One of the last convolutions, which have most channels"),
                    "linear": _("The first linear layer"),
                    "last": _("The last linear layer, which has an output for each class"),
                },
                answer=lambda result: _place(result.one, _most(result.one, "params")[0]),
                ties=lambda result: {_place(result.one, layer) for layer in _most(result.one, "params")},
            ),
            Reveal(of="largest", text=_largest),
            Ask(
                name="work",
                text=_("Which layers do most of the multiplications?"),
                options={
                    "conv": _("The convolutions"),
                    "linear": _("The linear layers"),
                    "same": _("About half of them each"),
                },
                answer=lambda result: _majority(_share(result.one, "macs")),
                start={"colour": "macs"},
            ),
            Reveal(of="work", text=_work, controls=("colour",)),
            Ask(
                name="head",
                text=_(
                    "The linear layers can be written as convolutions: the first becomes a kernel as large as the "
                    "last map, the others become 1×1. The network then takes larger images too. How many parameters "
                    "has this form?"
                ),
                options={
                    "fewer": _("Far fewer: convolutions share their weights"),
                    "same": _("Exactly as many"),
                    "more": _("More: a kernel needs weights for every place"),
                },
                answer=_compare,
                start={"colour": "params", "other": "vgg16-conv"},
            ),
            Reveal(of="head", text=_head),
            Ask(
                name="growth",
                text=lambda result: _(
                    "**{other}** has {more} more convolutions than **{one}**. By how much does the number of "
                    "parameters grow?"
                ).format(
                    one=result.titles[0],
                    other=result.titles[1],
                    more=_convolutions(result.other) - _convolutions(result.one),
                ),
                options={
                    "small": _("By about a twentieth or less"),
                    "third": _("By about a fifth to a third"),
                    "double": _("It nearly doubles"),
                },
                answer=lambda result: next(
                    (name for name, most in GROWTH.items() if _growth(result, "params") <= most), "double"
                ),
                start={"other": "vgg19"},
            ),
            Reveal(of="growth", text=_grown, controls=("other",)),
            Ask(
                name="normalised",
                text=lambda result: _(
                    "**{other}** is **{one}** with a **local response normalisation** (LRN). It makes a number smaller "
                    "where the neighbouring channels have large numbers. How many parameters does that add?"
                ).format(one=result.titles[0], other=result.titles[1]),
                unit=_("parameters"),
                answer=lambda result: result.other.totals.params - result.one.totals.params,
                start={"net": "vgg11", "other": "vgg11-lrn"},
            ),
            Reveal(of="normalised", text=_normalised),
            Ask(
                name="ones",
                text=lambda result: _(
                    "A unit of the last map of **{one}** sees {field} pixels a side. **{other}** has {more} more "
                    "convolutions, and {ones} of its convolutions have a **1×1** kernel. How far does a unit of its "
                    "last map see?"
                ).format(
                    one=result.titles[0],
                    other=result.titles[1],
                    field=result.one.field.size,
                    more=_convolutions(result.other) - _convolutions(result.one),
                    ones=_ones(result.other),
                ),
                options={
                    "further": _("Further: more layers see more"),
                    "same": _("Exactly as far"),
                    "less": _("Less far"),
                },
                answer=_sight,
                start={"net": "vgg13", "other": "vgg16-c"},
            ),
            Reveal(of="ones", text=_ones_and_field, controls=("other",)),
            Try(
                text=lambda result: _(
                    "These are all versions of the paper, from A to E. There, B was better than A, C better than B, "
                    "and D better than C: a convolution that only mixes channels helps, and one that looks at "
                    "neighbours helps more.\n\n"
                    "Now draw a network without large linear layers, such as a ResNet: where are its parameters? In "
                    "{name}, the linear layers have {share:.0%} of them."
                ).format(name=result.titles[0], share=_share(result.one, "params")),
                controls=("net", "colour"),
                start={"show": "versions", "net": "vgg16"},
            ),
        ),
    )


def _convolutions(analysis: Analysis) -> int:
    return sum(layer.kind == "Conv2d" for layer in analysis.layers)


def _amount(layer: Layer, measure: str) -> int:
    amount: int = getattr(layer, measure)
    return amount


def _most(analysis: Analysis, measure: str) -> list[Layer]:
    """Returns the layers with the largest amount, in their order: often several have equally much."""
    most = max(_amount(layer, measure) for layer in analysis.layers)
    return [layer for layer in analysis.layers if _amount(layer, measure) == most]


def _named(layers: list[Layer]) -> str:
    shown = [f"`{layer.name}`" for layer in layers[:MAX_NAMES]]
    return ", ".join(shown if len(layers) <= MAX_NAMES else [*shown, "…"])


def _place(analysis: Analysis, layer: Layer) -> str:
    linear = [one for one in analysis.layers if one.kind == "Linear"]
    if layer.kind == "Linear":
        return "last" if layer is linear[-1] and len(linear) > 1 else "linear"
    return "first" if layer is next(one for one in analysis.layers if one.params) else "conv"


def _share(analysis: Analysis, measure: str) -> float:
    """Returns the share of the linear layers."""
    of_linear = sum(_amount(layer, measure) for layer in analysis.layers if layer.kind == "Linear")
    return of_linear / sum(_amount(layer, measure) for layer in analysis.layers)


def _majority(share: float) -> str:
    return "linear" if share > 0.6 else "conv" if share < 0.4 else "same"


def _largest(result: Any) -> str:
    layer, *others = layers = _most(result.one, "params")
    if others:
        return _(
            "{count} layers have most parameters, **{params} each, {share:.0%} of {total}**: {names}. All linear "
            "layers together have {linear:.0%}."
        ).format(
            count=len(layers), params=short(layer.params), share=layer.params / result.one.totals.params,
            total=short(result.one.totals.params), names=_named(layers), linear=_share(result.one, "params"),
        )  # fmt: skip
    inputs, outputs = layer.input_shape, layer.output_shape
    return _(
        "`{name}` has **{params} parameters, {share:.0%} of {total}**. It is a {kind} layer with {inputs:,} inputs and "
        "{outputs:,} outputs, and its formula is {formula}. All linear layers together have {linear:.0%}."
    ).format(
        name=layer.name, params=short(layer.params), share=layer.params / result.one.totals.params,
        total=short(result.one.totals.params), kind=layer.kind, inputs=inputs[1], outputs=outputs[1],
        formula=layer.formulas.get("params", ""), linear=_share(result.one, "params"),
    )  # fmt: skip


def _work(result: Any) -> str:
    layers = _most(result.one, "macs")
    shares = _(
        "The linear layers have {params:.0%} of the parameters and do **{macs:.1%} of the multiplications**. A weight "
        "of a linear layer is used once for each image. A weight of a convolution is used at every place of the map."
    ).format(params=_share(result.one, "params"), macs=_share(result.one, "macs"))
    most = ngettext(
        "The layer with most work is {names}, with {most} MACs of {total}.",
        "{count} layers have most work, {most} MACs each of {total}: {names}.",
        len(layers),
    ).format(
        count=len(layers), names=_named(layers), most=short(layers[0].macs), total=short(result.one.totals.macs)
    )  # fmt: skip
    found = f"{shares} {most}"
    if _majority(_share(result.one, "params")) == _majority(_share(result.one, "macs")):
        return found
    meaning = _("So the layers that fill the memory are not the layers that take the time.")
    return f"{found} {meaning}"


def _compare(result: Any) -> str:
    one, other = result.one.totals.params, result.other.totals.params
    return "same" if one == other else "more" if other > one else "fewer"


def _head(result: Any) -> str:
    one, other = result.one.totals.params, result.other.totals.params
    found = _("**{other:,} against {one:,}**, a difference of {difference:,}.").format(
        one=one, other=other, difference=abs(other - one)
    )
    if other != one:
        meaning = _("So these are not two forms of one network.")
        return f"{found} {meaning}"
    meaning = _(
        "The weights of a linear layer on a map can be laid out as a kernel of the size of that map. It is the same "
        "sum. Only now the kernel can also slide, so a larger image gives a map of answers instead of one."
    )
    return f"{found} {meaning}"


def _growth(result: Any, measure: str) -> float:
    one, other = getattr(result.one.totals, measure), getattr(result.other.totals, measure)
    return float(other / one - 1)


def _grown(result: Any) -> str:
    params, macs = _growth(result, "params"), _growth(result, "macs")
    changed = _("From {one} to {other}: the parameters change by **{params}**, the multiplications by **{macs}**.")
    found = changed.format(
        one=short(result.one.totals.params), other=short(result.other.totals.params), params=change(params),
        macs=change(macs),
    )  # fmt: skip
    further = _("Compare with other versions.")
    if not params or abs(macs) < TWICE * abs(params):
        return f"{found} {further}"
    meaning = _("The convolutions that differ are cheap to store and expensive to compute.")
    return f"{found} {meaning} {further}"


def _normalised(result: Any) -> str:
    one, other = result.one.totals, result.other.totals
    return _(
        "**{difference:,}**: its formula has fixed numbers, so there is nothing to learn. The work goes from {one} to "
        "{other} FLOPs, and the memory of the maps from {kept} to {more}. The authors of VGG measured no gain from LRN "
        "and left it out of the deeper versions. Batch norm, which was published soon after, does learn: two numbers "
        "for each channel."
    ).format(
        difference=other.params - one.params, one=short(one.flops), other=short(other.flops),
        kept=bytes_short(one.activation_bytes), more=bytes_short(other.activation_bytes),
    )  # fmt: skip


def _ones(analysis: Analysis) -> int:
    return sum(layer.kind == "Conv2d" and layer.window.kernel == (1, 1) for layer in analysis.layers if layer.window)


def _sight(result: Any) -> str:
    one, other = result.one.field.size, result.other.field.size
    return "same" if one == other else "further" if other > one else "less"


def _ones_and_field(result: Any) -> str:
    price = _("The price is {params} parameters and {macs} multiplications.")
    if not _ones(result.other):
        meaning = _(
            "It has no 1×1 kernel: each of its kernels reads neighbours, and adds its side − 1 steps to the field."
        )
    elif _sight(result) == "same":
        meaning = _(
            "A 1×1 kernel adds 1 − 1 = 0 to the field: it mixes the channels of one place. What it adds is one more "
            "ReLU, so the network can compute more than sums. Compare with version D, which has 3×3 kernels at the "
            "same places."
        )
    else:
        meaning = _("A 1×1 kernel adds 1 − 1 = 0 to the field, so the difference comes from other layers.")
    found = _("**{other} pixels** a side, where {name} has {one}.").format(
        other=result.other.field.size, one=result.one.field.size, name=result.titles[0]
    )
    cost = price.format(params=change(_growth(result, "params")), macs=change(_growth(result, "macs")))
    return f"{found} {cost} {meaning}"
