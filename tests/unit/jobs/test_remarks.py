"""Remarks on curves, and charts that an outlier does not flatten."""

import math

import pytest

from explorer.jobs import remarks
from explorer.jobs.compare import Point
from explorer.recipes import resolve
from explorer.ui.runs.curves import Curve, fit_axis, frame


def line(*values: float, first: int = 1) -> list[Point]:
    return [Point(epoch, value) for epoch, value in enumerate(values, first)]


def test_drops_of_the_learning_rate_are_explained() -> None:
    curves = {"rate": line(0.1, 0.1, 0.01), remarks.DROP: [Point(2, 0.01)]}
    plateau = resolve("r1").changed(patience=0).to_dict()
    [sentence] = remarks.describe_drops(curves, plateau)
    assert sentence.startswith(
        "epoch 2: the learning rate falls from 0.1 to 0.01, because the training loss has not fallen"
    )
    assert sentence.endswith("fallen 10% below its best since epoch 1")
    assert remarks.describe_drops(curves, resolve("r2").to_dict()) == [
        "epoch 2: the learning rate falls from 0.1 to 0.01, as the schedule says (step_size 10)"
    ]
    assert remarks.describe_drops({"rate": line(0.1, 0.05)}, plateau) == []  # a rate that a cosine or warm-up moves


def test_a_training_loss_above_the_validation_loss_is_explained() -> None:
    above = {"train/loss": line(1.0), "validation/loss": line(0.8)}
    plain = resolve("r1").changed(augment=[]).to_dict()
    sentence = remarks.explain_losses(above, plain, {})
    assert "mean over an epoch" in sentence
    for word in ("Label smoothing", "Augmentation", "Dropout"):
        assert word not in sentence
    sentence = remarks.explain_losses(above, resolve("default").changed(augment=["flip"]).to_dict(), {"dropout": 0.5})
    for word in ("Label smoothing", "Augmentation", "Dropout"):
        assert word in sentence
    assert remarks.explain_losses({"train/loss": line(0.8), "validation/loss": line(1.0)}, plain, {}) == ""
    assert remarks.explain_losses({"train/loss": line(0.8)}, plain, {}) == ""


def test_overfitting_is_described() -> None:
    sentence = remarks.describe_overfitting({"train/top1": line(0.5, 1.0), "validation/top1": line(0.5, 0.9)})
    assert sentence.startswith(
        "Overfitting: 100.0% of the training images are right and 90.0% of the validation images."
    )
    assert remarks.describe_overfitting({"train/top1": line(0.95), "validation/top1": line(0.93)}) == ""
    assert remarks.describe_overfitting({"train/top1": line(0.95)}) == ""


def test_an_outlier_is_cut_off_with_a_note() -> None:
    validation = Curve(0, "validation", training=False, points=line(2.3, 4.1e9, 1.5, 1.2, 1.0, math.nan))
    axis = fit_axis([validation], log=False, normal_limit=20.0)
    assert axis.limits is not None
    assert axis.limits[0] < 1.0 < 2.3 < axis.limits[1] < 3
    assert axis.note.startswith("Cut off above: numbers of up to 4.1e+09, the first in epoch 2.")
    on_log = fit_axis([validation], log=True, normal_limit=20.0)
    assert [point.epoch for point in on_log.lines[0].points] == [1, 2, 3, 4, 5]
    assert on_log.limits is None


@pytest.mark.parametrize("values", [(2.3, 0.001, 0.001, 0.001), (19.0, 0.1, 0.1, 0.1), (1e6, 2e6, 1e6), ()])
def test_normal_values_are_not_cut_off(values: tuple[float, ...]) -> None:
    axis = fit_axis([Curve(0, "a", training=True, points=line(*values))], log=False, normal_limit=20.0)
    assert (axis.limits, axis.note) == (None, "")


def test_a_logarithmic_axis_leaves_out_zero_with_a_note() -> None:
    axis = fit_axis([Curve(0, "rate", training=False, points=line(0.1, 0.05, 0.0))], log=True, normal_limit=0.0)
    assert frame(axis.lines, 3)["value"].tolist() == [0.1, 0.05]
    assert axis.note == "Too small for the logarithmic axis, 0 or nearly 0: 1 of the numbers."
