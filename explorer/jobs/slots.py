"""Slots that the jobs of this machine share: one for each GPU, and one or several for the CPU."""

import os
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any, Protocol

import pynvml

from explorer.errors import ExplorerError
from explorer.i18n import _
from explorer.jobs.store import Record

CPU = "cpu"
CLUSTER = "ray"  # the only slot of a job that a cluster runs
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """Returns the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    if (visible := os.environ.get(VISIBLE_GPUS)) is not None:
        names = (name.strip() for name in visible.split(","))
        return list(takewhile(lambda name: name and not name.startswith("-"), names))  # CUDA also stops at -1
    try:
        pynvml.nvmlInit()
        return [str(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:  # no driver
        return []


def environment(slots: Iterable[str]) -> dict[str, str]:
    """Returns environment variables that show a job only its own slots."""
    numbers = [slot for slot in slots if slot != CPU]
    return {VISIBLE_GPUS: ",".join(numbers)}


class Slots(Protocol):
    """Decides which job starts next, and on which slots.

    Attributes:
        gpus: Names of the GPUs.
        cpu_slots: Number of slots for jobs on the CPU.
        gpus_elsewhere: Most GPUs of another machine that takes jobs from the same queue.
    """

    gpus: list[str]
    cpu_slots: int
    gpus_elsewhere: int

    def next_job(self, queued: Iterable[Record], at_work: Iterable[Record]) -> "tuple[Record, list[str]] | None":
        """Returns the next job to start, and its slots. None if no job can start."""

    def check(self, resources: Mapping[str, Any]) -> None:
        """Refuses a job that would wait forever."""


class SlotPool:
    """The slots of this machine.

    Attributes:
        gpus: Names of the GPUs.
        cpu_slots: Number of slots for jobs on the CPU.
        gpus_elsewhere: Most GPUs of another machine that takes jobs from the same queue.
    """

    def __init__(self, gpus: list[str], cpu_slots: int) -> None:
        self.gpus = gpus
        self.cpu_slots = cpu_slots
        self.gpus_elsewhere = 0

    def next_job(self, queued: Iterable[Record], at_work: Iterable[Record]) -> "tuple[Record, list[str]] | None":
        """Returns the next job to start, and its slots. None if no job can start.

        This is the first job in the queue whose slots are free, unless an earlier job waits for slots of the same kind.
        Jobs that only another machine can run are left to it.
        """
        occupied = [slot for record in at_work for slot in record.slots]
        free_gpus = [gpu for gpu in self.gpus if gpu not in occupied]
        free_cpu = self.cpu_slots - occupied.count(CPU)
        waiting = set()
        for record in queued:
            on_gpu = self._on_gpu(record.resources)
            if on_gpu and self._needs_other_machine(record.resources):
                continue
            count = min(record.resources["processes"], len(self.gpus)) if on_gpu else 1
            if on_gpu not in waiting and count <= (len(free_gpus) if on_gpu else free_cpu):
                return record, free_gpus[:count] if on_gpu else [CPU]
            waiting.add(on_gpu)
        return None

    def check(self, resources: Mapping[str, Any]) -> None:
        """Refuses a job that would wait forever.

        Raises:
            ExplorerError: If it needs more GPUs than there are.
        """
        if resources["device"] == "cuda" and resources["processes"] > len(self.gpus):
            if self.gpus_elsewhere:
                raise ExplorerError(
                    _("processes: {wanted} need as many GPUs, and no machine has more than {count}").format(
                        wanted=resources["processes"], count=max(len(self.gpus), self.gpus_elsewhere)
                    )
                )
            raise ExplorerError(
                _("processes: {wanted} need as many GPUs, and this machine has {count}").format(
                    wanted=resources["processes"], count=len(self.gpus)
                )
            )

    def _on_gpu(self, resources: Mapping[str, Any]) -> bool:
        has_gpus = bool(self.gpus or self.gpus_elsewhere)
        return resources["device"] == "cuda" or (resources["device"] == "auto" and has_gpus)

    def _needs_other_machine(self, resources: Mapping[str, Any]) -> bool:
        """Returns whether another machine has enough GPUs for a job, or more than this one, and this one too few."""
        wanted: int = resources["processes"]
        if resources["device"] == "auto":  # it takes as many as there are
            wanted = min(wanted, max(len(self.gpus), self.gpus_elsewhere))
        return len(self.gpus) < wanted <= self.gpus_elsewhere
