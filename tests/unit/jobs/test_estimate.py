"""Estimate of a run's duration, compared with a calculation by hand and with real runs."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.jobs.estimate import Throughput, estimate_seconds
from explorer.jobs.job import Job
from explorer.jobs.run_directory import RunDirectory
from explorer.training import throughput
from explorer.weights.files import read
from tests.helpers.training import SPEC, job, run

pytestmark = pytest.mark.process

TIMES = 4  # largest factor between estimate and real duration


def test_a_case_by_hand() -> None:
    measured = Throughput(0.5, 0.01, batch_size=50, startup=3, ready_startup=1, device="cpu", precision="fp32")
    assert estimate_seconds(measured, epochs=10, train=900, validation=100, test=200) == pytest.approx(
        3 + 10 * (18 * 0.5 + 1) + 2
    )
    assert estimate_seconds(measured, epochs=1, train=50, validation=0, test=0) == pytest.approx(3.5)
    assert estimate_seconds(measured, epochs=1, train=50, validation=0, test=0, is_ready=True) == pytest.approx(1.5)


def test_a_real_run_takes_about_the_estimated_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures CPU time of one thread, which other programs hardly lengthen."""
    monkeypatch.setattr(throughput, "time", SimpleNamespace(time=time.time, perf_counter=time.process_time))
    monkeypatch.setattr(throughput, "MIN_SECONDS", 0.5)
    random = np.random.default_rng(0)
    data = tmp_path / "data.npz"
    np.savez(data, images=random.integers(0, 256, (1000, 24, 24), dtype=np.uint8), labels=np.arange(1000) % 3)
    spec = {**SPEC, "cfg": [16, 16, "M", 32, "M"], "image_size": 24}
    folder = job(tmp_path / "run", str(data), spec, epochs=3, batch_size=50, augment=["flip", "crop"])
    begin = time.process_time()
    assert run(folder) == 0
    seconds = time.process_time() - begin
    written = Job.read(folder)
    counts = read(RunDirectory(folder).best)[1].data
    parts = {name: counts[f"{name}_images"] for name in ("train", "validation", "test")}
    assert sum(parts.values()) == 1000
    try:
        measured = throughput.measure_throughput(written.spec, written.recipe, written.resources)
    finally:
        torch.set_flush_denormal(False)
    expected = estimate_seconds(replace(measured, startup=0), epochs=3, **parts)
    assert expected / TIMES < seconds < expected * TIMES, (expected, seconds)
