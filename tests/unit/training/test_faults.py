"""Every cause that ends a run early: one end with cause and remedy, and the last checkpoint is kept."""

import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from explorer.jobs.run_directory import RunDirectory
from explorer.training import checkpoint, faults, loop
from explorer.training.faults import ChanceWatch, Fault, to_fault
from explorer.training.loop import Training
from explorer.training.worker import WorkerCallback
from explorer.weights import files
from tests.helpers.training import CLASSES, SPEC, difference, end, images, job, run, run_results

pytestmark = pytest.mark.exhaustive


def failed(folder: Path) -> tuple[str, str]:
    """Runs a job that fails, checks its files, and returns code and message of the error."""
    begin = time.monotonic()
    assert run(folder) == 1
    assert time.monotonic() - begin < 60  # it ends
    directory = RunDirectory(folder)
    ended = end(folder)
    assert (ended["status"], ended["result"]) == ("failed", None)
    message = ended["error"]["message"]
    assert "\n" not in message
    assert "Traceback" not in message
    if state := checkpoint.read(directory.resume):
        assert all(tensor.isfinite().all() for tensor in state["network"].values())
    for path in (directory.best, directory.last):
        if path.exists():
            network, _card = files.load(path)
            assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    return ended["error"]["code"], message


@pytest.mark.usefixtures("often")
def test_too_large_steps_end_the_run(tmp_path: Path) -> None:
    spec = {**SPEC, "batch_norm": False, "dropout": 0.0, "classifier": [64, 64]}
    recipe = {"optimizer": "sgd", "lr": 10.0, "schedule": "constant", "clip_norm": None, "epochs": 50}
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"), spec, **recipe)
    code, message = failed(folder)
    assert code == "not_finite"
    assert "Lower lr (it stood at 10)" in message
    assert "clip_norm" in message


@pytest.mark.parametrize("recipe", [{}, {"validation_fraction": 0}, {"ema": 0.9}, {"precision": "bf16"}])
@pytest.mark.parametrize("step", [6, 11, 12])
def test_weights_that_become_nan_end_the_run(
    step: int, recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    """Also after the last step of an epoch and of the run, where no later loss would reveal it."""
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"), **recipe)
    done = 0
    real = loop.step

    def break_one(training: Training, batch: Any, **options: bool) -> Tensor:
        nonlocal done
        result = real(training, batch, **options)
        done += 1
        if done == step:
            with torch.no_grad():
                next(training.network.parameters())[0] = float("nan")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(loop, "step", break_one)
        code, _message = failed(folder)
    assert code == "not_finite"
    state = checkpoint.read(RunDirectory(folder).resume)
    assert state is not None
    assert state["epoch"] * 3 + state["batch"] == step - 1
    assert run(folder) == 0


def test_accuracy_at_chance_for_long_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PATIENCE_STEPS", 1)
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"), lr=1e-9, schedule="constant", epochs=30)
    code, message = failed(folder)
    assert code == "at_chance"
    assert "for 10 epochs" in message
    assert "lower lr" in message


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.05, 0.05]])
def test_guessing_counts_as_chance_and_learning_does_not(shares: list[float]) -> None:
    random = np.random.default_rng(0)
    labels = torch.from_numpy(random.choice(len(shares), 2000, p=shares))
    most, entropy = max(shares), -sum(share * np.log(share) for share in shares)
    guessing, learning = (ChanceWatch(labels, len(shares), steps=100) for _watch in range(2))
    for _epoch in range(9):
        guessing.after_epoch(most, entropy)
    with pytest.raises(Fault, match="for 10 epochs"):
        guessing.after_epoch(most, entropy)
    for _epoch in range(50):
        learning.after_epoch(most, 0.9 * entropy)  # accuracy moves later than loss
    learning.after_epoch(most, entropy)
    assert learning.epochs == 1


def photographs(folder: Path) -> Path:
    """Writes 12 images of different sizes for each of 3 classes, and returns the folder."""
    random = np.random.default_rng(0)
    for index in range(12 * CLASSES):
        pixels = random.integers(0, 60, (10 + index % 5, 12), dtype=np.uint8)
        pixels[2 + index % CLASSES * 2] += 150
        place = folder / f"class {index % CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{index}.png")
    return folder


def test_images_deleted_while_they_are_read_end_the_run(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = photographs(tmp_path / "photographs")
    recipe: dict[str, Any] = {"augment": ["random_resized_crop"], "batch_size": 4, "epochs": 3}
    alone = job(tmp_path / "alone", str(source), **recipe)
    assert run(alone) == 0
    folder = job(tmp_path / "run", str(source), **recipe)
    after_step = WorkerCallback.after_step

    def take_away(self: WorkerCallback, training: Training) -> None:
        if source.exists():
            shutil.move(source, tmp_path / "elsewhere")
        after_step(self, training)

    def stop(self: WorkerCallback, training: Training) -> None:
        self.request_stop(15, None)
        after_step(self, training)

    with monkeypatch.context() as patch:
        patch.setattr(WorkerCallback, "after_step", stop)
        assert run(folder) == 0  # inside an epoch of streamed images
    with monkeypatch.context() as patch:
        patch.setattr(WorkerCallback, "after_step", take_away)
        code, message = failed(folder)
    assert code == "vanished"
    assert str(source) in message
    assert "put it back and resume" in message
    code, message = failed(folder)
    assert code == "input"  # the folder is missing when the run starts
    assert str(source) in message
    shutil.move(tmp_path / "elsewhere", source)
    assert run(folder) == 0
    assert difference(run_results(alone), run_results(folder)) is None


def test_a_batch_may_be_larger_than_the_data_set(tmp_path: Path) -> None:
    assert run(job(tmp_path / "run", images(tmp_path / "data.npz"), batch_size=65_536)) == 0


def test_a_run_that_fails_early_replaces_its_older_end(tmp_path: Path) -> None:
    data = Path(images(tmp_path / "data.npz"))
    folder = job(tmp_path / "run", str(data))
    assert run(folder) == 0
    data.unlink()
    assert failed(folder)[0] == "input"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."), "out_of_memory"),
        (RuntimeError("std::bad_alloc"), "out_of_memory"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "out_of_memory"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "x"), "disk_full"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "x"), "vanished"),
        (RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed. "), "process_lost"),
        (ZeroDivisionError("division\nby zero"), "internal"),
    ],
)
def test_every_exception_becomes_a_fault(error: Exception, code: str) -> None:
    fault = to_fault(error, 32)
    assert fault.code == code
    assert "\n" not in str(fault)
    assert len(str(fault)) > 30


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "out_of_memory",
            "batches of 32",
        ),
        ("CUDA error: out of memory", "out_of_memory", "batches of 32"),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`", "cuda", "LD_LIBRARY_PATH"),
        ("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED", "cuda", "LD_LIBRARY_PATH"),
        ("The NVIDIA driver on your system is too old .", "driver", "update the driver"),
        ("CUDA driver version is insufficient for CUDA runtime version", "driver", "update the driver"),
        ("CUDA error: no kernel image is available for execution on the device", "cuda", "install another PyTorch"),
        ("CUDA error: device-side assert triggered", "cuda", "a label that is not a class"),
        ("NCCL error in: ProcessGroupNCCL.cpp:1275, unhandled system error", "process_lost", "processes 1"),
        ("CUDA error: an illegal memory access was encountered", "cuda", "set device to cpu"),
    ],
)
def test_errors_of_cuda_become_faults(message: str, code: str, words: str) -> None:
    fault = to_fault(RuntimeError(message), 32)
    assert fault.code == code
    assert words in str(fault)
    assert "\n" not in str(fault)
    assert "Error" not in str(fault)


def test_other_errors_are_not_taken_for_errors_of_cuda() -> None:
    assert to_fault(RuntimeError("shape '[2]' is invalid for input of size 3"), 32).code == "internal"
