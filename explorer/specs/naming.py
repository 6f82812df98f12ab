"""What a network is called: a preset that it equals, one that it was made from, or what it is."""

from difflib import SequenceMatcher

from explorer.i18n import _
from explorer.specs.base import Spec
from explorer.specs.cfg import Conv
from explorer.specs.cfg import tokens as tokens_of
from explorer.specs.googlenet import GoogLeNetSpec
from explorer.specs.presets import PRESETS, differences, nearest
from explorer.specs.resnet import ResNetSpec
from explorer.specs.vgg import VggSpec

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


def is_form_of(spec: Spec, base: str) -> bool:
    """Whether a network's structure is alike enough to a preset's to be called a changed form of it."""
    if base not in PRESETS:
        return True
    one, other = _structure(spec), _structure(PRESETS[base].spec)
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def describe(spec: Spec) -> str:
    """A network of no known name by what it is."""
    match spec:
        case VggSpec():
            count = sum(isinstance(token, Conv) for token in tokens_of(spec.cfg))
            if not count:
                return _("Network of linear layers")
            return _("One convolution") if count == 1 else _("Chain of {count} convolutions").format(count=count)
        case ResNetSpec():
            blocks = ", ".join(map(str, spec.blocks))
            sentence = _("Residual network, blocks {blocks}") if spec.residual else _("Plain network, blocks {blocks}")
            return sentence.format(blocks=blocks)
        case GoogLeNetSpec():
            return _("Inception network, modules {names}").format(names=", ".join(row.name for row in spec.modules))
    return spec.family


def _structure(spec: Spec) -> list[object]:
    """What kinds of parts follow each other, without their widths."""
    match spec:
        case VggSpec():
            return [token._replace(channels=0) if isinstance(token, Conv) else token for token in tokens_of(spec.cfg)]
        case ResNetSpec():
            return [block for stage, count in enumerate(spec.blocks) for block in [(spec.block, stage)] * count]
        case GoogLeNetSpec():
            return [(row.name in spec.pool_after) for row in spec.modules]
    return [spec]
