"""Batch norm, dropout, augmentation and rate. The result has ``variants``, ``params``, ``trained`` and ``view``."""

from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try
from explorer.lessons.trainings import RATE_FACTOR

PLAIN, NORM, DROPOUT, AUGMENTATION, HIGH, LOW = range(6)  # places of the networks
CLOSE = 0.01  # accuracies that differ by less are about equal


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=9,
        title=_("Batch norm, dropout, augmentation, rate"),
        question=_("Which change of the training helps a small network most?"),
        minutes=9,
        experiment="trainings",
        vignette=vignettes.rates,
        terms=(
            "batch-norm",
            "dropout",
            "regularisation",
            "augmentation",
            "learning-rate",
            "schedule",
            "warm-up",
            "optimizer",
            "momentum",
            "optimizer-state",
            "label-smoothing",
            "ema",
            "mixed-precision",
            "sweep",
        ),
        links=(
            Link("train", _("A sweep of your own"), {"net": "digits-cnn", "recipe": "quick", "sweep": "lr=0.001,0.01"}),
        ),
        papers=(
            Paper(_("Ioffe and Szegedy 2015, Batch normalization"), "https://arxiv.org/abs/1502.03167"),
            Paper(
                _("Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting"),
                "https://jmlr.org/papers/v15/srivastava14a.html",
            ),
        ),
        steps=(
            Say(
                text=lambda result: _(
                    "One small network learns digits in {ways} ways. The first is plain. Each of the others changes "
                    "one thing: **batch norm** after each convolution, **dropout** in the linear layers, "
                    "**augmentation** (the images are turned and shifted a little), a **learning rate** (the size of "
                    "each step) {high:.0f} times as high, and one {low:.0f} times as low.\n\n"
                    "{share:.0%} of the training images are **held out**: the network never learns from them."
                ).format(
                    ways=len(result.variants),
                    high=_rate(result, 4) / _rate(result, 0),
                    low=_rate(result, 0) / _rate(result, 5),
                    share=result.variants[0].recipe.validation_fraction,
                ),
                start={"compare": "remedies", "epochs": "10", "rate": "0.001"},
            ),
            Ask(
                name="first",
                text=_(
                    "An **epoch** is one pass over all training images. Which one reads most held-out images right "
                    "after its **first** epoch?"
                ),
                options=_names(),
                answer=lambda result: _best(_after_one(result)),
                ties=lambda result: _near(_after_one(result)),
            ),
            Ask(
                name="train",
                text=_(
                    "A network usually does better on the images that it learns from than on held-out images. But "
                    "some of these changes make the **training** harder on purpose. Take the accuracy on held-out "
                    "images, and subtract the accuracy on training images. Which one has the largest difference?"
                ),
                options=_names(),
                answer=lambda result: _best(_gaps(result)),
                ties=lambda result: _near(_gaps(result)),
            ),
            Ask(
                name="last",
                text=_("Which one is **last** on held-out images after the last epoch?"),
                options=_names(),
                answer=lambda result: _best([-value for value in _at_the_end(result)]),
                ties=lambda result: _near([-value for value in _at_the_end(result)]),
            ),
            Reveal(of="first", text=_first),
            Reveal(of="train", text=_gap),
            Reveal(of="last", text=_last),
            Try(
                text=_(
                    "Change the number of epochs, and the learning rate. It is that of the plain network; the high one "
                    "and the low one change with it. At which rate is the network with batch norm furthest ahead of "
                    "the plain one? Is there a rate at which the plain one is as fast?"
                ),
                controls=("epochs", "rate", "seed"),
            ),
        ),
    )


def _names() -> dict[str, str]:
    return {
        "0": _("The plain one"), "1": _("With batch norm"), "2": _("With dropout"), "3": _("With augmentation"),
        "4": _("With {factor} × the rate").format(factor=RATE_FACTOR),
        "5": _("With 1/{factor} of the rate").format(factor=RATE_FACTOR),
    }  # fmt: skip


def _rate(result: Any, variant: int) -> float:
    return float(result.variants[variant].recipe.lr)


def _after_one(result: Any) -> list[float]:
    return [row.validation[0][1] for row in result.trained]


def _at_the_end(result: Any) -> list[float]:
    return [row.validation[-1][1] for row in result.trained]


def _gaps(result: Any) -> list[float]:
    """Returns accuracy on held-out images minus accuracy on training images."""
    return [row.validation[-1][1] - row.training[-1][1] for row in result.trained]


def _best(values: list[float]) -> str:
    return str(values.index(max(values)))


def _near(values: list[float]) -> set[str]:
    """Returns the networks that can't be told from the best one: a difference of a few images is luck."""
    return {str(place) for place, value in enumerate(values) if max(values) - value < CLOSE}


def _listed(result: Any, values: list[float], form: str) -> str:
    rows = sorted(zip(values, result.trained, strict=True), key=lambda row: -row[0])
    # No line ends within a name, and a minus is as wide as a plus.
    listed = [f"{row.variant.name} {format(value, form).replace('-', '−')}" for value, row in rows]
    return ", ".join(words.replace(" ", "\u00a0") for words in listed)


def _first(result: Any) -> str:
    values = _after_one(result)
    plain, norm, high, low = (values[place] for place in (PLAIN, NORM, HIGH, LOW))
    found = [_("After one epoch: **{listed}**.").format(listed=_listed(result, values, ".1%"))]
    if high > plain + CLOSE:
        found.append(_("With the higher rate, each step goes further, and here that is faster."))
    elif high < plain - CLOSE:
        found.append(_("With the higher rate, each step goes further, and here that is too far."))
    if low < plain - CLOSE:
        found.append(_("With the low rate, the network needs many epochs to come as far."))
    if norm > plain + CLOSE:
        found.append(
            _(
                "Batch norm shifts and scales every channel to the same range, so a layer can learn while the layers "
                "before it still change."
            )
        )
    else:
        found.append(_("Batch norm has not helped at once."))
    return " ".join(found)


def _gap(result: Any) -> str:
    values = _gaps(result)
    found = _(
        "Accuracy on held-out images minus accuracy on training images, in percentage points: **{listed}**."
    ).format(listed=_listed(result, [100 * value for value in values], "+.1f"))
    reason = _(
        "Dropout and augmentation act in training alone. In each step, dropout switches off a part of the units, and "
        "augmentation shows images that differ from the originals. The training accuracy is measured under these "
        "conditions, so it looks lower than it is."
    )
    if _near(values) & {str(DROPOUT), str(AUGMENTATION)}:
        return f"{found} {reason}"
    other = _(
        "Here that is not the largest effect. The training accuracy is the mean of an epoch in which the network still "
        "learns, and the held-out images come after it."
    )
    return f"{found} {reason} {other}"


def _last(result: Any) -> str:
    values = _at_the_end(result)
    found = [
        _("After {epochs} epochs: **{listed}**.").format(
            epochs=result.view.epochs, listed=_listed(result, values, ".1%")
        )
    ]
    behind = _near([-value for value in values])
    if str(PLAIN) in behind:  # no rate is clearly worse than the plain one
        behind = set()
    if str(LOW) in behind:
        found.append(_("So low a rate has not come far in this time."))
    if str(HIGH) in behind:
        found.append(_("So high a rate leaps over what it looks for."))
    slower = [place for place in (DROPOUT, AUGMENTATION) if values[place] < values[PLAIN] - CLOSE]
    better = [place for place in (DROPOUT, AUGMENTATION) if values[place] > values[PLAIN] + CLOSE]
    for places, words in (
        (better, _("{names}: better than the plain one, which begins to learn its images by heart.")),
        (slower, _("{names}: behind the plain one, because the training is harder, and it is short.")),
    ):
        if places:
            found.append(words.format(names=", ".join(result.variants[place].name for place in places)))
    found.append(
        _("Dropout and augmentation are made for long trainings, in which a network would learn its images by heart.")
    )
    return " ".join(found)
