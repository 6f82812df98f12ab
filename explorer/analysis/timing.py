"""Measured times of stacks of convolutions on this machine, in a separate process.

Only one measurement runs at a time, because two would slow each other down.
"""

import statistics
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import nn

from explorer.analysis.kernels import Kernel, Stack
from explorer.errors import InputError
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve
from explorer.workers.subprocess_runner import Limits

MAX_MACS = 20 * 10**9  # MACs of a pass: about a second on one core
MAX_BYTES = 10**9  # bytes of the two largest maps and all weights
TIME_LIMIT = 60.0  # seconds of a measurement
REPEAT_SECONDS = 3.0  # seconds in which repeats beyond MIN_REPEATS may start
WARM_UP, MIN_REPEATS, MAX_REPEATS = 2, 5, 50

_measurement_lock = threading.Lock()


class Workload(NamedTuple):
    """A batch of maps with ``side`` x ``side`` cells."""

    channels: int
    side: int
    batch: int


class Timing(NamedTuple):
    """Median milliseconds of a forward pass of each stack, and the conditions of the measurement.

    ``spread`` is the largest ratio of the upper to the lower quartile of a stack's times.
    """

    milliseconds: tuple[float, ...]
    spread: float
    repeats: int
    device: str
    threads: int
    torch_version: str


def is_busy() -> bool:
    """Whether a measurement is running; another one has to wait."""
    return _measurement_lock.locked()


def check(stacks: Sequence[Stack], work: Workload) -> None:
    """Checks that a measurement takes neither too long nor too much memory.

    Raises:
        InputError: If it does.
    """
    macs = work.batch * max(stack.macs(work.channels, work.side) for stack in stacks)
    if macs > MAX_MACS:
        raise InputError(
            _(
                "{macs} MACs per pass are too many to measure here, at most {limit} are allowed; take fewer "
                "channels, a smaller map or a smaller batch"
            ).format(macs=short(macs), limit=short(MAX_MACS))
        )
    values = 2 * work.batch * work.channels * work.side**2 + sum(stack.weights(work.channels) for stack in stacks)
    if 4 * values > MAX_BYTES:
        raise InputError(
            _(
                "{size} of maps and weights are too much to measure here, at most {limit} are allowed; "
                "take fewer channels, a smaller map or a smaller batch"
            ).format(size=bytes_short(4 * values), limit=bytes_short(MAX_BYTES))
        )


def measure(stacks: Sequence[Stack], work: Workload) -> Timing:
    """Measures a forward pass of each stack in a separate process, without gradients, in float32.

    Waits while another measurement runs.

    Raises:
        InputError: If the workload is too large, the measurement takes too long, or the machine stays busy.
        ExplorerError: If the process failed.
    """
    check(stacks, work)
    request = [[stack.kernels for stack in stacks], work]
    with subprocess_runner.locked(_measurement_lock):
        result = cast(list[Any], subprocess_runner.call("explorer.analysis.timing", request, Limits(TIME_LIMIT)))
    milliseconds, *rest = result
    return Timing(tuple(milliseconds), *rest)


def run(stacks: Sequence[Stack], work: Workload) -> Timing:
    """Measures in this process, alternating between stacks so that a slow moment of the machine affects all of them."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    networks = [_network(stack, work.channels).to(device).eval() for stack in stacks]
    maps = torch.randn(work.batch, work.channels, work.side, work.side, device=device)
    seconds: list[list[float]] = [[] for _network in networks]
    with torch.inference_mode():
        for network in networks:
            for _repeat in range(WARM_UP):
                network(maps)
        started = time.perf_counter()
        while len(seconds[0]) < MIN_REPEATS or (
            len(seconds[0]) < MAX_REPEATS and time.perf_counter() - started < REPEAT_SECONDS
        ):
            for network, times in zip(networks, seconds, strict=True):
                times.append(_seconds(network, maps))
    return Timing(
        tuple(1000 * statistics.median(times) for times in seconds),
        max(high / low for low, _middle, high in map(statistics.quantiles, seconds)),
        len(seconds[0]),
        torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        torch.get_num_threads(),
        torch.__version__,
    )


def _network(stack: Stack, channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kernel in stack.kernels:
        layers += [nn.Conv2d(channels, channels, kernel, padding="same", bias=False), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _seconds(network: nn.Module, maps: torch.Tensor) -> float:
    _synchronize(maps.device)
    start = time.perf_counter()
    network(maps)
    _synchronize(maps.device)
    return time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    # CUDA is asynchronous: without synchronisation, only the launch would be timed.
    if device.type == "cuda":
        torch.cuda.synchronize()


def handle(request: Any, _progress: Progress) -> Timing:
    """Handles a request of :func:`measure`."""
    kernels, size = request
    return run([Stack(tuple(Kernel(*kernel) for kernel in stack)) for stack in kernels], Workload(*size))


if __name__ == "__main__":
    serve(handle)
