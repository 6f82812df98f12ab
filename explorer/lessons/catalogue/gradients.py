"""Vanishing and exploding gradients. The result has ``view``, ``plain`` and ``residual``, which are gradient norms.

It has ``courses`` too, the gradients while both networks train.
"""

import math
from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.gradient_course import EPOCHS
from explorer.lessons.gradients import IMAGE, amount, signed
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say
from explorer.specs.activation import ACTIVATIONS
from explorer.training.gradient_norms import GradientNorms

STEADY = 30.0  # between 1/30 and 30 times as large counts as steady
TINY = 1e-5
NEARER = 0.8  # of the way, on a logarithmic scale: what is less has not helped
NEAR_ONE = 0.75, 1.33  # factors between them differ only a little from 1


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=6,
        title=_("Gradients vanish and explode"),
        question=_("Why do the first layers of a deep network learn nothing, or blow up?"),
        minutes=10,
        experiment="gradients",
        vignette=vignettes.vanishing,
        terms=(
            "gradient",
            "backpropagation",
            "gradient-norm",
            "vanishing-gradient",
            "exploding-gradient",
            "activation",
            "sigmoid",
            "tanh",
            "leaky-relu",
            "elu",
            "gelu",
            "silu",
            "initialisation",
            "clipping",
        ),
        links=(
            Link("architecture", _("The deepest of these plain networks"), {"net": "plain110"}),
            Link(
                "train",
                _("Train one with clipping: its run shows the gradient of each layer as it trains"),
                {"net": "resnet20", "clip_norm": "1.0"},
            ),
        ),
        papers=(
            Paper(
                _("Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"),
                "https://proceedings.mlr.press/v9/glorot10a.html",
            ),
            Paper(_("He et al. 2015, Delving deep into rectifiers, section 2.2"), "https://arxiv.org/abs/1502.01852"),
            Paper(_("Zhang et al. 2019, Fixup initialization, section 2"), "https://arxiv.org/abs/1901.09321"),
        ),
        steps=(
            Say(
                text=_(
                    "The **gradient** says how the loss changes if a number of the network changes a little. Training "
                    "needs it for every layer. It is computed from the end of the network backwards, and each layer "
                    "multiplies it by its own slopes. Many factors below 1 make it **vanish**, many factors above 1 "
                    "make it **explode**.\n\n"
                    "You will measure the gradient at the output of every layer, in networks with random weights: "
                    "this is what the first step of a training sees. All numbers are computed when you open the step."
                ),
                start={"depth": "8", "activation": "sigmoid", "norm": "false", "init": "he"},
            ),
            Ask(
                name="sigmoid",
                text=lambda result: _(
                    "A network with {depth} layers has this activation after each layer: **{activation}**. A sigmoid's "
                    "slope is at most 1/4, a ReLU's is 0 or 1. How much of the last layer's gradient arrives at the "
                    "first layer?"
                ).format(depth=result.view.depth, activation=_activation(result)),
                options={
                    "most": _("Most of it"),
                    "some": _("Between a tenth and a thousandth"),
                    "little": _("Between a thousandth and a hundred-thousandth"),
                    "none": _("Less than a hundred-thousandth"),
                },
                answer=lambda result: _amount(result.plain.ratio),
            ),
            Reveal(of="sigmoid", text=_sigmoid, controls=("activation",), numbers=False),
            Ask(
                name="norm",
                text=lambda result: _(
                    "Now a **plain** network, without shortcuts, has {depth} layers with the activation {activation}. "
                    "{norm} What happens to its gradient on the way from the last layer to the first?"
                ).format(
                    depth=result.view.depth,
                    activation=_activation(result),
                    norm=_("**Batch norm** follows each convolution: it brings every channel to mean 0 and variance 1.")
                    if result.view.norm
                    else _("It has no batch norm."),
                ),
                options={
                    "vanishes": _("It vanishes"),
                    "steady": _("It stays about the same"),
                    "explodes": _("It explodes"),
                },
                answer=lambda result: _change(result.plain.ratio),
                start={"depth": "56", "activation": "relu", "norm": "true"},
            ),
            Ask(
                name="shortcut",
                text=lambda result: _(
                    "The **residual** network has the same {depth} layers, and a shortcut around every two: H(x) = "
                    "F(x) + x. Here F is what the two layers compute. So the slope of such a block is H′ = F′ + 1. "
                    "What happens to the gradient of this network?"
                ).format(depth=result.view.depth),
                options={
                    "vanishes": _("It vanishes"),
                    "steady": _("It stays about the same"),
                    "explodes": _("It explodes: something is added at every block"),
                },
                answer=lambda result: _change(result.residual.ratio),
            ),
            Reveal(of="norm", text=_norm),
            Reveal(of="shortcut", text=_shortcut, controls=("depth", "norm")),
            Ask(
                name="training",
                text=lambda result: _(
                    "All this was the first step. Now both networks **learn digits** for {epochs} epochs, with "
                    "{depth} layers and the activation {activation}. {norm} What does the training do to the gradient "
                    "of the plain network's first layer?"
                ).format(
                    epochs=EPOCHS,
                    depth=result.view.depth,
                    activation=_activation(result),
                    norm=_("Batch norm follows each convolution.")
                    if result.view.norm
                    else _("They have no batch norm."),
                ),
                options={
                    "steady": _("At the end it is about as large as that of the last layer"),
                    "vanishes": _("At the end it is far smaller than that of the last layer"),
                    "explodes": _("At the end it is far larger than that of the last layer"),
                },
                answer=lambda result: _change(result.courses[0].ratio(-1)),
                start={"show": "training", "depth": "8", "activation": "sigmoid", "norm": "false"},
            ),
            Reveal(of="training", text=_training, controls=("depth", "activation", "init", "norm", "clip", "seed")),
            Ask(
                name="clip",
                text=lambda result: _(
                    "**Clipping** sets a largest length for the gradient of all weights together. If it is longer, it "
                    "is made shorter. The plain network of {depth} layers has a gradient of the length {total}, and "
                    "the limit is {limit:g}. What becomes of the first layer's gradient, compared with the last "
                    "layer's?"
                ).format(depth=result.view.depth, total=amount(result.plain.total), limit=result.view.clip),
                options={
                    "more": _("It gains: clipping takes from the layers that have most"),
                    "same": _("Nothing: both are made shorter by the same factor"),
                    "less": _("It loses: clipping takes the small numbers away first"),
                },
                answer=_clipped_share,
                start={"show": "start", "depth": "56", "activation": "relu", "norm": "true", "clip": "1"},
            ),
            Reveal(of="clip", text=_clip, controls=("depth", "activation", "init", "norm", "clip", "seed")),
        ),
    )


def _activation(result: Any) -> str:
    return ACTIVATIONS[result.view.activation].name


def _amount(ratio: float) -> str:
    return "most" if ratio > 0.1 else "some" if ratio > 1e-3 else "little" if ratio > TINY else "none"


def _change(ratio: float) -> str:
    return "vanishes" if ratio < 1 / STEADY else "steady" if ratio <= STEADY else "explodes"


def _sigmoid(result: Any) -> str:
    return _(
        "**{plain}** of the last layer's gradient arrives at the first layer. The second line is a network with the "
        "same {depth} layers and with shortcuts, which come later in this lesson: {residual}. In each layer, the "
        "gradient is multiplied by the slopes of the activation and by the weights. Choose another activation: which "
        "ones keep the gradient alive?"
    ).format(plain=amount(result.plain.ratio), residual=amount(result.residual.ratio), depth=result.view.depth)


def _norm(result: Any) -> str:
    ratio, depth = result.plain.ratio, result.view.depth
    each = ratio ** (1 / depth)
    if _change(ratio) == "steady":
        meaning = _("A factor so near to 1 does little over {depth} layers.").format(depth=depth)
    elif NEAR_ONE[0] < each < NEAR_ONE[1]:
        meaning = _("A factor that differs only a little from 1 does much if it is applied so often.")
    else:
        meaning = _("A factor so far from 1 needs only a few layers.")
    if result.view.norm and _change(ratio) != "steady":
        batch_norm = _("Batch norm keeps the *maps* in range, layer by layer. It does not do the same for gradients.")
        meaning = f"{meaning} {batch_norm}"
    return _(
        "It is multiplied by **{ratio}** over {depth} layers, as if each layer multiplied it by {each:.3f}. {meaning}"
    ).format(ratio=amount(ratio), depth=depth, each=each, meaning=meaning)


def _shortcut(result: Any) -> str:
    plain, residual = result.plain.ratio, result.residual.ratio
    if _distance(residual) < NEARER * _distance(plain):
        meaning = _("The gradient has a way back on which no weight multiplies it: the 1 in H′ = F′ + 1.")
    else:
        meaning = _("With these settings, the shortcuts do not keep the gradient nearer to its size.")
    if result.view.norm:
        further = _("Now switch batch norm off, and choose other depths. Do the shortcuts do without it?")
    elif _change(residual) == "explodes":
        further = _(
            "Without batch norm, the sums make the maps grow with every block, and the gradient with them. So "
            "shortcuts and batch norm belong together."
        )
    else:
        further = _("Without batch norm, nothing keeps the maps in range. Choose more layers, then switch it on again.")
    found = _(
        "It is multiplied by **{residual}**, and by {plain} without shortcuts. {meaning} Change the input of "
        "the block in the middle a little, in a random direction: there F′ is {inner}, and H′ is {outer}."
    ).format(
        residual=amount(residual), plain=amount(plain), inner=signed(result.slope.inner),
        outer=signed(result.slope.outer), meaning=meaning,
    )  # fmt: skip
    return f"{found}\n\n{further}"


def _distance(ratio: float) -> float:
    """Returns how far a gradient is from keeping its size, whether it shrinks or grows."""
    return abs(math.log(ratio)) if ratio > 0 else math.inf


def _training(result: Any) -> str:
    plain, residual = result.courses
    meaning = {
        "vanishes": _(
            "A layer that gets no gradient keeps the weights with which it began. So what makes the gradient vanish "
            "stays as it is."
        ),
        "steady": _("Enough of the gradient arrives, so that each step moves all layers."),
        "explodes": _("No learning rate suits all its layers: a small step for one is a leap for another."),
    }[_change(plain.ratio(-1))]
    return _(
        "At the first step of the plain network, the gradient of the first layer is **{before} times** that of the "
        "last layer. At step {steps} it is **{after} times**. {meaning} This network gets {right:.1%} of its training "
        "images right, and the residual one {other:.1%}; guessing would reach {chance:.0%}.\n\n"
        "Choose another activation, a deeper network, or batch norm, and train again. Which networks learn?"
    ).format(
        before=amount(plain.ratio(0)), after=amount(plain.ratio(-1)), steps=max(plain.norms), meaning=meaning,
        right=plain.right, other=residual.right, chance=1 / IMAGE["num_classes"],
    )  # fmt: skip


def _share(gradients: GradientNorms) -> float:
    """Returns the norm of the first layer's gradient divided by that of the last one's."""
    first, last = gradients.main[0].gradient, gradients.main[-1].gradient
    return first / last if last else 0.0


def _clipped_share(result: Any) -> str:
    before, after = _share(result.plain), _share(result.plain.clipped(result.view.clip))
    if math.isclose(before, after, rel_tol=0.01):
        return "same"
    return "more" if after > before else "less"


def _clip(result: Any) -> str:
    clipped = result.plain.clipped(result.view.clip)
    if result.plain.total > result.view.clip:
        found = _(
            "Its length goes from {total} to **{clipped}**, and the weights of the first layer have **{share} times** "
            "the gradient of the last layer's, as they had {before} times before. Clipping makes the step safe. It "
            "does not change how the gradient is shared among the layers."
        )
    else:
        found = _(
            "Its length is **{total}**, which is less than the limit {limit:g}, so it stays as it is. The weights of "
            "the first layer have **{share} times** the gradient of the last layer's."
        )
    if _change(result.plain.ratio) == "steady":
        further = _(
            "With these settings, the gradient of the plain network of {depth} layers neither vanishes nor explodes. "
            "Does that hold for more layers too?"
        )
    else:
        further = _(
            "Can you find settings with which the gradient of the plain network of {depth} layers neither vanishes nor "
            "explodes?"
        )
    return f"{found}\n\n{further}".format(
        total=amount(result.plain.total), clipped=amount(clipped.total), share=amount(_share(clipped)),
        before=amount(_share(result.plain)), depth=result.view.depth, limit=result.view.clip,
    )  # fmt: skip
