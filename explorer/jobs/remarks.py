"""Sentences that explain the curves of a run: falls of the rate, a training loss above the other, overfitting."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.i18n import _

if TYPE_CHECKING:
    from explorer.jobs.compare import Curves, Point

DROP = "rate/drop"  # metric: the rate after a drop, at the epoch after which it falls
MIN_GAP = 0.08  # smallest difference of training and validation accuracy that is called overfitting


def describe_drop(epoch: float, before: float, after: float, recipe: Mapping[str, Any]) -> str:
    """Describes a fall of the learning rate after an epoch, with its reason.

    Args:
        epoch: Epoch after which it falls.
        before: Rate of that epoch.
        after: Rate of the next epoch.
        recipe: Recipe of the run.
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


def describe_drops(curves: "Curves", recipe: Mapping[str, Any]) -> list[str]:
    """Describes every fall of the learning rate in a run."""
    rates = {point.epoch: point.value for point in curves.get("rate", [])}
    found = [point for point in curves.get(DROP, []) if point.epoch in rates]
    return [describe_drop(point.epoch, rates[point.epoch], point.value, recipe) for point in found]


def explain_losses(curves: "Curves", recipe: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Explains why the training loss is above the validation loss. Empty if it is not."""
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
        found.append(_("Dropout switches units off in training only."))
    return " ".join(found)


def describe_overfitting(curves: "Curves") -> str:
    """Describes overfitting if the last epoch shows it. Otherwise empty."""
    training, validation = (_last(curves, f"{kind}/top1") for kind in ("train", "validation"))
    if training is None or validation is None or training.value - validation.value < MIN_GAP:
        return ""
    return _(
        "Overfitting: {training:.1%} of the training images are right and {validation:.1%} of the validation images. "
        "The network has learnt some of its images by heart; more images, augmentation, dropout, weight decay or a "
        "smaller network help."
    ).format(training=training.value, validation=validation.value)


def _last(curves: "Curves", name: str) -> "Point | None":
    line = curves.get(name)
    return line[-1] if line else None
