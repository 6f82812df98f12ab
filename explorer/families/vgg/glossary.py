"""Glossary terms of VGG."""

from explorer.i18n import _
from explorer.specs.glossary_entry import Entry


def entries() -> dict[str, Entry]:
    """The terms by key, in the session's language."""
    return {
        "cfg": Entry(
            _("cfg list"),
            _("A network's convolutions and pools in order, written as numbers and letters."),
            "torchvision, models/vgg.py",
        ),
    }
