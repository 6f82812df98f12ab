"""The contribution of auxiliary heads to the gradient of a network at the first step of its training."""

from functools import lru_cache
from typing import NamedTuple

from explorer.families import PRESETS, Spec
from explorer.training.gradient_norms import GradientNorms, Init, initial_gradient_norms

NETWORK = "googlenet"
IMAGE = {"image_size": 96, "num_classes": 10}  # the smallest multiple of 32 at which both heads fit, for speed
BATCH = 4
WEIGHT = 0.3  # of each head's loss; Szegedy et al. 2015, section 5


class Heads(NamedTuple):
    """The gradients without and with auxiliary heads.

    Attributes:
        spec: The network.
        without: Gradients of the main loss alone.
        added: Gradients of the main loss and a share of the losses of the auxiliary heads.
    """

    spec: Spec
    without: GradientNorms
    added: GradientNorms

    @property
    def factor(self) -> float:
        """How many times as large the heads make the gradient at the first layer."""
        return self.added.main[0].output / self.without.main[0].output


def network(*, batch_norm: bool) -> Spec:
    """Returns GoogLeNet for small images."""
    return PRESETS[NETWORK].spec.changed(batch_norm=batch_norm, **IMAGE)


@lru_cache(maxsize=32)
def heads(init: Init, seed: int, *, batch_norm: bool) -> Heads:
    """Computes both gradients, with the same weights and images. The caller holds a semaphore slot.

    Raises:
        InputError: If a gradient is not finite.
    """
    spec = network(batch_norm=batch_norm)
    without, added = (
        initial_gradient_norms(spec, init=init, seed=seed, batch=BATCH, aux_weight=weight) for weight in (0.0, WEIGHT)
    )
    return Heads(spec, without, added)
