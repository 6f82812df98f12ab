"""Probabilities of images of any size, prepared as the card of the weights says."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from explorer.data.preprocessing import fitted
from explorer.prediction.classify import probabilities
from explorer.weights.files import Card


def classify(network: nn.Module, card: Card, images: Sequence[Tensor]) -> Tensor:
    """Return the probabilities of the classes for 8-bit images (C, H, W), as (images, classes), in one batch."""
    return probabilities(network, card, torch.cat([fitted(image[None], card.inputs) for image in images]))
