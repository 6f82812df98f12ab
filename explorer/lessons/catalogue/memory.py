"""Random labels. The result has ``variants``, ``params``, ``trained`` and ``view``."""

from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try

CLOSE = 0.05  # distance from chance or from all that still counts as it


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=11,
        title=_("Memory is not understanding"),
        question=_("Can a network learn images whose labels are wrong?"),
        minutes=7,
        experiment="trainings",
        vignette=vignettes.memory,
        terms=("random-labels", "overfitting", "underfitting", "validation", "epoch", "weight-decay"),
        links=(
            Link(
                "train",
                _("Train with random labels yourself"),
                {"net": "digits-cnn", "recipe": "quick", "random_labels": "1"},
            ),
        ),
        papers=(
            Paper(
                _("Zhang et al. 2017, Understanding deep learning requires rethinking generalization"),
                "https://arxiv.org/abs/1611.03530",
            ),
            Paper(
                _("Arpit et al. 2017, A closer look at memorization in deep networks"),
                "https://arxiv.org/abs/1706.05394",
            ),
        ),
        steps=(
            Say(
                text=lambda result: _(
                    "A network with {params:,} parameters learns handwritten digits. It is trained {times} times: with "
                    "the **true labels**, with {share:.0%} of the labels **replaced by random ones**, and with **all "
                    "labels random**. In the last case, the label of an image has nothing to do with the image. The "
                    "test images always have their true labels."
                ).format(
                    params=result.params[0], times=len(result.variants), share=result.variants[1].recipe.random_labels
                ),
                start={"compare": "labels", "epochs": "30", "rate": "0.003"},
            ),
            Ask(
                name="training",
                text=_("All labels are random. How many of its **training images** does the network get right?"),
                options={
                    "chance": _("About as many as by guessing, because nothing connects images and labels"),
                    "some": _("More than by guessing, but far from all"),
                    "all": _("All, or nearly all"),
                },
                answer=lambda result: _level(_training(result)[2], result),
            ),
            Ask(
                name="test",
                text=_("And how many of the **test images**?"),
                options={
                    "chance": _("About as many as by guessing"),
                    "some": _("More than by guessing, but far from all"),
                    "all": _("All, or nearly all"),
                },
                answer=lambda result: _level(_test(result)[2], result),
            ),
            Ask(
                name="half",
                text=lambda result: _(
                    "Now {share:.0%} of the labels are random. How many of the **test images** does the network get "
                    "right?"
                ).format(share=result.variants[1].recipe.random_labels),
                options={
                    "chance": _("About as many as by guessing: wrong labels spoil it"),
                    "some": _("More than by guessing, but far from all"),
                    "all": _("All, or nearly all: the true labels win"),
                },
                answer=lambda result: _level(_test(result)[1], result),
            ),
            Reveal(of="training", text=_describe_training),
            Reveal(of="test", text=_describe_test),
            Reveal(of="half", text=_describe_half),
            Try(
                text=_(
                    "Train for fewer epochs, for example a tenth: how many of the test images does the network with "
                    "some random labels get right then? Which labels are learned first, the true ones or the random "
                    "ones? This is why people stop a training early."
                ),
                controls=("epochs", "rate", "seed"),
            ),
        ),
    )


def _training(result: Any) -> list[float]:
    return [row.training[-1][1] for row in result.trained]


def _test(result: Any) -> list[float]:
    return [row.test for row in result.trained]


def _chance(result: Any) -> float:
    return float(1 / result.variants[0].spec.num_classes)


def _level(share: float, result: Any) -> str:
    return "all" if share > 1 - CLOSE else "chance" if share < _chance(result) + CLOSE else "some"


def _describe_training(result: Any) -> str:
    true, _half, random = _training(result)
    return _(
        "After {epochs} epochs with random labels, the network gets **{random:.1%}** of its training images right. "
        "With true labels, it is {true:.1%}. Guessing would reach {chance:.0%}. Nothing connects these images with "
        "their random labels, so all that the network gets right beyond that, it has learned by heart: image by image. "
        "It has {params:,} parameters to do so."
    ).format(
        random=random, true=true, epochs=result.view.epochs, chance=_chance(result), params=result.params[0]
    )  # fmt: skip


def _describe_test(result: Any) -> str:
    true, _half, random = _test(result)
    found = _(
        "After training with random labels, the network gets **{random:.1%}** of the test images right; after training "
        "with true labels, {true:.1%}."
    ).format(random=random, true=true)
    if _level(_training(result)[2], result) != "all":
        further = _("It has not learned its random labels by heart yet. Give it more epochs: does this number change?")
    elif true - random > CLOSE:
        further = _(
            "But both are right about their training images. Those can't tell you which network has understood "
            "something. Only images that the network has never seen can."
        )
    else:
        further = _("Here the true labels have taught it no more than the random ones.")
    return f"{found} {further}"


def _describe_half(result: Any) -> str:
    training, (true, test, _random) = _training(result)[1], _test(result)
    found = _(
        "With {share:.0%} random labels, the network gets **{test:.1%}** of the test images right, and "
        "{training:.1%} of its training images, wrong labels included."
    ).format(share=result.variants[1].recipe.random_labels, test=test, training=training)
    reasons = [found]
    if test > _chance(result) + CLOSE:
        reasons.append(_("What the true labels have in common adds up, and the wrong labels contradict each other."))
    if _level(training, result) == "all" and true - test > CLOSE:
        reasons.append(
            _(
                "But every image that is learned by heart with a wrong label spoils the answers for images that look "
                "like it: with true labels alone it is {true:.1%}."
            ).format(true=true)
        )
    return " ".join(reasons)
