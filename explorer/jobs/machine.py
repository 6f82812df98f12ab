"""How busy this machine is: processor, memory, and GPUs where there are any."""

from dataclasses import dataclass
from functools import cache

import psutil
import pynvml


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        name: of the product.
        load: share of the last moments in which it worked, from 0 to 1; none where the driver doesn't tell.
        used: bytes of its memory.
        total: bytes of its memory.
    """

    name: str
    load: float | None
    used: int
    total: int


@dataclass(frozen=True)
class Machine:
    """One look at the machine.

    Attributes:
        load: of all cores since the last look, from 0 to 1.
        used: bytes of main memory.
        total: bytes of main memory.
    """

    load: float
    used: int
    total: int
    gpus: tuple[Gpu, ...]


def look() -> Machine:
    """How busy the machine is now."""
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
    except pynvml.NVMLError:  # a slice of a GPU (MIG) has none
        return None
