"""The load of this machine: CPU, memory and GPUs."""

from dataclasses import dataclass
from functools import cache

import psutil
import pynvml


@dataclass(frozen=True)
class Gpu:
    """The load of one GPU.

    Attributes:
        name: Product name.
        load: Share of recent time in which it worked, from 0 to 1. None if the driver does not report it.
        used: Memory in use, in bytes.
        total: Memory, in bytes.
    """

    name: str
    load: float | None
    used: int
    total: int


@dataclass(frozen=True)
class Machine:
    """The load of the machine at one moment.

    Attributes:
        load: Load of all cores since the last measurement, from 0 to 1.
        used: Main memory in use, in bytes.
        total: Main memory, in bytes.
        gpus: Load of each GPU.
    """

    load: float
    used: int
    total: int
    gpus: tuple[Gpu, ...]


def read_load() -> Machine:
    """Measures the load of the machine now."""
    memory = psutil.virtual_memory()
    return Machine(
        load=psutil.cpu_percent() / 100,
        used=memory.total - memory.available,
        total=memory.total,
        gpus=_gpus() if _has_driver() else (),
    )


@cache
def _has_driver() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no NVIDIA GPU, or no driver
        return False
    return True


def _gpus() -> tuple[Gpu, ...]:
    found = []
    for number in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(number)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        name = pynvml.nvmlDeviceGetName(handle)
        found.append(Gpu(name, _load(handle), int(memory.used), int(memory.total)))
    return tuple(found)


def _load(handle: object) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
    except pynvml.NVMLError:  # a slice of a GPU (MIG) reports no load
        return None
