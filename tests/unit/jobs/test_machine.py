"""The load of the machine, with a fake driver instead of a GPU."""

from types import SimpleNamespace

import psutil
import pynvml
import pytest

from explorer.jobs import machine


@pytest.fixture(autouse=True)
def _fresh() -> None:
    machine._has_driver.cache_clear()


def test_without_a_driver_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    load_now = machine.read_load()
    assert load_now.gpus == ()
    assert load_now.total == psutil.virtual_memory().total
    assert 0 < load_now.used < load_now.total
    assert 0 <= load_now.load <= 1


def test_every_gpu_is_listed_even_without_a_reported_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(handle: int) -> SimpleNamespace:
        if handle:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return SimpleNamespace(gpu=73)

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda number: number)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda handle: f"card {handle}")
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda _handle: SimpleNamespace(used=3, total=8))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", load)
    assert machine.read_load().gpus == (machine.Gpu("card 0", 0.73, 3, 8), machine.Gpu("card 1", None, 3, 8))
    machine._has_driver.cache_clear()
