"""Whether a network can train at all: one forward pass on the meta device, where nothing is computed."""

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

IMAGES = 2  # of the pass: batch norm over a single value can't train


def forward_macs(spec: Spec) -> int:
    """Multiply-accumulates of one image, forward, with the auxiliary heads that run in training alone.

    Raises:
        SpecError: where the network can't be built, or can't train on images of its size.
    """
    network = build(spec, "meta").train()
    counter = _Flops()
    images = torch.empty(IMAGES, spec.in_channels, spec.image_size, spec.image_size, device="meta")
    try:
        with counter, torch.no_grad():
            network(images)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise SpecError(
            _("image_size: this network can't train on {size}×{size} images: {reason}").format(
                size=spec.image_size, reason=explain(error)
            )
        ) from error
    return counter.total // (2 * IMAGES)


class _Flops(TorchDispatchMode):
    """Adds up PyTorch's own formulas as torch's FlopCounterMode does, whose first use imports torch._dynamo."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # nor this
        self.total = 0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # nor this

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing here is compiled, and the guard against it is what would import torch._dynamo

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found, formula = run_on_meta(func, args, kwargs or {}), flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=found))
        return found
