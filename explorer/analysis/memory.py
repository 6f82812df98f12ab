"""Memory: activations at inference, and what a training step keeps.

Training is measured, not estimated: one forward pass in training mode on meta, in which autograd says what
it saves for the backward pass (``saved_tensors_hooks``), each memory counted once.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, UntypedStorage, nn

from explorer.analysis.devices import Device, KernelsOf
from explorer.analysis.trace import MetaMode

FLOAT32 = 4
MAX_BATCH = 65_536


class Precision(StrEnum):
    """How activations are stored in training; weights, gradients and optimizer state stay float32."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


# Numbers of float32 that an optimizer keeps for each parameter.
OPTIMIZER_STATE = {"sgd": 0, "momentum": 1, "adam": 2}


@dataclass(frozen=True, slots=True)
class Saved:
    """Bytes that autograd keeps between forward and backward, for one batch, in float32.

    ``maps`` shrink under autocast, ``others`` (statistics, indices) don't.
    """

    maps: int
    others: int


@dataclass(frozen=True, slots=True)
class Training:
    """Bytes that one training step holds, by what they are for."""

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
) -> Saved:
    """What autograd keeps of one batch.

    Args:
        network: on meta, in training mode.
        shape: of the batch, (N, C, H, W).
        device: whose kernels would run.
        half: whether activations would be of 16 bits, which chooses other kernels; sizes are those of float32.

    Raises:
        ValueError, RuntimeError: PyTorch's own, where the network can't train on such a batch.
    """
    own = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
    kernels = KernelsOf(device, half=half)
    sizes: dict[int, tuple[int, bool]] = {}
    alive: list[UntypedStorage] = []  # a freed storage's address would be used again

    def pack(tensor: Tensor) -> None:
        # Neither kept nor handed back: the tensor owns the graph that would own it, a cycle that gc can't see.
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            sizes[storage._cdata] = (storage.nbytes(), tensor.is_floating_point() and tensor.dim() > 1)
            alive.append(storage)

    batch = torch.empty(shape, device="meta")
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda nothing: nothing)
    with MetaMode(), kernels, torch.enable_grad(), hooks:
        network(batch)
    statistics = {tensor.untyped_storage()._cdata for tensor in kernels.statistics}
    maps = sum(size for storage, (size, is_map) in sizes.items() if is_map and storage not in statistics)
    return Saved(maps, sum(size for size, _is_map in sizes.values()) - maps)


def training(params: int, trainable: int, saved: Saved, optimizer: str, precision: Precision) -> Training:
    """The parts of a training step's memory.

    Args:
        params: all parameters that exist in training, auxiliary heads included.
        trainable: those of them that get gradients.
        saved: of one batch.
        optimizer: a key of ``OPTIMIZER_STATE``.
        precision: float16 and bfloat16 keep a copy of the weights in two bytes and halve the maps.
    """
    half = precision is not Precision.FP32
    return Training(
        weights=FLOAT32 * params,
        half_copy=2 * params if half else 0,
        gradients=FLOAT32 * trainable,
        optimizer=FLOAT32 * OPTIMIZER_STATE[optimizer] * trainable,
        activations=(saved.maps // 2 if half else saved.maps) + saved.others,
    )
