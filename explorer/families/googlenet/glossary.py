"""Glossary terms of GoogLeNet."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def entries() -> dict[str, GlossaryEntry]:
    """The terms by key, in the session's language."""
    return {
        "inception": GlossaryEntry(
            _("Inception module"),
            _("Windows of 1×1, 3×3 and 5×5 and a pool side by side on one map, their outputs concatenated."),
            "Szegedy et al. 2015, Figure 2b",
        ),
        "reduction": GlossaryEntry(
            _("Reduction"),
            _("A 1×1 convolution that narrows the map before a costly 3×3 or 5×5."),
            "Szegedy et al. 2015, section 4",
        ),
        "naive-module": GlossaryEntry(
            _("Naive module"),
            _("An Inception module without reductions, whose cost grows with every further one."),
            "Szegedy et al. 2015, Figure 2a",
        ),
        "auxiliary-head": GlossaryEntry(
            _("Auxiliary head"),
            _("A small classifier on a middle map that brings gradients there in training and is dropped afterwards."),
            "Szegedy et al. 2015, section 5",
        ),
    }
