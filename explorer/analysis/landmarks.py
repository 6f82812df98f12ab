"""Well-known networks as landmarks: how many parameters and MACs they have."""

from functools import cache
from typing import NamedTuple

from explorer.analysis.summary import analyse
from explorer.families import PRESETS
from explorer.families.registry import parts

# Presets for ImageNet whose like torchvision doesn't have.
OURS = ("googlenet", "googlenet-naive", "plain18", "plain34", "resnet50-v1", "vgg16-c")


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
    """Models of torchvision by its own metadata, and a few presets of ours."""
    found = (getattr(module, "landmarks", None) for module in parts("published").values())
    theirs = [Landmark(*facts) for known in found if known for facts in known()]
    presets = [(PRESETS[name], analyse(PRESETS[name].spec).totals) for name in OURS]
    return (*theirs, *(Landmark(preset.title, totals.params, totals.macs) for preset, totals in presets))
