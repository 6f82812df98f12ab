"""Dry run: one forward pass on the meta device, which shows whether a network can train at all."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from explorer.errors import SpecError
from explorer.families import Spec
from explorer.families.building import build
from explorer.families.meta_shapes import run_on_meta
from explorer.families.refusal import explain
from explorer.i18n import _

IMAGES = 2  # batch norm can't train on a single value


def forward_macs(spec: Spec) -> int:
    """Returns the multiply-accumulates of the forward pass of one image in training, with auxiliary heads.

    Raises:
        SpecError: If the network can't be built, or can't train on images of its size.
    """
    network = build(spec, "meta").train()
    counter = _Flops()
    images = torch.empty(IMAGES, *spec.input_shape, device="meta")
    try:
        with counter, torch.no_grad():
            network(images)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise SpecError(
            _("image_size: this network can't train on {size} images: {reason}").format(
                size=spec.sides, reason=explain(error)
            )
        ) from error
    return counter.total // (2 * IMAGES)


class _Flops(TorchDispatchMode):
    """Counts operations by PyTorch's formulas, like torch's FlopCounterMode, but without importing torch._dynamo."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation
        self.total = 0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # as above

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and True would import torch._dynamo

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found, formula = run_on_meta(func, args, kwargs or {}), flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=found))
        return found
