"""A run that was stopped and resumed ends with the same bits as an uninterrupted one."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from explorer.jobs.run_directory import POINT, RunDirectory
from explorer.training import checkpoint
from explorer.training.faults import Fault
from explorer.training.loop import Training
from explorer.training.worker import WorkerCallback
from explorer.weights.files import read_card
from tests.helpers.training import difference, end, final_state, images, job, run, run_results

pytestmark = pytest.mark.exhaustive

STEPS = 12  # of the helpers' runs

RECIPES: dict[str, dict[str, Any]] = {
    "onecycle in bf16": {"precision": "bf16", "augment": ["crop", "rotation", "noise"], "label_smoothing": 0.1},
    "plateau": {"optimizer": "sgd", "schedule": "plateau", "patience": 0, "threshold": 0.9, "warmup_epochs": 1.5},
    "cosine after warm-up": {"optimizer": "nesterov", "schedule": "cosine", "warmup_epochs": 1, "augment": ["cutout"]},
    "average": {"ema": 0.9, "optimizer": "adam", "schedule": "step", "step_size": 1, "augment": ["flip", "crop"]},
    "average in bf16, no validation": {"ema": 0.5, "precision": "bf16", "validation_fraction": 0},
    "boxes, permuted": {"augment": ["random_resized_crop", "permute_pixels"], "schedule": "constant"},
}


def stop_when(monkeypatch: pytest.MonkeyPatch, chosen: set[int] | None) -> list[int]:
    """Requests a stop at some steps, counted over all runs. None means every step."""
    done: list[int] = []
    after_step = WorkerCallback.after_step

    def interrupted(self: WorkerCallback, training: Training) -> None:
        done.append(len(done))
        if chosen is None or done[-1] in chosen:
            self.request_stop(15, None)
        after_step(self, training)

    monkeypatch.setattr(WorkerCallback, "after_step", interrupted)
    return done


def run_to_the_end(folder: Path) -> int:
    """Resumes a run until it is finished, and returns the number of starts."""
    for count in range(1, STEPS + 2):
        assert run(folder) == 0
        if end(folder)["status"] == "finished":
            return count
        assert end(folder) == {"status": "stopped", "error": None, "result": None}
    raise AssertionError


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_stopped_at_every_step_ends_with_the_same_bits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = images(tmp_path / "data.npz")
    alone = job(tmp_path / "alone", data, **RECIPES[name])
    assert run(alone) == 0
    stopped = job(tmp_path / "stopped", data, **RECIPES[name])
    steps = stop_when(monkeypatch, None)
    starts = run_to_the_end(stopped)
    assert len(steps) == STEPS  # no step ran twice
    assert starts == STEPS  # a stop at the last step is too late
    assert difference(run_results(alone), run_results(stopped)) is None


def test_a_resumed_run_keeps_its_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"))
    monkeypatch.setattr("explorer.training.setup.threads", lambda *_arguments: 2)
    with monkeypatch.context() as patch:
        stop_when(patch, {5})
        run(folder)
    assert end(folder)["status"] == "stopped"
    monkeypatch.setattr("explorer.training.setup.threads", lambda *_arguments: 1)
    assert run(folder) == 0
    for weights in (RunDirectory(folder).best, RunDirectory(folder).last):
        card = read_card(weights)
        assert card.made_by["hardware"].endswith(" cpu, 2 threads")
        assert {name.partition("/")[0] for name in card.metrics} <= {
            "epoch",
            "rate",
            "train",
            "validation",
            "test",
            "time",
        }


def test_only_unfinished_runs_have_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"))
    with monkeypatch.context() as patch:
        stop_when(patch, {4})
        run(folder)
    assert RunDirectory(folder).resume.exists()
    run(folder)
    assert not RunDirectory(folder).resume.exists()


def test_two_runs_of_a_job_have_the_same_bits(tmp_path: Path) -> None:
    data = images(tmp_path / "data.npz")
    runs = [job(tmp_path / name, data, augment=["crop"], seed=7) for name in "ab"]
    assert [run(folder) for folder in runs] == [0, 0]
    assert difference(run_results(runs[0]), run_results(runs[1])) is None
    other = job(tmp_path / "c", data, augment=["crop"], seed=8)
    run(other)
    assert (
        difference(run_results(runs[0])["last"], run_results(other)["last"]) is not None
    )  # the comparison detects differences


def test_the_moments_of_checkpoints_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(tmp_path / "data.npz")
    rare = job(tmp_path / "rare", data, ema=0.9, augment=["crop"])
    run(rare)
    monkeypatch.setattr("explorer.training.metrics_logger.SAVE_EVERY", 0.0)
    monkeypatch.setattr("explorer.training.metrics_logger.SAVE_AT_LEAST", 0.0)
    monkeypatch.setattr("explorer.training.metrics_logger.SAVE_SHARE", 1e9)
    often = job(tmp_path / "often", data, ema=0.9, augment=["crop"])
    run(often)
    assert difference(run_results(rare), run_results(often)) is None


def test_a_run_repeats_what_was_lost_after_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill may leave an old checkpoint, metrics and events of later epochs, and an incomplete line."""
    data = images(tmp_path / "data.npz")
    alone = job(tmp_path / "alone", data)
    run(alone)
    killed = job(tmp_path / "killed", data)
    with monkeypatch.context() as patch:
        stop_when(patch, {4})  # in the second epoch
        run(killed)
    checkpoint_bytes = RunDirectory(killed).resume.read_bytes()
    run(killed)
    RunDirectory(killed).resume.write_bytes(checkpoint_bytes)
    with (killed / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 5, "name": "train/lo')
    (killed / ".0123456789abcdef.part").write_bytes(b"half a checkpoint")
    assert run(killed) == 0
    assert difference(run_results(alone), run_results(killed)) is None
    assert not list(killed.glob(".*"))
    assert curves(killed) == written(killed)


def test_tensorboard_events_equal_the_metrics_after_many_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"))
    stop_when(monkeypatch, {1, 2, 5, 6, 9})
    assert run_to_the_end(folder) > 3
    assert {row.epoch for row in RunDirectory(folder).rows() if not row.name.startswith(POINT)} == {1, 2, 3, 4}
    assert curves(folder) == written(folder)


def curves(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Returns the scalars of the TensorBoard events by epoch. Events within epochs count steps."""
    found = {}
    for place, steps in ((folder, 1), (folder / "steps", STEPS / 4)):
        events = EventAccumulator(str(place), {"scalars": 0})
        events.Reload()
        for name in events.Tags()["scalars"]:
            found[name] = [(event.step / steps, event.value) for event in events.Scalars(name)]
    return found


def written(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Returns the metrics of ``metrics.jsonl`` in float32, like the events."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row["name"], []).append((row["epoch"], float(np.float32(row["value"]))))
    return found


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "other"])
def test_a_damaged_checkpoint_ends_the_run(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"))
    with monkeypatch.context() as patch:
        stop_when(patch, {4})
        run(folder)
    path = RunDirectory(folder).resume
    contents = path.read_bytes()
    state = checkpoint.read(path)
    assert state is not None
    weight = next(value for name, value in state["network"].items() if name.endswith("weight"))
    inside = contents.index(weight.numpy().tobytes()) + 5
    flipped = bytes([contents[inside] ^ 1])
    path.write_bytes(
        {
            "cut": contents[:-100],
            "bit": contents[:inside] + flipped + contents[inside + 1 :],
            "empty": b"",
            "other": b"GIF89a",
        }[damage]
    )
    best = RunDirectory(folder).best.exists() and RunDirectory(folder).best.read_bytes()
    assert run(folder) == 1
    error = end(folder)["error"]
    assert error["code"] == "damaged"
    assert str(path) in error["message"]
    assert "\n" not in error["message"]
    assert (RunDirectory(folder).best.exists() and RunDirectory(folder).best.read_bytes()) == best
    path.write_bytes(contents)
    assert run(folder) == 0


def test_random_damage_is_always_detected(tmp_path: Path) -> None:
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"))
    run(folder)
    path = final_state(folder)
    contents = path.read_bytes()
    before = checkpoint.read(path)
    chance = random.Random(0)  # noqa: S311  not used for secrets
    refused = 0
    for _trial in range(150):
        data = bytearray(contents)
        place = chance.randrange(len(data))
        if chance.random() < 0.5:
            data[place] ^= 1 << chance.randrange(8)
        else:
            del data[place:]
        path.write_bytes(data)
        try:
            state = checkpoint.read(path)
        except Fault as fault:
            refused += fault.code == "damaged"
        else:  # the damaged bit is unused, such as padding or a date
            refused += 1
            assert difference(before, state) is None
    assert refused == 150
