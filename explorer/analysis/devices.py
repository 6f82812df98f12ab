"""The kernels of devices, which determine the tensors that a training step saves.

PyTorch fuses attention on some devices and implements dropout differently. On meta it does neither: attention runs as
separate operators and saves its probabilities. So the kernels of the device replace these functions.
"""

from collections.abc import Callable
from enum import StrEnum
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

aten = torch.ops.aten
AUTO = "auto"  # the device on which this machine would train


class Device(StrEnum):
    """Kinds of devices for training."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


def local_device() -> Device:
    """Returns the device on which this machine trains by default."""
    if torch.cuda.is_available():
        return Device.CUDA
    return Device.MPS if torch.backends.mps.is_available() else Device.CPU


class DeviceKernels(TorchFunctionMode):
    """A mode that runs the kernels of a device, which save different tensors for the backward pass.

    * Attention (``scaled_dot_product_attention``): the CPU's flash kernel and the two kernels of NVIDIA's GPUs
      (memory-efficient in float32, flash in half precision) save query, key, value, the output and a sum per query.
      Apple's GPUs run separate operators in training, which save the probabilities of every pair of tokens.
    * Dropout: NVIDIA's GPUs save a mask of one byte per element, other devices a mask as large as the map.

    ``statistics`` are results that stay in float32 in every precision.
    """

    def __init__(self, device: Device, *, half: bool) -> None:
        """Chooses the kernels.

        Args:
            device: Device of the training.
            half: Whether activations have 16 bits.
        """
        super().__init__()
        self._device, self._half = device, half
        self.statistics: list[Tensor] = []
        # PyTorch's function for attention modules, with the device's kernel in it.
        original = functional.multi_head_attention_forward
        names = {**original.__globals__, "scaled_dot_product_attention": self._attention}
        self._multi_head = FunctionType(
            original.__code__, names, original.__name__, original.__defaults__, original.__closure__
        )
        self._multi_head.__kwdefaults__ = original.__kwdefaults__
        self._replaced: dict[Any, Callable[..., Any]] = {
            functional.multi_head_attention_forward: self._multi_head,
            functional.scaled_dot_product_attention: self._attention,
            functional.dropout: self._dropout,
        }

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs a function or its replacement."""
        return self._replaced.get(func, func)(*args, **(kwargs or {}))

    def _attention(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
        is_causal: bool = False, **options: Any,
    ) -> Tensor:  # fmt: skip
        """Runs the operator of the device's kernel; its derivative determines the saved tensors."""
        fits = query.dim() == 4 and attn_mask is None and not options.get("enable_gqa")
        scale = options.get("scale")
        if not fits or self._device is Device.MPS or (self._device is Device.CPU and dropout_p):
            return functional.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, **options
            )
        if self._device is Device.CPU:
            kernel = aten._scaled_dot_product_flash_attention_for_cpu
            result = kernel(query, key, value, dropout_p, is_causal, scale=scale)
        elif self._half:
            result = aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)
        else:
            kernel = aten._scaled_dot_product_efficient_attention
            result = kernel(query, key, value, None, True, dropout_p, is_causal, scale=scale)  # noqa: FBT003  positional in ATen
        self.statistics.append(result[1])
        attended: Tensor = result[0]
        return attended

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002  PyTorch's signature
        if self._device is Device.CUDA and training and 0 < p < 1 and not inplace:
            dropped: Tensor = torch.native_dropout(input, p, True)[0]  # noqa: FBT003  positional in ATen
            return dropped
        return functional.dropout(input, p, training, inplace)
