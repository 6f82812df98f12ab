"""Batch norm over the batches of all processes, so that several processes train as one would.

PyTorch's own ``SyncBatchNorm`` runs on GPUs only. This module replaces it on other devices.
"""

from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes. Its gradient is summed over all processes, too."""

    @staticmethod
    def forward(_context: Any, own: Tensor) -> Tensor:
        total = own.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        torch.distributed.all_reduce(total)
        return total


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """``BatchNorm2d`` with mean and variance over the images of all processes.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the base class
        """Maps (N, C, H, W) to the same shape."""
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None  # noqa: S101  for the type checker; our networks have all three
        assert self.running_var is not None  # noqa: S101
        assert self.momentum is not None  # noqa: S101
        x = input.float()
        cells = x.numel() // x.size(1)
        sums = _summed(torch.cat([x.sum((0, 2, 3)), x.new_tensor([cells])]))
        count, mean = sums[-1].detach(), sums[:-1] / sums[-1].detach()
        centred = x - mean[:, None, None]
        variance = _summed(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        normalised = centred * (variance + self.eps).rsqrt()[:, None, None]
        return (normalised * self.weight[:, None, None] + self.bias[:, None, None]).to(input.dtype)


def _summed(own: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(own)
    return total


def synchronise_norms(network: nn.Module, device: torch.device) -> nn.Module:
    """Makes the batch norm layers of a network work over all processes. Tensors and their names stay the same."""
    if device.type == "cuda":
        synced: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return synced
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm2d
    return network
