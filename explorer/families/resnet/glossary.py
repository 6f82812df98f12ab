"""Glossary terms of ResNet."""

from explorer.i18n import _
from explorer.specs.glossary_entry import Entry


def entries() -> dict[str, Entry]:
    """The terms by key, in the session's language."""
    options = "He et al. 2016, section 4.1"
    return {
        "residual-block": Entry(
            _("Residual block"),
            _("A few layers whose result is added to their input, so that they only learn what to change."),
            "He et al. 2016, section 3.1",
        ),
        "shortcut": Entry(
            _("Shortcut"),
            _("The path that carries a block's input past its layers to the addition."),
            "He et al. 2016, section 3.2",
        ),
        "shortcut-a": Entry(
            _("Shortcut A"), _("The identity, with zeros for the channels that are missing: no parameters."), options
        ),
        "shortcut-b": Entry(
            _("Shortcut B"), _("A projection where shapes differ, the identity everywhere else."), options
        ),
        "shortcut-c": Entry(_("Shortcut C"), _("A projection at every block."), options),
        "projection": Entry(
            _("Projection"),
            _("A 1×1 convolution on the shortcut that gives the input the shape of what it is added to."),
            "He et al. 2016, equation 2",
        ),
        "basic-block": Entry(
            _("Basic block"), _("A residual block of two 3×3 convolutions."), "He et al. 2016, Figure 5, left"
        ),
        "bottleneck": Entry(
            _("Bottleneck"),
            _("A residual block that narrows by a 1×1, works in a 3×3 and widens fourfold by another 1×1."),
            "He et al. 2016, Figure 5, right",
        ),
        "stride-placement": Entry(
            _("Stride placement"),
            _("Which convolution of a bottleneck halves the map: the paper's first 1×1 or torchvision's 3×3."),
            "He et al. 2016, Table 1; torchvision, models/resnet.py",
        ),
        "plain": Entry(
            _("Plain network"),
            _("The same layers without shortcuts, to compare with; deep ones train worse."),
            "He et al. 2016, section 3.3",
        ),
        "degradation": Entry(
            _("Degradation"),
            _("Beyond some depth a plain network gets worse even on its training images, so it is no overfitting."),
            "He et al. 2016, section 1",
        ),
        "identity": Entry(
            _("Identity mapping"),
            _("Passes its input on unchanged: what a deeper network's extra layers would need to learn at least."),
            "He et al. 2016, section 3.1",
        ),
    }
