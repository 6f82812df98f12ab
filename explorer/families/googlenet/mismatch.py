"""The reason why a checkpoint with Inception modules fits none of our GoogLeNets."""

from collections.abc import Sequence

from explorer.families.googlenet.recognise import unsupported_stem
from explorer.families.recognition.guess import our_layers
from explorer.families.recognition.layers import Layers, Unit
from explorer.families.registry import PRESETS
from explorer.i18n import _


def fault(layers: Layers) -> str | None:
    """The message if only the stem differs from our GoogLeNets; else None."""
    if not (theirs := unsupported_stem(layers)):
        return None
    spec = "googlenet-bn-cifar10" if len(theirs) == 1 else "googlenet-torchvision" if theirs[0].norm else "googlenet"
    ours = our_layers(PRESETS[spec].spec).units[: 1 if len(theirs) == 1 else 3]
    return _(
        "it is a GoogLeNet with a stem unlike ours: {theirs} before the Inception modules, where {spec}, the "
        "nearest network, has {ours}"
    ).format(theirs=_listed(theirs), spec=spec, ours=_listed(ours))


def _listed(units: Sequence[Unit]) -> str:
    text = _("{tensor} of {shape}")
    return ", ".join(text.format(tensor=unit.tensors["weight"], shape=unit.shape) for unit in units)
