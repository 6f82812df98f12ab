"""Safetensors files from untrusted sources, mapped into memory and checked."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from explorer.errors import InputError, readable, shown
from explorer.i18n import _
from explorer.weights.importing.wrappers import MAX_TENSORS

MAX_NAME = 500  # characters
DTYPES = frozenset(
    {torch.float64, torch.float32, torch.float16, torch.bfloat16}
    | {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}
)


def map_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Maps the tensors of a file, and returns them with its metadata. The caller has checked the length of the header.

    Raises:
        InputError: If the file is damaged or beyond the limits. Does not name the file.
    """
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            if len(names) > MAX_TENSORS:
                raise InputError(
                    _("it holds {count:,} tensors, and at most {limit:,} are allowed").format(
                        count=len(names), limit=MAX_TENSORS
                    )
                )
            for name in names:
                if not 0 < len(name) <= MAX_NAME or not readable(name):
                    raise InputError(_("{name} can't be the name of a tensor").format(name=shown(name)))
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise InputError(_("it is damaged: {reason}").format(reason=error)) from None


def check_type(name: str, tensor: Tensor) -> None:
    """Checks that a tensor is a dense block of plain numbers in memory.

    Raises:
        InputError: If it is not. Names tensor and type, but not the file.
    """
    if type(tensor) not in (Tensor, torch.nn.Parameter):
        kind = type(tensor).__name__
    elif tensor.is_quantized:
        kind = _("quantised")
    elif tensor.layout is not torch.strided:
        kind = _("sparse")
    elif tensor.device.type != "cpu":
        kind = _("without values")
    elif tensor.dtype not in DTYPES:
        kind = str(tensor.dtype).removeprefix("torch.")
    else:
        return
    raise InputError(
        _("the tensor {name} is {kind}; the import takes float16, bfloat16, float32, float64 and integers").format(
            name=shown(name), kind=kind
        )
    )


def check_values(name: str, tensor: Tensor) -> None:
    """Checks that all values of a tensor are finite.

    This includes running statistics: a single NaN in a batch norm makes every output NaN.

    Raises:
        InputError: If they are not. Names the tensor, but not the file.
    """
    if not tensor.is_floating_point() or not tensor.numel():
        return
    least, most = tensor.aminmax()  # NaN if any value is NaN; without a copy
    if not (least.isfinite() and most.isfinite()):
        raise InputError(
            _(
                "the tensor {name} holds NaN or infinity, with which a network can only answer NaN: the training "
                "diverged; import an earlier checkpoint of it"
            ).format(name=shown(name))
        )
