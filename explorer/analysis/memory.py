"""The memory of a training step.

It is measured, not estimated: in one forward pass in training mode on meta, autograd reports the tensors that it saves
for the backward pass (``saved_tensors_hooks``). Shared memory counts once.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, UntypedStorage, nn

from explorer.analysis.devices import Device, DeviceKernels
from explorer.analysis.trace import MetaMode

FLOAT32 = 4
MAX_BATCH = 65_536


class Precision(StrEnum):
    """Precision of activations in training; weights, gradients and optimizer state are float32."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


# Numbers in float32 that an optimizer stores per parameter.
OPTIMIZER_STATE = {"sgd": 0, "momentum": 1, "adam": 2}


@dataclass(frozen=True, slots=True)
class SavedBytes:
    """Bytes that autograd saves for the backward pass, for one batch in float32.

    Autocast halves ``maps``, but not ``others`` (statistics, indices).
    """

    maps: int
    others: int


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes of a training step by purpose."""

    weights: int
    half_copy: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """Sum of the parts."""
        return self.weights + self.half_copy + self.gradients + self.optimizer + self.activations


def saved_for_backward(
    network: nn.Module, shape: tuple[int, ...], device: Device = Device.CPU, *, half: bool = False
) -> SavedBytes:
    """Measures the tensors that autograd saves for one batch.

    Args:
        network: Network on meta, in training mode.
        shape: Shape of the batch, (N, C, H, W).
        device: Device of the training.
        half: Whether activations have 16 bits, which selects other kernels; the sizes are still those of float32.

    Raises:
        ValueError, RuntimeError: From PyTorch, if the network can't train on such a batch.
    """
    own = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
    kernels = DeviceKernels(device, half=half)
    sizes: dict[int, tuple[int, bool]] = {}
    alive: list[UntypedStorage] = []  # keeps storages alive, because the address of a freed storage is used again

    def pack(tensor: Tensor) -> None:
        # Don't return the tensor: the graph, which the tensor owns, would own it, a cycle that gc can't see.
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            sizes[storage._cdata] = (storage.nbytes(), tensor.is_floating_point() and tensor.dim() > 1)
            alive.append(storage)

    batch = torch.empty(shape, device="meta")
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value)
    with MetaMode(), kernels, torch.enable_grad(), hooks:
        network(batch)
    statistics = {tensor.untyped_storage()._cdata for tensor in kernels.statistics}
    maps = sum(size for storage, (size, is_map) in sizes.items() if is_map and storage not in statistics)
    return SavedBytes(maps, sum(size for size, _is_map in sizes.values()) - maps)


def training_memory(
    params: int, trainable: int, saved: SavedBytes, optimizer: str, precision: Precision
) -> TrainingMemory:
    """Returns the memory of a training step.

    Args:
        params: Number of parameters, auxiliary heads included.
        trainable: Number of parameters with gradients.
        saved: Bytes that autograd saves for one batch.
        optimizer: Key of ``OPTIMIZER_STATE``.
        precision: Precision of activations; float16 and bfloat16 add a copy of the weights in two bytes per parameter
            and halve the maps.
    """
    half = precision is not Precision.FP32
    return TrainingMemory(
        weights=FLOAT32 * params,
        half_copy=2 * params if half else 0,
        gradients=FLOAT32 * trainable,
        optimizer=FLOAT32 * OPTIMIZER_STATE[optimizer] * trainable,
        activations=(saved.maps // 2 if half else saved.maps) + saved.others,
    )
