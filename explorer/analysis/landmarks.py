"""Well-known networks with their parameters and MACs, as landmarks in charts."""

from functools import cache
from typing import NamedTuple

from explorer.analysis.summary import analyse
from explorer.families import PRESETS
from explorer.families.registry import parts

# Presets for ImageNet that torchvision doesn't have.
PRESET_NAMES = ("googlenet", "googlenet-naive", "plain18", "plain34", "resnet50-v1", "vgg16-c")


class Landmark(NamedTuple):
    """A network with its parameters and its MACs for one image."""

    name: str
    params: int
    macs: int


def is_cached() -> bool:
    """Whether the landmarks are cached; otherwise they and the import of torchvision take a few seconds."""
    return landmarks.cache_info().currsize > 0


@cache
def landmarks() -> tuple[Landmark, ...]:
    """Returns torchvision's models, with numbers of its metadata, and some presets."""
    functions = (getattr(module, "landmarks", None) for module in parts("published").values())
    of_torchvision = [Landmark(*numbers) for function in functions if function for numbers in function()]
    presets = [(PRESETS[name], analyse(PRESETS[name].spec).totals) for name in PRESET_NAMES]
    return (*of_torchvision, *(Landmark(preset.title, totals.params, totals.macs) for preset, totals in presets))
