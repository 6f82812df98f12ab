"""Whether a network can train at all: one forward pass on the meta device, where nothing is computed."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.errors import SpecError
from explorer.families import Spec
from explorer.families.building import build
from explorer.families.refusal import words
from explorer.i18n import _

IMAGES = 2  # of the pass: batch norm over a single value can't train


def forward_macs(spec: Spec) -> int:
    """Multiply-accumulates of one image, forward, with the auxiliary heads that run in training alone.

    Raises:
        SpecError: where the network can't be built, or can't train on images of its size.
    """
    network = build(spec, "meta").train()
    images = torch.empty(IMAGES, spec.in_channels, spec.image_size, spec.image_size, device="meta")
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(images)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise SpecError(
            _("image_size: this network can't train on {size}×{size} images: {reason}").format(
                size=spec.image_size, reason=words(error)
            )
        ) from error
    return int(counter.get_total_flops()) // (2 * IMAGES)
