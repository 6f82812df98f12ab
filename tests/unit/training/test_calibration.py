"""Calibration, compared with a case by hand, scikit-learn, and the formula image by image."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.training import calibration
from explorer.training.calibration import BINS, Calibration


def reliability(logits: Tensor, labels: Tensor, batch: int = 7) -> dict[str, Any]:
    found = Calibration()
    for start in range(0, len(labels), batch):
        part = logits[start : start + batch]
        found.add(part, labels[start : start + batch], part.argmax(1))
    return found.to_dict()


def test_a_case_by_hand() -> None:
    # Confidences 0.9, 0.9, 0.9 and 0.57. Two of the first three answers and the last one are right.
    logits = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.43, 0.57]]).log()
    result = reliability(logits, torch.tensor([0, 1, 1, 1]))
    assert result["ece"] == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * (1 - 0.57))
    assert result["confidence"] == pytest.approx((3 * 0.9 + 0.57) / 4)
    filled = {number: one for number, one in enumerate(result["bins"]) if one["images"]}
    assert list(filled) == [8, 13]  # (8/15, 9/15] and (13/15, 14/15]
    assert [one["images"] for one in filled.values()] == [1, 3]
    assert filled[13]["accuracy"] == pytest.approx(2 / 3)
    assert filled[13]["confidence"] == pytest.approx(0.9)
    assert all(one["accuracy"] is one["confidence"] is None for one in result["bins"] if not one["images"])


def outputs(count: int, classes: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    logits = 2 * torch.randn(count, classes, generator=generator)
    return logits, torch.multinomial((0.7 * logits).softmax(1), 1, generator=generator)[:, 0]


@pytest.mark.parametrize(("count", "classes"), [(1, 2), (500, 10), (2000, 3)])
def test_results_equal_scikit_learn_and_the_formula(count: int, classes: int) -> None:
    logits, labels = outputs(count, classes)
    sure, guess = logits.softmax(1).double().max(1)
    right = (guess == labels).numpy()
    result = reliability(logits, labels)
    from sklearn.calibration import calibration_curve  # takes a second

    accuracies, confidences = calibration_curve(right, sure.numpy(), n_bins=BINS)
    filled = [one for one in result["bins"] if one["images"]]
    assert [one["accuracy"] for one in filled] == pytest.approx(list(accuracies))
    assert [one["confidence"] for one in filled] == pytest.approx(list(confidences))
    error = 0.0
    for low, high in zip(np.arange(BINS) / BINS, np.arange(1, BINS + 1) / BINS, strict=True):
        inside = [place for place, value in enumerate(sure.tolist()) if low < value <= high]
        if inside:
            gap = np.mean(right[inside]) - np.mean(sure.numpy()[inside])
            error += len(inside) / count * abs(gap)
    assert result["ece"] == pytest.approx(error)
    assert sum(one["images"] for one in result["bins"]) == count


def test_lowest_and_highest_confidence_have_a_bin() -> None:
    wide = torch.tensor([[100.0, -100.0], [-100.0, 100.0]])
    assert [one["images"] for one in reliability(wide, torch.tensor([0, 0]))["bins"]] == [0] * (BINS - 1) + [2]
    flat = reliability(torch.zeros(3, 1000), torch.tensor([0, 1, 2]))
    assert flat["bins"][0]["images"] == 3
    assert flat["ece"] == pytest.approx(1 / 3 - 0.001, abs=1e-6)


def test_an_edge_belongs_to_the_bin_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "BINS", 4)  # quarters are exact floating-point numbers, fifteenths are not
    halves, quarters = torch.zeros(3, 2), torch.zeros(2, 4)
    assert [one["images"] for one in reliability(halves, torch.tensor([0, 0, 1]))["bins"]] == [0, 3, 0, 0]
    assert [one["images"] for one in reliability(quarters, torch.tensor([0, 1]))["bins"]] == [2, 0, 0, 0]
