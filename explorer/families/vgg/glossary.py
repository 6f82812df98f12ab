"""Glossary terms of VGG."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def entries() -> dict[str, GlossaryEntry]:
    """The terms by key, in the session's language."""
    return {
        "cfg": GlossaryEntry(
            _("cfg list"),
            _("A network's convolutions and pools in order, written as numbers and letters."),
            "torchvision, models/vgg.py",
        ),
    }
