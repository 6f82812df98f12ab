"""The terms of the field that the product shows: a sentence each, in our own words, and where it comes from."""

import unicodedata
from functools import cache
from html import escape

import streamlit as st

from explorer.families.registry import parts
from explorer.i18n import _, language
from explorer.specs.glossary_entry import GlossaryEntry
from explorer.ui.glossary.network import layers, network
from explorer.ui.glossary.numbers import numbers
from explorer.ui.glossary.training import learning, training
from explorer.ui.shared.text import plain


def explain(key: str, here: str = "") -> str:
    """A term's sentence with its source, as Markdown for ``help=``; first ``here``, what it means at this place."""
    return "\n\n".join(filter(None, [here, _line(entries()[key])]))


def _line(entry: GlossaryEntry) -> str:
    source = f" :small[:gray[{plain(entry.source)}]]" if entry.source else ""
    return f"**{plain(entry.name)}** · {plain(entry.sentence)}{source}"


def term(key: str, words: str) -> str:
    """Words of a text as HTML that explains the term on hover and to screen readers, for ``st.html``."""
    entry = entries()[key]
    meaning = _("{sentence} ({source})").format(sentence=entry.sentence, source=entry.source)
    return f'<abbr title="{escape(meaning if entry.source else entry.sentence)}">{escape(words)}</abbr>'


def render() -> None:
    """All terms in alphabetical order, with a search."""
    wanted = st.text_input(
        _("Search the glossary"), key="glossary-search", live=True, icon=":material/search:",
        placeholder=_("A term, a word or an author"),
    )  # fmt: skip
    found = matching(wanted)
    if not found:
        st.info(_("No term, sentence or source has these words: try fewer or shorter ones."))
    with st.grid(2, min_column_width=320, gap="small", key="glossary"):
        for entry in sorted(found, key=lambda entry: entry.name.casefold()):
            st.markdown(_line(entry))


def matching(wanted: str) -> list[GlossaryEntry]:
    """The entries that have all these words, however people spell them: 1x1 is 1×1, and -ization -isation."""
    words = _spelling(wanted).split()
    texts = {entry: _spelling(" ".join(entry)) for entry in entries().values()}
    # batchnorm is batch norm, too
    return [
        entry for entry, text in texts.items() if all(word in text or word in text.replace(" ", "") for word in words)
    ]


def _spelling(text: str) -> str:
    """One spelling of what is written in several ways."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("×", "x").replace("-", "")
    return folded.replace("isation", "ization").replace("colour", "color").replace("centre", "center")


def entries() -> dict[str, GlossaryEntry]:
    """All terms by key, in the session's language."""
    return _entries(language())


@cache
def _entries(_language: str) -> dict[str, GlossaryEntry]:
    of_families = (module.entries() for module in parts("glossary").values())
    families = {key: entry for entries in of_families for key, entry in entries.items()}
    return {**network(), **layers(), **families, **numbers(), **training(), **learning()}
