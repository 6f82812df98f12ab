"""Weights are evaluated on data with other classes, channels and splits than in training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.data.dataset import Dataset, Split
from explorer.errors import InputError
from explorer.training.weights_evaluation import evaluate_weights, match_classes
from explorer.weights.files import save
from tests.helpers.toys import CLASSES, VGG, prepared, toy_data, toy_spec

Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Returns a function that evaluates the same weights, for grey images of CLASSES, on any data set."""
    found = prepared(toy_spec(VGG))
    save(tmp_path / "w.safetensors", found.training.network.state_dict(), found.card)

    def run(data: Dataset, split: str = "test") -> dict[str, Any]:
        monkeypatch.setattr("explorer.training.weights_evaluation.load", lambda *_arguments: data)
        return evaluate_weights(tmp_path / "w.safetensors", "toys", split, "cpu", lambda *_progress: None).result

    return run


def test_classes_in_another_order_are_matched_by_name(measured: Measure) -> None:
    data = toy_data(test=37)
    straight = measured(data)
    order = [2, 0, 3, 1]  # new position -> old
    positions = torch.tensor([order.index(old) for old in range(4)])
    names = tuple(CLASSES[old].upper() for old in order)
    reordered = replace(data, classes=names, test=Split(data.test.images, positions[data.test.labels]))
    assert measured(reordered) == straight
    assert straight["images"] == 37
    assert list(straight["per_class"]) == list(CLASSES)


def test_data_may_have_some_of_the_classes(measured: Measure) -> None:
    data = toy_data(test=37)
    all_classes = measured(data)["confusion"]
    chosen = data.test.take(torch.nonzero((data.test.labels == 1) | (data.test.labels == 3)).flatten())
    part = measured(replace(data, classes=("bee", "dog"), test=Split(chosen.images, chosen.labels // 2)))
    assert part["confusion"] == [[0] * 4, all_classes[1], [0] * 4, all_classes[3]]
    assert part["per_class"]["ant"] is None


def test_unknown_names_are_matched_by_position_with_a_warning(measured: Measure) -> None:
    data = toy_data()
    result = measured(replace(data, classes=("0", "1", "2", "3")))
    assert result["confusion"] == measured(data)["confusion"]
    assert result["notes"] == []
    (warning,) = result["warnings"]
    assert "classes are matched by their position, '0' with 'ant'." in warning


def test_unknown_classes_are_refused(measured: Measure) -> None:
    with pytest.raises(InputError, match=r"^dataset: its class 'Emu' is not one of .* \(ant, bee, cat, dog\)"):
        measured(replace(toy_data(), classes=("ant", "bee", "cat", "Emu")))
    with pytest.raises(InputError, match=r"^dataset: its class '0' is not one of"):
        measured(replace(toy_data(), classes=("0", "1", "2")))


def test_letters_in_both_cases_are_classes_of_their_own() -> None:
    assert match_classes(("A", "B", "a"), ("a", "A"))[0].tolist() == [2, 0]
    assert match_classes(("A", "B"), ("b", "a"))[0].tolist() == [1, 0]
    with pytest.raises(InputError, match="its class 'a' is not one"):
        match_classes(("A", "B", "C"), ("A", "a"))


def test_colour_images_are_converted_to_grey(measured: Measure) -> None:
    grey = toy_data()
    assert isinstance(grey.test.images, torch.Tensor)
    colour = replace(grey, channels=3, test=Split(grey.test.images.expand(-1, 3, -1, -1), grey.test.labels))
    result = measured(colour)
    assert result["notes"] == ["The images are converted to grey, as the network takes one channel."]
    assert result["images"] == 20


def test_any_split_of_the_data_can_be_evaluated(measured: Measure) -> None:
    data = toy_data()
    assert measured(data, "train")["images"] == 40
    with pytest.raises(InputError, match=r"^split: 'validation' is not one of test, train$"):
        measured(data, "validation")
    assert measured(replace(data, validation=data.test), "validation")["images"] == 20
    with pytest.raises(InputError, match=r"^split: 'notes' is not one of test, train$"):
        measured(data, "notes")


def test_progress_is_reported(measured: Measure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.training.weights_evaluation.BATCH", 8)
    measured(toy_data())
    progress: list[tuple[int, int]] = []
    evaluate_weights(
        tmp_path / "w.safetensors", "toys", "test", "cpu", lambda _step, done, total: progress.append((done, total))
    )
    assert [done for done, _total in progress] == sorted(done for done, _total in progress)
    assert progress[-1] == (20, 20)
