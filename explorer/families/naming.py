"""What a network is called: a preset that it equals, one that it was made from, or what it is."""

from difflib import SequenceMatcher

from explorer.families.presets import differences, nearest
from explorer.families.registry import PRESETS
from explorer.i18n import _
from explorer.specs.base import Spec

ALIKE = 0.5  # of two structures: below, a network is no changed form of the other


def same_as(spec: Spec) -> str | None:
    """The preset that a network equals."""
    return next((name for name, preset in PRESETS.items() if preset.spec == spec), None)


def title(spec: Spec, base: str) -> str:
    """A network's name: that of the preset that it equals, else of what it was made from, or is much nearer to.

    Args:
        spec: the network.
        base: the preset that it was made from, or torchvision:NAME.
    """
    if (equal := same_as(spec)) is not None:
        return PRESETS[equal].title
    if base not in PRESETS:
        return base if nearest(spec) == base else _("{preset}, changed").format(preset=base)
    near = nearest(spec)
    if near not in PRESETS or differences(spec, PRESETS[base].spec) <= differences(spec, PRESETS[near].spec):
        near = base
    return _("{preset}, changed").format(preset=PRESETS[near].title)


def twin_of(preset: str) -> str:
    """The name under which torchvision would have the same network as a preset."""
    twin = PRESETS[preset].twin
    return preset.replace("-", "_") if twin is None else twin


def is_form_of(spec: Spec, base: str) -> bool:
    """Whether a network's structure is alike enough to a preset's to be called a changed form of it."""
    if base not in PRESETS:
        return True
    one, other = spec.structure(), PRESETS[base].spec.structure()
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE
