"""Safetensors files that nobody vouches for, mapped into memory and checked."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from explorer.errors import InputError, readable, shown
from explorer.i18n import _
from explorer.weights.importing.wrappers import MAX_TENSORS

MAX_NAME = 500  # characters
NUMBERS = frozenset(
    {torch.float64, torch.float32, torch.float16, torch.bfloat16}
    | {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}
)


def mapped(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file whose header's length is known to be right, and its metadata.

    Raises:
        InputError: naming the fault, without the file.
    """
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            if len(names) > MAX_TENSORS:
                raise InputError(
                    _("it holds {count:,} tensors, and {limit:,} are the most").format(
                        count=len(names), limit=MAX_TENSORS
                    )
                )
            for name in names:
                if not 0 < len(name) <= MAX_NAME or not readable(name):
                    raise InputError(_("{name} can't be the name of a tensor").format(name=shown(name)))
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise InputError(_("it is damaged: {reason}").format(reason=error)) from None


def check_kind(name: str, tensor: Tensor) -> None:
    """Refuse a tensor that is not a block of plain numbers in memory.

    Raises:
        InputError: naming tensor and kind, without the file.
    """
    if type(tensor) not in (Tensor, torch.nn.Parameter):
        kind = type(tensor).__name__
    elif tensor.is_quantized:
        kind = _("quantised")
    elif tensor.layout is not torch.strided:
        kind = _("sparse")
    elif tensor.device.type != "cpu":
        kind = _("without values")
    elif tensor.dtype not in NUMBERS:
        kind = str(tensor.dtype).removeprefix("torch.")
    else:
        return
    raise InputError(
        _("the tensor {name} is {kind}; the import takes float16, bfloat16, float32, float64 and integers").format(
            name=shown(name), kind=kind
        )
    )


def check_values(name: str, tensor: Tensor) -> None:
    """Refuse what no network can compute with.

    Statistics of a batch norm count as well: one NaN among them makes every answer NaN.

    Raises:
        InputError: naming the tensor, without the file.
    """
    if not tensor.is_floating_point() or not tensor.numel():
        return
    least, most = tensor.aminmax()  # both are NaN where one value is, and no copy is made
    if not (least.isfinite() and most.isfinite()):
        raise InputError(
            _(
                "the tensor {name} holds NaN or infinity, with which a network can only answer NaN: the training broke "
                "down; import an earlier checkpoint of it"
            ).format(name=shown(name))
        )
