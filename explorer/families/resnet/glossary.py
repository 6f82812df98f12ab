"""Glossary terms of ResNet."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def entries() -> dict[str, GlossaryEntry]:
    """The terms by key, in the session's language."""
    options = "He et al. 2016, section 4.1"
    return {
        "residual-block": GlossaryEntry(
            _("Residual block"),
            _("A few layers whose result is added to their input, so that they only learn what to change."),
            "He et al. 2016, section 3.1",
        ),
        "shortcut": GlossaryEntry(
            _("Shortcut"),
            _("The path that carries a block's input past its layers to the addition."),
            "He et al. 2016, section 3.2",
        ),
        "shortcut-a": GlossaryEntry(
            _("Shortcut A"), _("The identity, with zeros for the channels that are missing: no parameters."), options
        ),
        "shortcut-b": GlossaryEntry(
            _("Shortcut B"), _("A projection where shapes differ, the identity everywhere else."), options
        ),
        "shortcut-c": GlossaryEntry(_("Shortcut C"), _("A projection at every block."), options),
        "projection": GlossaryEntry(
            _("Projection"),
            _("A 1×1 convolution on the shortcut that gives the input the shape of what it is added to."),
            "He et al. 2016, equation 2",
        ),
        "basic-block": GlossaryEntry(
            _("Basic block"), _("A residual block of two 3×3 convolutions."), "He et al. 2016, Figure 5, left"
        ),
        "bottleneck": GlossaryEntry(
            _("Bottleneck"),
            _("A residual block that narrows by a 1×1, works in a 3×3 and widens fourfold by another 1×1."),
            "He et al. 2016, Figure 5, right",
        ),
        "stride-placement": GlossaryEntry(
            _("Stride placement"),
            _("Which convolution of a bottleneck halves the map: the paper's first 1×1 or torchvision's 3×3."),
            "He et al. 2016, Table 1; torchvision, models/resnet.py",
        ),
        "plain": GlossaryEntry(
            _("Plain network"),
            _("The same layers without shortcuts, to compare with; deep ones train worse."),
            "He et al. 2016, section 3.3",
        ),
        "degradation": GlossaryEntry(
            _("Degradation"),
            _("Beyond some depth a plain network gets worse even on its training images, so it is no overfitting."),
            "He et al. 2016, section 1",
        ),
        "identity": GlossaryEntry(
            _("Identity mapping"),
            _("Passes its input on unchanged: what a deeper network's extra layers would need to learn at least."),
            "He et al. 2016, section 3.1",
        ),
    }
