"""Tests of weights: made beside, kept by content, and told as the command line tells them."""

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
from explorer.training.measure import Measured, measure
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


def test_a_process_of_its_own_says_what_the_command_line_says(
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


def test_what_is_kept_goes_by_content(folder: Path) -> None:
    testing.make(WEIGHTS, "digits")
    other = folder / "other name.safetensors"
    shutil.copy(WEIGHTS, other)
    assert testing.load_cached(other, "digits") == testing.load_cached(WEIGHTS, "digits") is not None
    other.write_bytes(other.read_bytes() + b"x")
    assert testing.load_cached(other, "digits") is None
    assert testing.load_cached(folder / "gone.safetensors", "digits") is None


def test_data_that_change_are_tested_again(folder: Path) -> None:
    file = folder / "set.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    for images in (pixels, pixels[:40]):
        np.savez(file, images=images, labels=np.arange(len(images)) % 10)
        assert testing.load_cached(WEIGHTS, str(file)) is None
        testing.make(WEIGHTS, str(file))
    tested = testing.load_cached(WEIGHTS, str(file))
    assert tested is not None
    assert len(tested.mistakes) == tested.result["images"] - tested.result["correct"]


@pytest.mark.parametrize("gone", [False, True])
def test_weights_that_change_meanwhile_are_not_taken_for_those_that_were_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    file = folder / "mine.safetensors"
    shutil.copy(WEIGHTS, file)

    def measured(weights: Path, *others: Any) -> Measured:
        found = measure(weights, *others)
        if gone:
            weights.unlink()
        else:
            weights.write_bytes(weights.read_bytes() + b"x")
        return found

    monkeypatch.setattr(testing, "measure", measured)
    with pytest.raises(InputError, match=r"changed while they were tested"):
        testing.make(file, "digits")
    shutil.copy(WEIGHTS, file)  # as before, and as now
    assert testing.load_cached(file, "digits") is None
    assert not list(folder.glob("data/evaluations/*"))


def test_the_oldest_go(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(testing, "KEPT", 1)
    testing.make(WEIGHTS, "digits")
    copy = folder / "copy.safetensors"
    copy.write_bytes(WEIGHTS.read_bytes())
    np.savez(folder / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 10)
    testing.make(copy, str(folder / "set.npz"))
    assert testing.load_cached(WEIGHTS, "digits") is None
    assert testing.load_cached(copy, str(folder / "set.npz")) is not None


def test_what_does_not_fit_is_said(folder: Path) -> None:
    np.savez(folder / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2, classes=["a", "b"])
    with pytest.raises(InputError, match=r"^dataset: its class 'a' is none of those of the weights"):
        testing.make(WEIGHTS, str(folder / "set.npz"))


def test_who_leaves_ends_it() -> None:
    class LeftError(Exception):
        pass

    def leave(step: str, done: int, total: int) -> None:
        raise LeftError

    progress: Progress = leave
    with pytest.raises(LeftError):
        testing.run(WEIGHTS, "digits", progress)
    assert testing.load_cached(WEIGHTS, "digits") is None
