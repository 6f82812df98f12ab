"""How long stacks of convolutions take on this machine: measured on request, in a process of its own.

Only one runs at a time, because two would slow each other down and both would report wrong times.
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
from explorer.i18n import _
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve
from explorer.workers.subprocess_runner import Limits

MAX_MACS = 20 * 10**9  # of one pass: about a second on one core
MAX_BYTES = 10**9  # of the largest two maps and all weights
LONGEST = 60.0  # seconds until a measurement is given up
BUDGET = 3.0  # seconds of repeats, beyond the least number of them
WARM_UP, LEAST, MOST = 2, 5, 50

_one_at_a_time = threading.Lock()


class Work(NamedTuple):
    """What is measured: a batch of maps of C channels and ``side`` x ``side`` cells."""

    channels: int
    side: int
    batch: int


class Timing(NamedTuple):
    """Median milliseconds of each stack's forward pass, and what they were measured with.

    ``spread`` is how many times as long the slower quarter of the passes took as the quicker, of the worst stack.
    """

    milliseconds: tuple[float, ...]
    spread: float
    repeats: int
    device: str
    threads: int
    torch_version: str


def busy() -> bool:
    """Whether a measurement is running, so that another would have to wait."""
    return _one_at_a_time.locked()


def check(stacks: Sequence[Stack], work: Work) -> None:
    """Refuse what would take too long or too much memory.

    Raises:
        InputError: naming the amount and the limit.
    """
    macs = work.batch * max(stack.macs(work.channels, work.side) for stack in stacks)
    if macs > MAX_MACS:
        raise InputError(
            _(
                "{macs} G MACs a pass are too many to measure here, where {limit} G is the most; take fewer "
                "channels, a smaller map or a smaller batch"
            ).format(macs=f"{macs / 10**9:,.1f}", limit=MAX_MACS // 10**9)
        )
    values = 2 * work.batch * work.channels * work.side**2 + sum(stack.weights(work.channels) for stack in stacks)
    if 4 * values > MAX_BYTES:
        raise InputError(
            _(
                "{size} GB of maps and weights are too much to measure here, where {limit} GB is the most; take "
                "fewer channels, a smaller map or a smaller batch"
            ).format(size=f"{4 * values / 10**9:,.1f}", limit=MAX_BYTES // 10**9)
        )


def measure(stacks: Sequence[Stack], work: Work) -> Timing:
    """Median time of a forward pass of each stack, without gradients, in float32.

    Waits while another measurement runs.

    Raises:
        InputError: where it is too large, takes too long, or the machine stays busy.
        ExplorerError: where the process failed.
    """
    check(stacks, work)
    request = [[stack.kernels for stack in stacks], work]
    with subprocess_runner.locked(_one_at_a_time):
        found = cast(list[Any], subprocess_runner.call("explorer.analysis.timing", request, Limits(LONGEST)))
    milliseconds, *rest = found
    return Timing(tuple(milliseconds), *rest)


def run(stacks: Sequence[Stack], work: Work) -> Timing:
    """Measure in this process: each stack in turn, so that a slow moment of the machine hits all of them."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    networks = [_network(stack, work.channels).to(device).eval() for stack in stacks]
    maps = torch.randn(work.batch, work.channels, work.side, work.side, device=device)
    seconds: list[list[float]] = [[] for _network in networks]
    with torch.inference_mode():
        for network in networks:
            for _turn in range(WARM_UP):
                network(maps)
        started = time.perf_counter()
        while len(seconds[0]) < LEAST or (len(seconds[0]) < MOST and time.perf_counter() - started < BUDGET):
            for network, taken in zip(networks, seconds, strict=True):
                taken.append(_seconds(network, maps))
    return Timing(
        tuple(1000 * statistics.median(taken) for taken in seconds),
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
    _settle(maps.device)
    start = time.perf_counter()
    network(maps)
    _settle(maps.device)
    return time.perf_counter() - start


def _settle(device: torch.device) -> None:
    # CUDA works in the background: without waiting we would time the launch alone.
    if device.type == "cuda":
        torch.cuda.synchronize()


def answer(request: Any, _progress: Progress) -> Timing:
    """Measure what :func:`measure` asks for, in this process."""
    kernels, size = request
    return run([Stack(tuple(Kernel(*kernel) for kernel in stack)) for stack in kernels], Work(*size))


if __name__ == "__main__":
    serve(answer)
