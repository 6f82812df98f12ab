"""The receptive field. The result is a list of :class:`explorer.analysis.layer_list.Layer`."""

from collections.abc import Sequence

from explorer.analysis.layer_list import Layer, format_layers, from_cfg
from explorer.analysis.recursion import backward, forward
from explorer.families import PRESETS
from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try

VGG = PRESETS["vgg16"].spec
IMAGE = VGG.sides.height  # pixels a side


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=3,
        title=_("How far a unit sees"),
        question=_("Which part of the image can one unit depend on?"),
        minutes=7,
        experiment="field",
        vignette=vignettes.receptive_fields,
        terms=("receptive-field", "effective-stride", "effective-padding", "unit", "dilation"),
        links=(
            Link("architecture", _("The field of every layer of a network"), {"net": "vgg16", "colour": "field"}),
            Link("predict", _("The field of a unit on a photograph"), {"image": "cat"}),
        ),
        papers=(
            Paper(
                _("Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks"),
                "https://distill.pub/2019/computing-receptive-fields",
            ),
            Paper(
                _("Luo et al. 2016, Understanding the effective receptive field"), "https://arxiv.org/abs/1701.04128"
            ),
        ),
        steps=(
            Say(
                text=_(
                    "A unit is one number of a map. The pixels that can change it are its **receptive field**. If an "
                    "object is larger than the field, no unit can see it as a whole.\n\n"
                    "You can compute the field backwards. Start with one unit. A layer with kernel K and stride S "
                    "turns a field of F units into (F − 1)·S + K units of the map before it."
                ),
                start={"layers": "3, 3"},
            ),
            Try(
                text=lambda result: _(
                    "The layers are {layers}. Follow the rows of the figure from the unit down to the image."
                ).format(layers=_names(result)),
                numbers=False,
            ),
            Ask(
                name="pooled",
                text=lambda result: _(
                    "Now a pool stands between the two: {layers}. How many pixels a side does a unit see?"
                ).format(layers=_names(result)),
                unit=_("pixels"),
                answer=_size,
                start={"layers": "3, pool 2, 3"},
            ),
            Reveal(of="pooled", text=_pooled),
            Ask(
                name="order",
                text=lambda result: _(
                    "Take two layers, {layers}. Does it matter for the field which of the two comes first?"
                ).format(layers=_names(result)),
                options={
                    "first": _("The field is larger the other way round"),
                    "last": _("The field is larger in this order"),
                    "same": _("The field is the same"),
                },
                answer=_order,
                start={"layers": "3/2, pool 2"},
            ),
            Reveal(of="order", text=_ordered),
            Ask(
                name="share",
                text=lambda result: _(
                    "VGG-16 begins with {convolutions} convolutions and {pools} pools, and its images have {image} "
                    "pixels a side. How much of the image does a unit of the last map see?"
                ).format(convolutions=_count(result, "conv"), pools=_count(result, "pool"), image=IMAGE),
                options={
                    "tenth": _("About a tenth of the side"),
                    "half": _("About half of the side"),
                    "most": _("Nearly the whole side"),
                    "more": _("More than the image has"),
                },
                answer=lambda result: _of_image(_size(result)),
                start={"layers": format_layers(from_cfg(VGG.structure()))},
            ),
            Reveal(of="share", text=_vgg),
            Try(
                text=lambda result: _(
                    "Type layers of your own. Here a unit sees **{size:,} pixels**, and its neighbour sees as many, "
                    "{stride:,} pixels further. Which is the shortest list that sees all of an image of 32 pixels?"
                ).format(size=_size(result), stride=forward(result)[-1].stride),
                controls=("layers",),
                start={"layers": "3, 3, pool 2, 3, 3"},
            ),
        ),
    )


def _names(layers: Sequence[Layer]) -> str:
    return ", ".join(layer.name for layer in layers)


def _count(layers: Sequence[Layer], kind: str) -> int:
    return sum(layer.kind == kind for layer in layers)


def _size(layers: Sequence[Layer]) -> int:
    return forward(layers)[-1].size


def _pooled(layers: Sequence[Layer]) -> str:
    steps = "; ".join(f"{step.layer.name}: {step.formula}" for step in backward(layers))
    return _(
        "**{size} pixels.** Backwards: {steps}. Behind the pool, the units lie {stride} pixels apart, so everything "
        "that comes after it counts {stride} times."
    ).format(size=_size(layers), steps=steps, stride=forward(layers)[-1].stride)


def _order(layers: Sequence[Layer]) -> str:
    one, other = _size(layers), _size(list(reversed(layers)))
    return "same" if one == other else "last" if one > other else "first"


def _ordered(layers: Sequence[Layer]) -> str:
    other = list(reversed(layers))
    return _(
        "As asked, {one} see **{size}** pixels. The other way round, {two} see **{reverse}**. Each layer adds "
        "kernel − 1 steps, and a step is as long as the strides before it make it. So a large kernel adds more if "
        "it comes late."
    ).format(
        one=", ".join(layer.name for layer in layers), size=_size(layers), two=", ".join(layer.name for layer in other),
        reverse=_size(other),
    )  # fmt: skip


def _of_image(size: int) -> str:
    share = size / IMAGE
    return "more" if share > 1 else "most" if share > 0.75 else "half" if share > 0.25 else "tenth"


def _vgg(layers: Sequence[Layer]) -> str:
    last = forward(layers)[-1]
    return _(
        "**{size} pixels**, {share:.0%} of the side. At the border of the image, the field hangs over the edge by up "
        "to {padding} pixels, where there is nothing but padding. The theory says which pixels *can* change the unit, "
        "and not how much: the pixels in the middle have many more ways to it than those at the edge."
    ).format(size=last.size, share=last.size / IMAGE, padding=last.padding)
