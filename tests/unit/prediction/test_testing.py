"""Tests of weights: in another process, cached by content, and with the result of the command line."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.cli.main import main
from explorer.errors import InputError
from explorer.prediction import testing
from explorer.settings import settings
from explorer.training.weights_evaluation import WeightsEvaluation, evaluate_weights
from explorer.weights.registry import PRETRAINED
from explorer.workers.progress import Progress

pytestmark = pytest.mark.process

WEIGHTS = PRETRAINED / "digits-cnn.safetensors"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EXPLORER_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_the_result_equals_that_of_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[int, int]] = []
    assert testing.load_cached(WEIGHTS, "digits") is None
    tested = testing.run(WEIGHTS, "digits", lambda _step, done, total: steps.append((done, total)))
    assert steps
    monkeypatch.setattr(sys, "argv", ["explorer", "evaluate", "digits-cnn", "--dataset", "digits", "--json"])
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capsys.readouterr().out) == tested.result
    assert (tested.result["images"], tested.result["correct"]) == (359, 358)
    assert [mistake["truth"] for mistake in tested.mistakes] == ["5"]
    assert testing.load_cached(WEIGHTS, "digits") == tested


def test_the_cache_depends_on_the_content_of_the_weights(folder: Path) -> None:
    testing.evaluate(WEIGHTS, "digits")
    other = folder / "other name.safetensors"
    shutil.copy(WEIGHTS, other)
    assert testing.load_cached(other, "digits") == testing.load_cached(WEIGHTS, "digits") is not None
    other.write_bytes(other.read_bytes() + b"x")
    assert testing.load_cached(other, "digits") is None
    assert testing.load_cached(folder / "gone.safetensors", "digits") is None


def test_changed_data_are_tested_again(folder: Path) -> None:
    file = folder / "set.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    for images in (pixels, pixels[:40]):
        np.savez(file, images=images, labels=np.arange(len(images)) % 10)
        assert testing.load_cached(WEIGHTS, str(file)) is None
        testing.evaluate(WEIGHTS, str(file))
    tested = testing.load_cached(WEIGHTS, str(file))
    assert tested is not None
    assert len(tested.mistakes) == tested.result["images"] - tested.result["correct"]


@pytest.mark.parametrize("deleted", [False, True])
def test_weights_that_change_during_the_test_have_no_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    file = folder / "mine.safetensors"
    shutil.copy(WEIGHTS, file)

    def measured(weights: Path, *others: Any) -> WeightsEvaluation:
        found = evaluate_weights(weights, *others)
        if deleted:
            weights.unlink()
        else:
            weights.write_bytes(weights.read_bytes() + b"x")
        return found

    monkeypatch.setattr(testing, "evaluate_weights", measured)
    with pytest.raises(InputError, match=r"changed while they were tested"):
        testing.evaluate(file, "digits")
    shutil.copy(WEIGHTS, file)  # the weights that were measured
    assert testing.load_cached(file, "digits") is None
    assert not list(folder.glob("data/evaluations/*"))


def test_the_oldest_result_is_removed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(testing, "MAX_CACHED_TESTS", 1)
    testing.evaluate(WEIGHTS, "digits")
    copy = folder / "copy.safetensors"
    copy.write_bytes(WEIGHTS.read_bytes())
    np.savez(folder / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 10)
    testing.evaluate(copy, str(folder / "set.npz"))
    assert testing.load_cached(WEIGHTS, "digits") is None
    assert testing.load_cached(copy, str(folder / "set.npz")) is not None


def test_unsuitable_data_are_refused(folder: Path) -> None:
    np.savez(folder / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2, classes=["a", "b"])
    with pytest.raises(InputError):
        testing.evaluate(WEIGHTS, str(folder / "set.npz"))


def test_an_exception_of_the_progress_callback_ends_the_test() -> None:
    class LeftError(Exception):
        pass

    def leave(step: str, done: int, total: int) -> None:
        raise LeftError

    progress: Progress = leave
    with pytest.raises(LeftError):
        testing.run(WEIGHTS, "digits", progress)
    assert testing.load_cached(WEIGHTS, "digits") is None
