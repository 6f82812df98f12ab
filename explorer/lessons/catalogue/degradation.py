"""Deep plain and residual networks. The result has ``variants``, ``params``, ``trained`` and ``view``."""

from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try
from explorer.lessons.trainings import RECORDING

CLOSE = 0.02  # accuracies that differ by less are about equal
CLEAR = 0.05  # a difference that is more than luck


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=7,
        title=_("Degradation"),
        question=_("Why can't we make a network better by simply adding layers?"),
        minutes=9,
        experiment="trainings",
        vignette=vignettes.residual_blocks,
        terms=(
            "layer",
            "stage",
            "plain",
            "degradation",
            "identity",
            "shortcut",
            "residual-block",
            "basic-block",
            "projection",
            "shortcut-a",
            "shortcut-b",
            "shortcut-c",
            "bottleneck",
            "stride-placement",
            "dense-block",
            "growth-rate",
            "transition",
            "compression",
            "dense-bottleneck",
        ),
        links=(
            Link("compare", _("Plain and residual networks of the paper"), {"a": "plain56", "b": "resnet56"}),
            Link("kernels", _("The two kinds of residual blocks"), {"show": "blocks"}),
            Link("architecture", _("DenseNet: every layer reads all layers before it"), {"net": "densenet121"}),
            Link("train", _("Train a residual network yourself"), {"net": "resnet20", "recipe": "r1"}),
        ),
        papers=(
            Paper(
                _("He et al. 2016, Deep residual learning, section 4.2, figure 6"), "https://arxiv.org/abs/1512.03385"
            ),
            Paper(_("He et al. 2016, Identity mappings in deep residual networks"), "https://arxiv.org/abs/1603.05027"),
            Paper(_("Huang et al. 2017, Densely connected convolutional networks"), "https://arxiv.org/abs/1608.06993"),
        ),
        steps=(
            Say(
                text=lambda result: _(
                    "Take a network that works, and add layers. The deeper network can do everything that the shallow "
                    "one does: its new layers would only have to copy their input. So it should be at least as good "
                    "**on the images that it is trained on**.\n\n"
                    "You will compare {count} networks that learn the bundled digits: a shallow and a deep *plain* "
                    "one, and the same two with *shortcuts*. All have batch norm."
                ).format(count=len(result.variants)),
                start={
                    "compare": "recorded",
                    "epochs": str(RECORDING.epochs),
                    "rate": str(RECORDING.rate),
                    "seed": str(RECORDING.seed),
                },
            ),
            Ask(
                name="deep",
                text=lambda result: _(
                    "{one}: {shallow:,} parameters. {two}: {deep:,} parameters. Which of these networks does better on "
                    "its training images?"
                ).format(one=_name(result, 0), two=_name(result, 1), shallow=result.params[0], deep=result.params[1]),
                options={
                    "deep": _("The deep one: it has more parameters"),
                    "same": _("About the same: both can learn all of these few images"),
                    "shallow": _("The shallow one"),
                },
                answer=lambda result: _ahead(_training(result)[0], _training(result)[1]),
            ),
            Ask(
                name="residual",
                text=_(
                    "A **residual** network has a shortcut around every two layers: y = F(x) + x. Here F is what the "
                    "two layers compute, and the shortcut adds their input x. It has no parameters. How well does the "
                    "deep residual network do on its training images?"
                ),
                options={
                    "worse": _("Like the deep plain one: it has the same layers"),
                    "better": _("Clearly better than the deep plain one"),
                },
                answer=lambda result: "better" if _training(result)[3] > _training(result)[1] + CLEAR else "worse",
            ),
            Reveal(of="deep", text=_deep),
            Reveal(of="residual", text=_residual),
            Ask(
                name="options",
                text=_(
                    "Where a new stage begins, F(x) has half as many rows and columns as x and twice as many channels. "
                    "So they can't be added. There are three options:\n\n"
                    "- **A** skips every other pixel of x and adds channels of zeros.\n"
                    "- **B** uses a 1×1 convolution at these places, which must be learned.\n"
                    "- **C** uses a 1×1 convolution in every shortcut.\n\n"
                    "In the deep network, which one does **worst** on held-out images, from which it has not learned?"
                ),
                options={
                    "A": _("A: the skipped pixels are lost"),
                    "B": _("B: some shortcuts must be learned, others not"),
                    "C": _("C: no shortcut hands x on unchanged"),
                    "same": _("None of them is clearly the last"),
                },
                answer=_worst,
                start={"compare": "options"},
            ),
            Reveal(of="options", text=_options),
            Try(
                text=_(
                    "Now train networks yourself. Give the deep plain network more epochs, or a smaller learning "
                    "rate: does it catch up? If the shallow networks learn these images, the images are not what stops "
                    "the deep ones.\n\n"
                    "A **DenseNet** takes the idea further: it does not add the input of a block, it hands all earlier "
                    "maps on, one on top of the other."
                ),
                controls=("epochs", "rate", "seed"),
                start={"compare": "depth", "epochs": "8", "rate": "0.1"},
            ),
        ),
    )


def _name(result: Any, place: int) -> str:
    return str(result.variants[place].name)


def _training(result: Any) -> list[float]:
    return [row.training[-1][1] for row in result.trained]


def _ahead(shallow: float, deep: float) -> str:
    return "same" if abs(shallow - deep) < CLOSE else "shallow" if shallow > deep else "deep"


def _deep(result: Any) -> str:
    shallow, deep = _training(result)[:2]
    if _ahead(shallow, deep) == "shallow":
        meaning = _(
            "This is not overfitting, because these are the images that the networks have learned from. The deep "
            "network *could* copy what the shallow one does, but the training does not find this solution. He et al. "
            "call it **degradation**."
        )
    else:
        meaning = _("With these settings, the deep network is no worse: there is no **degradation** to be seen.")
    return _(
        "{one}: **{shallow:.1%}** of the training images. {two}: **{deep:.1%}**. Guessing would reach {chance:.0%}. "
        "{meaning}"
    ).format(meaning=meaning,
        one=_name(result, 0), two=_name(result, 1), shallow=shallow, deep=deep,
        chance=1 / result.variants[0].spec.num_classes
    )  # fmt: skip


def _residual(result: Any) -> str:
    deep, residual = _training(result)[1], _training(result)[3]
    found = _("**{residual:.1%}** with shortcuts, {deep:.1%} without, with the same {params:,} parameters.").format(
        residual=residual, deep=deep, params=result.params[3]
    )
    if residual <= deep + CLEAR:
        reason = _("So with these settings, the shortcuts do not help clearly.")
        return f"{found} {reason}"
    reason = _(
        "Without a shortcut, a block must learn to copy its input. With one, it copies by doing nothing. And the "
        "gradient of y = F(x) + x is F′ + 1: however small F′ becomes, the 1 carries the gradient to the layers before."
    )
    return f"{found} {reason}"


def _worst(result: Any) -> str:
    shares: dict[str, float] = {row.variant.spec.shortcut: row.validation[-1][1] for row in result.trained}
    worst, following, *_others = sorted(shares, key=shares.__getitem__)
    return worst if shares[following] - shares[worst] > CLEAR else "same"


def _options(result: Any) -> str:
    listed = ", ".join(
        _("{option}: **{share:.1%}** with {params:,} parameters").format(
            option=row.variant.spec.shortcut, share=row.validation[-1][1], params=row.params
        )
        for row in result.trained
    )
    worst = _worst(result)
    if worst == "C":
        reason = _(
            "**C** is clearly behind. None of its shortcuts hands x on unchanged, so the gradient must pass a 1×1 "
            "convolution at every block. He et al. saw the same in a very deep network (Identity mappings, section 3)."
        )
    elif worst == "same":
        reason = _("None is clearly behind: each of them has a way around the layers. A plain network has no such way.")
    else:
        reason = _("**{option}** is clearly behind in this run.").format(option=worst)
    return _(
        "On held-out images, {listed}. {reason}\n\nThese are single trainings: with another seed, the order of close "
        "results can change. In less deep networks, on ImageNet, He et al. found C a little better than B, and B a "
        "little better than A. They took B, because C costs more."
    ).format(listed=listed, reason=reason)
