"""Memory: activations at inference, and what a training step keeps.

Training is measured, not estimated: one forward pass in training mode on meta, in which autograd says what
it saves for the backward pass (``saved_tensors_hooks``), each memory counted once.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, UntypedStorage, nn

from explorer.analysis.trace import MetaMode, Trace

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


def peak_bytes(trace: Trace) -> list[int]:
    """Sizes of the activations alive when they take most memory, while the network runs on one image.

    A tensor lives from the operator that makes it to the last that reads it; work space is not counted.
    """
    last: dict[int, int] = {}
    for op in trace.ops:
        for value in (*op.inputs, *op.outputs):
            last[value.storage] = op.index
    alive = {trace.image.storage: trace.image.bytes}
    peak, now = [trace.image.bytes], trace.image.bytes
    most = now
    for op in trace.ops:
        if all(value.source != "input" for value in op.inputs):
            continue
        for value in op.outputs:
            if value.storage not in alive:
                alive[value.storage] = value.bytes
                now += value.bytes
        if now > most:
            most, peak = now, [size for size in alive.values() if size]
        for storage in {value.storage for value in (*op.inputs, *op.outputs)}:
            if last[storage] == op.index:
                now -= alive.get(storage, 0)
                alive[storage] = 0
    return peak


def saved_for_backward(network: nn.Module, shape: tuple[int, ...]) -> Saved:
    """What autograd keeps of one batch.

    Args:
        network: on meta, in training mode.
        shape: of the batch, (N, C, H, W).

    Raises:
        ValueError, RuntimeError: PyTorch's own, where the network can't train on such a batch.
    """
    own = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
    sizes: dict[int, tuple[int, bool]] = {}
    alive: list[UntypedStorage] = []  # a freed storage's address would be used again

    def pack(tensor: Tensor) -> None:
        # Neither kept nor handed back: the tensor owns the graph that would own it, a cycle that gc can't see.
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            sizes[storage._cdata] = (storage.nbytes(), tensor.is_floating_point() and tensor.dim() > 1)
            alive.append(storage)

    batch = torch.empty(shape, device="meta")
    with MetaMode(), torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda nothing: nothing):
        network(batch)
    maps = sum(size for size, is_map in sizes.values() if is_map)
    return Saved(maps, sum(size for size, is_map in sizes.values() if not is_map))


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
