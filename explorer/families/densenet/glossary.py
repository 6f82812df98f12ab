"""Glossary terms of DenseNet."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def entries() -> dict[str, GlossaryEntry]:
    """The terms by key, in the session's language."""
    return {
        "dense-block": GlossaryEntry(
            _("Dense block"),
            _("Layers on maps of one size, each of which reads the maps of all layers before it, concatenated."),
            "Huang et al. 2017, section 3",
        ),
        "growth-rate": GlossaryEntry(
            _("Growth rate"),
            _("How many channels each layer of a dense block adds to what the next one reads."),
            "Huang et al. 2017, section 3",
        ),
        "transition": GlossaryEntry(
            _("Transition"),
            _("A 1×1 convolution and a 2×2 average pool between two dense blocks, which halve the map."),
            "Huang et al. 2017, section 3",
        ),
        "compression": GlossaryEntry(
            _("Compression"),
            _("The share of its channels that a transition keeps: half of them in a DenseNet-C."),
            "Huang et al. 2017, section 3",
        ),
        "dense-bottleneck": GlossaryEntry(
            _("Bottleneck of a dense layer"),
            _("A 1×1 convolution before the 3×3 that narrows its input, to four growth rates in a DenseNet-B."),
            "Huang et al. 2017, section 3",
        ),
    }
