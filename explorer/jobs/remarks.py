"""What the curves of a run mean, in sentences: why the rate fell, why one loss lies above another, overfitting."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.i18n import _

if TYPE_CHECKING:
    from explorer.jobs.compare import Curves, Point

DROP = "rate/drop"  # the rate after a drop, at the epoch after which it falls
GAP = 0.08  # between the accuracies of training and validation, from where on it is worth a sentence


def drop(epoch: float, before: float, after: float, recipe: Mapping[str, Any]) -> str:
    """A fall of the learning rate after an epoch, with its reason.

    Args:
        epoch: after which it falls.
        before: rate of that epoch.
        after: rate of the next.
        recipe: of the run.
    """
    if recipe["schedule"] == "plateau":
        words = _(
            "epoch {epoch:.0f}: the learning rate falls from {before:.3g} to {after:.3g}, because the training loss "
            "has not fallen {share:.3g}% below its best since epoch {since:.0f}"
        )
    else:
        words = _(
            "epoch {epoch:.0f}: the learning rate falls from {before:.3g} to {after:.3g}, as the schedule says "
            "(step_size {count})"
        )
    return words.format(
        epoch=epoch,
        before=before,
        after=after,
        share=100 * recipe["threshold"],
        since=epoch - recipe["patience"] - 1,
        count=recipe["step_size"],
    )


def drops(curves: "Curves", recipe: Mapping[str, Any]) -> list[str]:
    """Every fall of the learning rate in a run."""
    rates = {point.epoch: point.value for point in curves.get("rate", [])}
    found = [point for point in curves.get(DROP, []) if point.epoch in rates]
    return [drop(point.epoch, rates[point.epoch], point.value, recipe) for point in found]


def of_losses(curves: "Curves", recipe: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Why the training loss lies above that of the validation, where it does; else nothing."""
    training, validation = (_last(curves, f"{kind}/loss") for kind in ("train", "validation"))
    if training is None or validation is None or training.value <= validation.value:
        return ""
    found = [
        _(
            "The training loss lies above the validation loss. That is no fault: it is the mean over an epoch in which "
            "the network was still getting better."
        )
    ]
    if recipe["label_smoothing"]:
        found.append(_("Label smoothing adds to it, and not to the validation loss."))
    if recipe.get("augment"):
        found.append(_("Augmentation makes the training images harder."))
    if spec.get("dropout"):
        found.append(_("Dropout switches units off in training alone."))
    return " ".join(found)


def of_gap(curves: "Curves") -> str:
    """Overfitting, where the last epoch shows it; else nothing."""
    training, validation = (_last(curves, f"{kind}/top1") for kind in ("train", "validation"))
    if training is None or validation is None or training.value - validation.value < GAP:
        return ""
    return _(
        "Overfitting: {training:.1%} of the training images are right and {validation:.1%} of the validation images. "
        "The network has learnt some of its images by heart; more images, augmentation, dropout, weight decay or a "
        "smaller network help."
    ).format(training=training.value, validation=validation.value)


def _last(curves: "Curves", name: str) -> "Point | None":
    line = curves.get(name)
    return line[-1] if line else None
