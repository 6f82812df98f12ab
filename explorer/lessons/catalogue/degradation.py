"""Deep plain and residual networks. The result has ``variants``, ``params``, ``trained`` and ``view``."""

from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=7,
        title=_("Degradation"),
        question=_("Why can't we make a network better by simply adding layers?"),
        minutes=9,
        experiment="trainings",
        vignette=vignettes.residual_blocks,
        terms=("layer", "gradient", "stage"),
        links=(
            Link("compare", _("Plain and residual networks of the paper"), {"a": "plain56", "b": "resnet56"}),
            Link("kernels", _("The two kinds of residual blocks"), {"show": "blocks"}),
            Link("train", _("Train a residual network yourself"), {"net": "resnet20", "recipe": "r1"}),
        ),
        papers=(
            Paper(
                _("He et al. 2016, Deep residual learning, section 4.2, figure 6"), "https://arxiv.org/abs/1512.03385"
            ),
        ),
        steps=(
            Say(
                text=_(
                    "Take a network that works, and add layers. The deeper network can do everything that the shallow "
                    "one does: its new layers would only have to copy their input. So it should be at least as good "
                    "**on the images that it is trained on**.\n\n"
                    "Four networks will learn the bundled digits: a shallow and a deep *plain* one, and the same two "
                    "with *shortcuts*. All have batch norm."
                ),
                start={"compare": "depth", "epochs": "8", "rate": "0.1"},
            ),
            Ask(
                name="deep",
                text=lambda result: _(
                    "The two plain networks have {shallow:,} and {deep:,} parameters. Which one does better on its "
                    "training images?"
                ).format(shallow=result.params[0], deep=result.params[1]),
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
                    "A **residual** network has a shortcut around every two layers: y = F(x) + x. The shortcut has no "
                    "parameters. How well does the deep residual network do on its training images?"
                ),
                options={
                    "worse": _("Like the deep plain one: it has the same layers"),
                    "better": _("Clearly better than the deep plain one"),
                },
                answer=lambda result: "better" if _training(result)[3] > _training(result)[1] + 0.05 else "worse",
            ),
            Reveal(of="deep", text=_deep),
            Reveal(of="residual", text=_residual),
            Try(
                text=_(
                    "Give the deep plain network more epochs, or a smaller learning rate. Does it catch up? The "
                    "shallow networks tell you whether the images are the problem."
                ),
                controls=("epochs", "rate", "seed"),
            ),
        ),
    )


def _training(result: Any) -> list[float]:
    return [row.training[-1][1] for row in result.trained]


def _ahead(shallow: float, deep: float) -> str:
    return "same" if abs(shallow - deep) < 0.02 else "shallow" if shallow > deep else "deep"


def _deep(result: Any) -> str:
    shallow, deep = _training(result)[:2]
    names = [variant.name for variant in result.variants]
    return _(
        "{one}: **{shallow:.1%}** of the training images. {two}: **{deep:.1%}**. Guessing would reach {chance:.0%}. "
        "This is not overfitting, because these are the images that the networks have learned from. The deep network "
        "*could* copy what the shallow one does, but the training does not find this solution. He et al. call it "
        "**degradation**."
    ).format(
        one=names[0], two=names[1], shallow=shallow, deep=deep, chance=1 / result.variants[0].spec.num_classes
    )  # fmt: skip


def _residual(result: Any) -> str:
    deep, residual = _training(result)[1], _training(result)[3]
    return _(
        "**{residual:.1%}** with shortcuts, {deep:.1%} without, with the same {params:,} parameters. Without a "
        "shortcut, a block must learn to copy its input. With one, it copies by doing nothing. And the gradient of "
        "y = F(x) + x is F′ + 1: however small F′ becomes, the 1 carries the gradient to the layers before."
    ).format(residual=residual, deep=deep, params=result.params[3])
