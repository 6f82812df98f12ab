"""Well-known mistakes. The result has ``view`` and ``finding``, see :mod:`explorer.lessons.mistakes`."""

from collections.abc import Callable
from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say
from explorer.lessons.mistakes import CASES, CHANCE_CLASSES, EVALUATIONS, RATES, UNSEEN, small_vgg


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=12,
        title=_("What went wrong here?"),
        question=_("An error, a strange number, a curve that does not move: can you find the cause?"),
        minutes=10,
        experiment="mistakes",
        vignette=vignettes.misfit,
        terms=(
            "head",
            "eval-mode",
            "augmentation",
            "learning-rate",
            "test-set",
            "top-k",
            "confusion-matrix",
            "calibration",
            "mse",
            "mae",
            "data-parallel",
            "transfer-learning",
            "fine-tuning",
        ),
        links=(
            Link("predict", _("Import a checkpoint: it asks and explains"), {}),
            Link("train", _("Train with a rate that arrives"), {"net": "digits-cnn", "recipe": "quick"}),
        ),
        papers=(
            Paper(_("Ioffe and Szegedy 2015, Batch normalization, section 3.1"), "https://arxiv.org/abs/1502.03167"),
            Paper(
                _("Recht et al. 2019, Do ImageNet classifiers generalize to ImageNet?"),
                "https://arxiv.org/abs/1902.10811",
            ),
        ),
        steps=(
            Say(
                text=_(
                    "You get {count} mistakes that people make again and again. For each, read what a program shows, "
                    "and say what went wrong. Nothing here is made up: the errors are raised and the numbers are "
                    "measured when you open the step."
                ).format(count=len(CASES)),
            ),
            Ask(
                name="head",
                text=_report(
                    _(
                        "Homework: a small VGG for images of {side}×{side} pixels ends with a linear layer for "
                        "{classes} classes. With the first image, it stops:"
                    ).format(side=small_vgg(1).image_size, classes=small_vgg(1).num_classes)
                ),
                options={
                    "classes": _("The data has another number of classes"),
                    "head": _("The linear layer expects more numbers than the last map gives"),
                    "batch": _("A batch of one image is too small"),
                },
                answer=lambda result: _cause(result),
                start={"case": "head"},
            ),
            Reveal(of="head", text=_head, controls=("width",)),
            Ask(
                name="module",
                text=_report(
                    _(
                        "Somebody has trained on two GPUs and sends you the checkpoint. You build the same network and "
                        "load it:"
                    )
                ),
                options={
                    "other": _("It is the checkpoint of another network"),
                    "module": _("The names have a prefix, because the network was wrapped when it was saved"),
                    "damaged": _("The file is damaged: tensors are missing"),
                },
                answer=lambda result: _cause(result),
                start={"case": "module"},
            ),
            Reveal(of="module", text=_module),
            Ask(
                name="augmented",
                text=_report(
                    _(
                        "A trained network is evaluated {times} times on the same test images, without any training in "
                        "between. The accuracy is not always the same:"
                    ).format(times=EVALUATIONS)
                ),
                options={
                    "float": _("Rounding: the sums are computed in another order each time"),
                    "overfit": _("The network has learned its training images by heart"),
                    "augmented": _("The test images are changed at random, as in training"),
                },
                answer=lambda result: _cause(result),
                start={"case": "augmented"},
            ),
            Reveal(of="augmented", text=_augmented, controls=("seed",)),
            Ask(
                name="mode",
                text=_report(
                    _(
                        "The same network and test images, not changed this time. But the accuracy depends on how many "
                        "images are evaluated together:"
                    )
                ),
                options={
                    "mode": _("It is in training mode: batch norm takes mean and variance from each batch"),
                    "memory": _("Large batches do not fit into memory"),
                    "order": _("The images are in another order"),
                },
                answer=lambda result: _cause(result),
                start={"case": "mode"},
            ),
            Reveal(of="mode", text=_mode, controls=("seed",)),
            Ask(
                name="rate",
                text=_report(
                    _(
                        "Somebody tries two learning rates, one {times:,.0f} times as large as the other, and notes "
                        "the accuracy of every epoch:"
                    ).format(times=max(RATES) / min(RATES))
                ),
                options={
                    "robust": _("The optimizer adapts itself, so the rate does not matter"),
                    "seed": _("Both have the same seed, so they must be equal"),
                    "rate": _("The rate never arrives: both train with the same one"),
                },
                answer=lambda result: _cause(result),
                start={"case": "rate"},
            ),
            Reveal(of="rate", text=_rate),
            Ask(
                name="choice",
                text=lambda result: _(
                    "{candidates:,} programs each name the class of {images:,} test images. There are {classes} "
                    "classes. The report is about the best of them:\n\n"
                    "```text\n{evidence}\n```\n"
                    "The others are deleted. Then it gets new images. What share of them will it name right?"
                ).format(
                    candidates=result.view.candidates,
                    images=result.view.images,
                    classes=CHANCE_CLASSES,
                    evidence=result.finding.evidence,
                ),
                options={
                    "same": _("About the same share: the test images were new to it, too"),
                    "choice": _("Clearly less: it was chosen by its luck with the test images"),
                    "more": _("More"),
                },
                answer=lambda result: _chosen(result),
                start={"case": "choice"},
            ),
            Reveal(of="choice", text=_choice, controls=("candidates", "images", "seed")),
        ),
    )


def _report(story: str) -> Callable[[Any], str]:
    """Returns a text: the story, and what the program shows."""
    return lambda result: f"{story}\n\n```text\n{result.finding.evidence}\n```\n"


def _cause(result: Any) -> str:
    return str(result.view.case)


def _chosen(result: Any) -> str:
    test, unseen = result.finding.values["test"], result.finding.values["unseen"]
    return "choice" if unseen < test - 0.01 else "more" if unseen > test + 0.01 else "same"


def _head(result: Any) -> str:
    return _(
        "The layer reads **{reads:,}** numbers, and **{arrive:,}** arrive. PyTorch names the sizes of two tables and "
        "lets you guess what they are. Below is what the importer of this program says about the same checkpoint. The "
        "number of features is channels · side², and every pool halves the side: one pool more or less, or images of "
        "another size, and the head no longer fits."
    ).format(**result.finding.values)


def _module(result: Any) -> str:
    return _(
        "`DataParallel` wraps the network, and every name begins with `module.`. Nothing else is wrong: after the "
        "prefix is removed, all **{tensors}** tensors with {weights:,} numbers are there. The importer of this program "
        "does it and says so, see below. In your own code, save `network.module.state_dict()`."
    ).format(**result.finding.values)


def _augmented(result: Any) -> str:
    return _(
        "Random crops and rotations are useful in training. Here they are applied to the test images as well: between "
        "{least:.1%} and {most:.1%}, where the network reaches **{plain:.1%}** on the images as they are. Often the "
        "cause is that training and test use one data set object, with one list of transforms. In this product, an "
        "evaluation never augments."
    ).format(**result.finding.values)


def _mode(result: Any) -> str:
    return _(
        "With {size} images at a time, it reaches {small:.1%}, and **{plain:.1%}** in evaluation mode. In training "
        "mode, batch norm takes mean and variance from the images that happen to be together, and so few images are a "
        "poor sample. `network.eval()` takes the means that were collected in training. Dropout is switched off by the "
        "same call."
    ).format(**result.finding.values)


def _rate(result: Any) -> str:
    return _(
        "Two curves that agree to the last digit, {last:.2%} after {epochs} epochs, are the same training: the "
        "program reads the flag, but gives its optimizer a number of its own. With two rates so far apart, the curves "
        "would differ. In this product, a recipe refuses what it does not know. Below is what it says to a rate under "
        "the wrong name."
    ).format(**result.finding.values)


def _choice(result: Any) -> str:
    candidates = result.view.candidates
    if candidates == 1:
        found = _(
            "**{unseen:.1%}** on {count} new images, after {test:.1%} on those of the test. There was only one "
            "program, so nothing was chosen: the two numbers differ by chance alone. Take more programs, and look "
            "again."
        )
    else:
        gap = (
            _("The best of many is the luckiest, so its result says more about the choice than about the program.")
            if _chosen(result) == "choice"
            else _("This time the choice has made hardly a difference.")
        )
        advice = _(
            "Choose by validation images, and use the test images once. Try more programs, and then more test images: "
            "what makes the gap large, and what closes it?"
        )
        numbers = _(
            "**{unseen:.1%}** on {count} new images, after {test:.1%} on those of the test. All {candidates:,} "
            "programs only guess, and their mean is {mean:.1%}."
        )
        found = f"{numbers} {gap} {advice}"
    return found.format(count=f"{UNSEEN:,}", candidates=candidates, **result.finding.values)
