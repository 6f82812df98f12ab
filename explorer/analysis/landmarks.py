"""Well-known networks as landmarks: how many parameters and MACs they have."""

from functools import cache
from typing import NamedTuple

from explorer.analysis.summary import analyse
from explorer.models.zoo import metadata
from explorer.specs import PRESETS

# Presets for ImageNet whose like torchvision doesn't have.
OURS = ("googlenet", "googlenet-naive", "plain18", "plain34", "resnet50-v1", "vgg16-c")
GIGA = 10**9


class Landmark(NamedTuple):
    """A network by name, with its parameters and its MACs for one image."""

    name: str
    params: int
    macs: int


def measured() -> bool:
    """Whether the landmarks are known already; else they, and torchvision's import, take a few seconds."""
    return landmarks.cache_info().currsize > 0


@cache
def landmarks() -> tuple[Landmark, ...]:
    """Models of torchvision by its own metadata, and a few presets of ours.

    torchvision rounds MACs to millions, takes the image size of its best weights, and counts inception_v3 with its
    auxiliary head.
    """
    theirs = [Landmark(name, facts["num_params"], round(facts["_ops"] * GIGA)) for name, facts in metadata().items()]
    presets = [(PRESETS[name], analyse(PRESETS[name].spec).totals) for name in OURS]
    return (*theirs, *(Landmark(preset.title, totals.params, totals.macs) for preset, totals in presets))
