"""Fully connected against convolutional. The result has ``variants``, ``params``, ``trained`` and ``view``."""

from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try

CLOSE = 0.01  # accuracies that differ by less are about equal
LEARNED = 2  # times as good as guessing: what is worse has learned nothing


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=4,
        title=_("From fully connected to convolution"),
        question=_("What does a convolution know about images before it has learned anything?"),
        minutes=9,
        experiment="trainings",
        vignette=vignettes.permuted_digit,
        terms=(
            "weight-sharing",
            "linear",
            "logits",
            "softmax",
            "loss",
            "cross-entropy",
            "validation",
            "epoch",
            "batch",
            "step",
        ),
        links=(
            Link(
                "train",
                _("Train on permuted pixels yourself"),
                {"net": "digits-cnn", "recipe": "quick", "augment": "permute_pixels"},
            ),
            Link("compare", _("Two such networks for MNIST, layer by layer"), {"a": "mnist-fc", "b": "mnist-cnn"}),
        ),
        papers=(
            Paper(
                _("LeCun et al. 1998, Gradient-based learning applied to document recognition, sections I and II"),
                "https://doi.org/10.1109/5.726791",
            ),
        ),
        steps=(
            Say(
                text=lambda result: _(
                    "Two networks learn to read handwritten digits. In the **fully connected** one, every unit has a "
                    "weight for every pixel. In the **convolutional** one, small kernels slide over the image.\n\n"
                    "Both get the same images and the same training. {share:.0%} of the training images are **held "
                    "out**: the networks never learn from them, so they show how well a network does on new images."
                ).format(share=result.variants[0].recipe.validation_fraction),
                start={"compare": "dense", "epochs": "15", "rate": "0.005", "permute": "false"},
            ),
            Ask(
                name="better",
                text=lambda result: _(
                    "Their sizes are about the same: {one:,} and {two:,} parameters. Which one reads new digits better?"
                ).format(one=result.params[0], two=result.params[1]),
                options={
                    "0": _("The fully connected one"),
                    "1": _("The convolutional one"),
                    "same": _("They are about equal: they have as many parameters"),
                },
                answer=lambda result: _better(result),
            ),
            Reveal(of="better", text=_describe_better),
            Ask(
                name="permuted",
                text=_(
                    "Now the pixels of every image are moved to other places: the same fixed permutation for all "
                    "images. Nothing is lost, but neighbours are no longer neighbours. Both networks are trained "
                    "again from the start. Which one reads new digits better?"
                ),
                options={
                    "0": _("The fully connected one"),
                    "1": _("The convolutional one, as before"),
                    "same": _("They are about equal"),
                    "none": _("Neither can learn anything: a person couldn't read these images either"),
                },
                answer=lambda result: "none" if _is_chance(result) else _better(result),
                start={"permute": "true"},
            ),
            Reveal(of="permuted", text=_permuted),
            Try(
                text=_(
                    "Switch the permutation on and off, and try other seeds. Does the result depend on luck? With so "
                    "few images, a small difference can be chance. Then choose **MNIST**, which has more and larger "
                    "images: is the convolutional network still ahead, and what does the permutation do to it?"
                ),
                controls=("data", "permute", "epochs", "rate", "seed"),
            ),
        ),
    )


def _held_out(result: Any) -> list[float]:
    return [row.validation[-1][1] for row in result.trained]


def _better(result: Any) -> str:
    dense, convolutional = _held_out(result)
    if abs(dense - convolutional) < CLOSE:
        return "same"
    return "0" if dense > convolutional else "1"


def _describe_better(result: Any) -> str:
    dense, convolutional = _held_out(result)
    found = _(
        "After {epochs} epochs, the fully connected network reads {dense:.1%} of the held-out digits right, and the "
        "convolutional one **{convolutional:.1%}**."
    ).format(epochs=result.view.epochs, dense=dense, convolutional=convolutional)
    if result.view.permute or _better(result) != "1":
        return f"{found} {_not_ahead(result)}"
    reason = _(
        "The convolutional network need not learn that neighbouring pixels belong together, or that a stroke means the "
        "same at every place: its kernels have this built in. The fully connected network has to learn it anew for "
        "every place."
    )
    return f"{found} {reason}"


def _is_chance(result: Any) -> bool:
    """Whether neither network does clearly better than guessing."""
    return bool(max(_held_out(result)) < LEARNED / result.variants[0].spec.num_classes)


def _not_ahead(result: Any) -> str:
    """Returns the words for a result from which nothing follows about convolutions."""
    if _is_chance(result):
        return _("So neither has learned to read. Give them more epochs, or another learning rate.")
    if result.view.permute:
        return _("But here the pixels are permuted. Switch that off to compare the networks on real images.")
    return _(
        "So here the convolutional one is not ahead. One training can be a matter of chance: try another seed, or "
        "train for longer."
    )


def _permuted(result: Any) -> str:
    dense, convolutional = _held_out(result)
    found = _("Fully connected: **{dense:.1%}**. Convolutional: **{convolutional:.1%}**.").format(
        dense=dense, convolutional=convolutional
    )
    if _is_chance(result):
        return f"{found} {_not_ahead(result)}"
    if not result.view.permute:
        further = _("But here the pixels are at their places. Switch the permutation on to compare.")
        return f"{found} {further}"
    if _better(result) == "1":
        further = _(
            "So here the convolutional one is still ahead. One training can be a matter of chance: try another seed, "
            "or train for longer."
        )
        return f"{found} {further}"
    reason = _(
        "For the fully connected network, nothing has changed: it never knew which pixels are neighbours, so any order "
        "is as good as another. The convolutional network is no longer ahead, because what it assumes about images "
        "is no longer true. An assumption helps where it is true."
    )
    return f"{found} {reason}"
