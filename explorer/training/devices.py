"""The device, precision and memory format in which a network trains."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch import nn

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Resources

# Below this many multiply-accumulates in a batch, casting costs more than bf16 saves (benchmarks/precision.py).
WORTH_CASTING = 100_000_000
# Below this many, threads cost more by waiting for one another than they save (benchmarks/threads.py).
WORTH_THREADS = 100_000_000
LOAD_SECONDS = 0.5  # seconds for which the load is measured


@dataclass(frozen=True)
class Plan:
    """Device, precision and memory format of a run's steps.

    Attributes:
        device: Device of weights and images.
        dtype: Type for autocast. float32 means no autocast.
        memory_format: Memory format of images and convolution weights.
    """

    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format

    def autocast(self) -> AbstractContextManager[Any]:
        """Returns the context manager for the forward pass."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def scaler(self) -> torch.amp.GradScaler:
        """Returns the scaler that keeps small float16 gradients from underflow. It does nothing in other precisions."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


def choose_device(wanted: str, rank: int = 0) -> torch.device:
    """Returns the device of a process.

    Raises:
        InputError: If the machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kind = next(kind for kind, available in there.items() if available) if wanted == "auto" else wanted
    if not there.get(kind):
        raise InputError(
            _("device: this machine has no {kind} that PyTorch can use; choose auto or cpu").format(kind=kind)
        )
    if kind == "cuda":
        count = torch.cuda.device_count()
        if rank >= count:
            raise InputError(
                _("processes: {wanted} need as many GPUs, and this machine has {count}").format(
                    wanted=rank + 1, count=count
                )
            )
        return torch.device(kind, rank)
    return torch.device(kind)


def threads(resources: Resources, device: torch.device, batch_macs: int) -> int:
    """Returns the number of threads for a process.

    It is the number in the job's resources, if there is one. On a GPU it is the process's share of the cores. On a CPU
    it is 1 for a small batch, and otherwise the share; a single process also leaves out the cores that other programs
    keep busy, because one thread that waits for a core holds up all the others.

    Args:
        resources: Resources of the job.
        device: Device that the job trains on.
        batch_macs: Multiply-accumulates of the forward pass of the process's part of a batch.
    """
    share = resources.share_of_cores()
    if resources.threads is not None or device.type != "cpu" or share == 1:
        return share
    if batch_macs < WORTH_THREADS:
        return 1
    if resources.processes > 1:  # each process would count the job's other processes as other programs
        return share
    return max(1, min(share, (os.cpu_count() or 1) - round(busy_cores())))


def busy_cores() -> float:
    """Returns the number of cores that other programs keep busy. Measures for half a second.

    The result is the lower one of the present load and the load of the last minute. So it ignores short loads, such as
    the run of a page, and loads that are over, such as a job that has just ended.
    """
    now = psutil.cpu_percent(LOAD_SECONDS) / 100 * (os.cpu_count() or 1)
    return min(now, psutil.getloadavg()[0])


def make_plan(network: nn.Module, device: torch.device, precision: str, batch_macs: int) -> Plan:
    """Chooses autocast and channels_last where the device gains by them.

    Args:
        network: Network to train.
        device: Device to train on.
        precision: Precision of the recipe: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        batch_macs: Multiply-accumulates of the forward pass of one batch.

    Raises:
        InputError: If the device can't compute in that precision.
    """
    if precision == "fp16" and device.type == "cpu":
        raise InputError(_("precision: fp16 needs a GPU; a CPU trains in fp32 or bf16"))
    named = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    dtype = named[precision] if precision in named else _best_dtype(device, batch_macs)
    safe = device.type != "cpu" or _has_safe_kernels(dtype)
    return Plan(device, dtype, forward_format(network, device) if safe else torch.contiguous_format)


def forward_format(network: nn.Module, device: torch.device) -> torch.memory_format:
    """Chooses the memory format in which the forward pass is fastest: channels_last for convolutions, except on MPS."""
    convolutional = any(isinstance(module, nn.Conv2d) for module in network.modules())
    return torch.channels_last if convolutional and device.type != "mps" else torch.contiguous_format


def _best_dtype(device: torch.device, batch_macs: int) -> torch.dtype:
    if device.type == "cuda":
        # Emulated bf16 (before Ampere) is slower than float16 on the same chip.
        emulated = not torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.float16 if emulated else torch.bfloat16
    if device.type == "cpu" and _has_bf16_units() and batch_macs >= WORTH_CASTING:
        return torch.bfloat16
    return torch.float32


def _has_safe_kernels(dtype: torch.dtype) -> bool:
    """Returns whether channels_last convolutions are safe on this CPU.

    In float32 without AVX-512, the backward pass of PyTorch 2.14 writes outside its memory, which crashes the process.
    Seen with a residual network on a CPU that has AVX2 only.
    """
    return dtype is not torch.float32 or torch.backends.cpu.get_cpu_capability() == "AVX512"


def _has_bf16_units() -> bool:
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
