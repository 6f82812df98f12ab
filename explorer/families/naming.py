"""Names of networks, taken from the preset that a network equals or was made from."""

from difflib import SequenceMatcher

from explorer.families.presets import differences, nearest
from explorer.families.registry import PRESETS
from explorer.i18n import _
from explorer.specs.base import Spec

ALIKE = 0.5  # least similarity, from 0 to 1, of the structures of a network and its changed form


def same_as(spec: Spec) -> str | None:
    """The name of the preset that a network equals; None if it equals none."""
    return next((name for name, preset in PRESETS.items() if preset.spec == spec), None)


def title(spec: Spec, base: str) -> str:
    """The title of the preset that a network equals, or of a similar preset and "changed", or what the network is.

    The similar preset is ``base``, or the nearest one if the network differs from it in fewer fields.

    Args:
        spec: Spec of the network.
        base: Preset that it was made from, or torchvision:NAME.
    """
    if (equal := same_as(spec)) is not None:
        return PRESETS[equal].title
    if base not in PRESETS:
        return base if nearest(spec) == base else _("{preset}, changed").format(preset=base)
    near = nearest(spec)
    if near not in PRESETS or differences(spec, PRESETS[base].spec) <= differences(spec, PRESETS[near].spec):
        near = base
    if not is_form_of(spec, near):
        return spec.describe()
    return _("{preset}, changed").format(preset=PRESETS[near].title)


def twin_of(preset: str) -> str:
    """The name of torchvision's model with the same tensors as a preset; torchvision may have no such model."""
    twin = PRESETS[preset].twin
    return preset.replace("-", "_") if twin is None else twin


def is_form_of(spec: Spec, base: str) -> bool:
    """Whether a network's structure is similar enough to a preset's to be called a changed form of it."""
    if base not in PRESETS:
        return True
    one, other = spec.structure(), PRESETS[base].spec.structure()
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE
