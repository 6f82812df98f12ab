"""The receptive field. The result has ``layers`` (:mod:`explorer.analysis.layer_list`) and ``reach``."""

from collections.abc import Sequence
from typing import Any

from explorer.analysis.effective_field import THRESHOLD
from explorer.analysis.layer_list import Layer, format_layers, from_cfg
from explorer.analysis.recursion import backward, forward
from explorer.families import PRESETS
from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try
from explorer.lessons.reach import Reach

VGG = PRESETS["vgg16"].spec
IMAGE = VGG.sides.height  # pixels a side
SMALL = PRESETS["vgg16-cifar10"].spec.sides.height
MOST, FEW = 0.75, 0.4  # shares of the theoretical field
LIKE_A_GAUSSIAN = 0.5  # share of the differences that a Gaussian explains, so that the field looks like one
ALIKE = 0.1  # relative difference up to which two numbers of pixels count as equal


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=3,
        title=_("How far a unit sees"),
        question=_("Which part of the image can one unit depend on?"),
        minutes=10,
        experiment="reach",
        vignette=vignettes.receptive_fields,
        terms=(
            "receptive-field",
            "effective-field",
            "effective-stride",
            "effective-padding",
            "unit",
            "dilation",
        ),
        links=(
            Link("architecture", _("The field of every layer of a network"), {"net": "vgg16", "colour": "field"}),
            Link(
                "predict",
                _("The effective field of any network, layer and photograph"),
                {"weights": "resnet20-cifar10", "image": "cat", "why": "reach"},
            ),
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
                    "The output of a layer is a stack of **maps**. A **unit** is one number of a map. The pixels that "
                    "can change it are its **receptive field**. If an object is larger than the field, the unit can't "
                    "see it as a whole.\n\n"
                    "You can compute the field backwards. Start with one unit. A layer with kernel K and stride S "
                    "turns a field of F units a side into (F − 1)·S + K units a side of the map before it."
                ),
                start={"show": "stack", "layers": "3, 3"},
            ),
            Try(
                text=lambda result: _(
                    "The layers are {layers}. Each row of the figure is a map. Follow the rows from the unit down to "
                    "the image."
                ).format(layers=_names(result.layers)),
                numbers=False,
            ),
            Ask(
                name="pooled",
                text=lambda result: _(
                    "Now a pool stands between the two: {layers}. (The number after a slash is the stride. Without "
                    "one, the stride is 1.) How many pixels a side does a unit see?"
                ).format(layers=_names(result.layers)),
                unit=_("pixels"),
                answer=lambda result: _size(result.layers),
                start={"layers": "3, pool 2, 3"},
            ),
            Reveal(of="pooled", text=_pooled),
            Ask(
                name="order",
                text=lambda result: _(
                    "Take two layers, {layers}. Does it matter for the field which of the two comes first?"
                ).format(layers=_names(result.layers)),
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
                ).format(convolutions=_count(result.layers, "conv"), pools=_count(result.layers, "pool"), image=IMAGE),
                options={
                    "tenth": _("About a tenth of the side"),
                    "half": _("About half of the side"),
                    "most": _("Nearly the whole side"),
                    "more": _("More than the image has"),
                },
                answer=lambda result: _of_image(_size(result.layers)),
                start={"layers": format_layers(from_cfg(VGG.structure()))},
            ),
            Reveal(of="share", text=_vgg),
            Ask(
                name="enough",
                text=lambda result: _(
                    "Many people use the same {all} layers for small images of {side} pixels a side. After how many of "
                    "the layers is the field as large as such an image?"
                ).format(all=len(result.layers), side=SMALL),
                unit=_("layers"),
                answer=lambda result: _enough(result.layers, SMALL),
            ),
            Reveal(of="enough", text=_nothing_new),
            Ask(
                name="effective",
                text=lambda result: _(
                    "So far you know which pixels **can** change a unit. Now ask **how much** each of them changes it. "
                    "The **gradient** tells: it says how far the unit moves if a pixel changes a little. A pixel is "
                    "*effective* if it moves the unit at least {threshold:.0%} as far as the strongest pixel does.\n\n"
                    "The unit is in the middle of the layer `{layer}` of a trained ResNet-20, and its field has {seen} "
                    "pixels inside the image. How many of them are effective?"
                ).format(threshold=THRESHOLD, layer=result.view.layer, seen=result.reach.seen),
                options={
                    "most": _("Nearly all"),
                    "half": _("About half"),
                    "few": _("Clearly fewer than half"),
                },
                answer=lambda result: _part(result.reach.trained.pixels / result.reach.seen),
                start={"show": "effective"},
            ),
            Ask(
                name="training",
                text=_(
                    "The same layer **before training** has random weights. How does training change the number of "
                    "effective pixels?"
                ),
                options={
                    "more": _("It becomes larger"),
                    "same": _("It stays about the same"),
                    "fewer": _("It becomes smaller"),
                },
                answer=_trained,
            ),
            Reveal(of="effective", text=_effective),
            Reveal(of="training", text=_before_and_after, controls=("image", "layer")),
            Try(
                text=lambda result: _(
                    "Type layers of your own. Here a unit sees **{size:,} pixels** a side, and the field of its "
                    "neighbour lies {stride:,} pixels further. What is the shortest list that sees all of an image of "
                    "{side} pixels a side?"
                ).format(size=_size(result.layers), stride=forward(result.layers)[-1].stride, side=SMALL),
                controls=("layers",),
                start={"show": "stack", "layers": "3, 3, pool 2, 3, 3"},
            ),
        ),
    )


def _names(layers: Sequence[Layer]) -> str:
    return ", ".join(layer.name for layer in layers)


def _count(layers: Sequence[Layer], kind: str) -> int:
    return sum(layer.kind == kind for layer in layers)


def _size(layers: Sequence[Layer]) -> int:
    return forward(layers)[-1].size


def _pooled(result: Any) -> str:
    layers = result.layers
    steps = "; ".join(f"{step.layer.name}: {step.formula}" for step in backward(layers))
    stride = forward(layers)[-1].stride
    meaning = (
        _(
            "Behind a layer with a stride, neighbouring units lie further apart on the image, here {stride} pixels. So "
            "each cell of a later kernel reaches {stride} pixels further."
        )
        if stride > 1
        else _("No layer has a stride, so neighbouring units lie one pixel apart, and each kernel adds its side − 1.")
    )
    return _("**{size} pixels.** Backwards: {steps}. {meaning}").format(
        size=_size(layers), steps=steps, meaning=meaning.format(stride=stride)
    )


def _order(result: Any) -> str:
    one, other = _size(result.layers), _size(list(reversed(result.layers)))
    return "same" if one == other else "last" if one > other else "first"


def _ordered(result: Any) -> str:
    layers = result.layers
    other = list(reversed(layers))
    return _(
        "A unit behind {one} sees **{size}** pixels a side. The other way round, behind {two}, it sees **{reverse}**. "
        "Each layer adds K − 1 steps to the field, for a kernel K. A step is as long as the strides before it, "
        "multiplied. So a large kernel adds more if it comes late."
    ).format(one=_names(layers), size=_size(layers), two=_names(other), reverse=_size(other))


def _of_image(size: int) -> str:
    share = size / IMAGE
    return "more" if share > 1 else "most" if share > 0.75 else "half" if share > 0.25 else "tenth"


def _vgg(result: Any) -> str:
    last = forward(result.layers)[-1]
    inside = max(last.size - last.padding, 0) / last.size
    found = _("**{size} pixels** a side, where the image has {image}: {share:.0%}.").format(
        size=last.size, image=IMAGE, share=last.size / IMAGE
    )
    border = (
        _(
            "At the border, the field hangs over the edge by up to {padding} pixels, where there is only padding. For "
            "the unit in the corner of the map, **{outside:.0%}** of the field is padding."
        )
        if last.padding > 0
        else _("None of these layers has padding, so no field hangs over the edge of the image.")
    )
    return f"{found} {border.format(padding=last.padding, outside=1 - inside**2)}"


def _enough(layers: Sequence[Layer], side: int) -> int:
    """Returns after how many layers the field is as large as an image; all of them if it never is."""
    sizes = [step.size for step in forward(layers)]
    return next((place for place, size in enumerate(sizes) if size >= side), len(layers))


def _nothing_new(result: Any) -> str:
    layers = result.layers
    count = _enough(layers, SMALL)
    step = forward(layers)[count]
    if step.size < SMALL:
        return _(
            "Not even after all **{all}**: the field has {size} pixels a side, and the image has {image}. Each of "
            "these layers still sees something new."
        ).format(all=len(layers), size=step.size, image=SMALL)
    return _(
        "After **{count} of {all}** layers, the field has {size} pixels a side. For units in the middle, the {rest} "
        "layers after them add nothing but padding to the field. They still compute new combinations of what has been "
        "seen, but they see nothing new."
    ).format(
        count=count, all=len(layers), size=step.size, rest=len(layers) - count,
    )  # fmt: skip


def _part(share: float) -> str:
    return "most" if share > MOST else "half" if share > FEW else "few"


def _trained(result: Any) -> str:
    before, after = result.reach.random.pixels, result.reach.trained.pixels
    if abs(after - before) <= ALIKE * max(before, after):
        return "same"
    return "more" if after > before else "fewer"


def _effective(result: Any) -> str:
    found = result.reach
    counted = _("**{pixels} of {seen} pixels**, {share:.0%}.").format(
        pixels=found.trained.pixels, seen=found.seen, share=found.trained.pixels / found.seen
    )
    if _part(found.trained.pixels / found.seen) == "most" or found.trained.fit is None:
        reason = _(
            "So few layers are between the image and this unit that the pixels at the edge of its field count like "
            "those in the middle. Behind more layers, that changes."
        )
        return f"{counted} {reason}"
    reason = _(
        "A pixel in the middle has many ways to the unit, through every kernel of every layer. A pixel in the corner "
        "of the field has only one. If all ways counted alike, the field would be strong in the middle and fade like a "
        "**Gaussian**. The ellipse shows the one that fits best. It explains {share:.0%} of the differences between "
        "pixels. {meaning}"
    ).format(
        share=found.trained.fit.r2,
        meaning=_("So this is roughly what the field looks like.")
        if found.trained.fit.r2 > LIKE_A_GAUSSIAN
        else _("So the field is not such a spot: this unit follows what is in the picture."),
    )
    return f"{counted} {reason}"


def _before_and_after(result: Any) -> str:
    found = result.reach
    return _(
        "**{before} pixels** with random weights, **{after}** after training. {gaussian}Choose other layers, and other "
        "pictures or your own: in which layers does training change the field most?"
    ).format(before=found.random.pixels, after=found.trained.pixels, gaussian=_widths(found))


def _widths(found: Reach) -> str:
    before, after = found.random.fit, found.trained.fit
    if before is None or after is None:
        return ""
    return _(
        "The standard deviation of the fitted Gaussian goes from {before:.1f} to {after:.1f} pixels (mean of rows and "
        "columns). "
    ).format(before=sum(before.sigma) / 2, after=sum(after.sigma) / 2)
