"""Measurements run in a separate process, one at a time, and too large ones are refused."""

import threading

import pytest
import torch

from explorer.analysis import timing
from explorer.analysis.kernels import Replacement, replacement, single
from explorer.analysis.timing import Workload
from explorer.errors import ExplorerError, InputError
from explorer.workers import subprocess_runner

pytestmark = pytest.mark.exhaustive

STACKS = [single(3), replacement(3, Replacement.SPLIT)]


def test_a_measurement() -> None:
    done = timing.measure(STACKS, Workload(4, 8, 1))
    assert len(done.milliseconds) == 2
    assert all(0 < time < 1000 for time in done.milliseconds)
    assert timing.MIN_REPEATS <= done.repeats <= timing.MAX_REPEATS
    assert done.spread >= 1
    assert done.torch_version == torch.__version__
    assert not timing.is_busy()


def test_a_larger_convolution_takes_longer() -> None:
    small, large = timing.run([single(3), single(15)], Workload(32, 40, 1)).milliseconds
    assert large > small


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (Workload(4096, 64, 1), "of maps and weights|MACs per pass are too many"),
        (Workload(64, 2000, 1), "G MACs per pass are too many to measure here, at most 20.00 G are allowed"),
        (Workload(1, 4096, 200), "GB of maps and weights are too much to measure here"),
    ],
)
def test_too_large_measurements_are_refused(work: Workload, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_runner, "call", lambda *_args: pytest.fail("started"))
    if work.channels == 1:
        monkeypatch.setattr(timing, "MAX_MACS", 10**12)
    with pytest.raises(InputError, match=message):
        timing.measure([single(7)], work)


def test_a_slow_measurement_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "TIME_LIMIT", 0.05)
    with pytest.raises(InputError):
        timing.measure(STACKS, Workload(4, 8, 1))
    assert not timing.is_busy()


def test_a_killed_measurement_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_runner, "_watch", lambda worker, *_rest: worker.kill())
    with pytest.raises(ExplorerError, match="ended early, with status -9; the machine may be short of memory"):
        timing.measure(STACKS, Workload(4, 8, 1))
    assert not timing.is_busy()


def test_measurements_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_runner, "LOCK_TIMEOUT", 0.05)
    with timing._measurement_lock:
        assert timing.is_busy()
        with pytest.raises(InputError, match="this is still in use by others; try again in a minute"):
            timing.measure(STACKS, Workload(4, 8, 1))


def test_only_one_runs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running, peak = 0, 0

    def call(*_request: object) -> list[object]:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        threading.Event().wait(0.05)
        running -= 1
        return [[1.0, 2.0], 1.0, 5, "CPU", 1, "2"]

    monkeypatch.setattr(subprocess_runner, "call", call)
    threads = [threading.Thread(target=timing.measure, args=(STACKS, Workload(4, 8, 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak == 1
