"""The glossary on pages: terms with a sentence in our own words and its source."""

import unicodedata
from functools import cache
from html import escape

import streamlit as st

from explorer.families.registry import parts
from explorer.i18n import _, language
from explorer.lessons import lessons_about
from explorer.specs.glossary_entry import GlossaryEntry
from explorer.ui.glossary.network import layers, network
from explorer.ui.glossary.numbers import numbers
from explorer.ui.glossary.training import learning, training
from explorer.ui.shared.address import PAGES, shared_parameters
from explorer.ui.shared.text import plain

SECTION = "glossary-section"  # key of the section


def explain(key: str, context: str = "") -> str:
    """Return Markdown for ``help=`` that explains a term.

    Args:
        key: Key of the term.
        context: Meaning of the term at this place, which comes first.
    """
    return "\n\n".join(filter(None, [context, _format_entry(entries()[key])]))


def explain_in_text(key: str, context: str = "") -> str:
    """Return :func:`explain` as plain text, for the tooltips of our own components."""
    entry = entries()[key]
    return "\n\n".join(filter(None, [context, f"{entry.name}: {entry.sentence}", entry.source]))


def _format_entry(entry: GlossaryEntry) -> str:
    source = f" :small[:gray[{plain(entry.source)}]]" if entry.source else ""
    return f"**{plain(entry.name)}** · {plain(entry.sentence)}{source}"


def term(key: str, words: str) -> str:
    """Return HTML of words that shows the meaning of a term on hover and to screen readers."""
    entry = entries()[key]
    meaning = _("{sentence} ({source})").format(sentence=entry.sentence, source=entry.source)
    return f'<abbr title="{escape(meaning if entry.source else entry.sentence)}">{escape(words)}</abbr>'


@st.fragment
def render() -> None:
    """Render a section that opens on a click. Its terms are sent then: they are the longest text of the product."""
    section = st.expander(_("Glossary"), key=SECTION, icon=":material/menu_book:", on_change="rerun")
    if section.open:
        with section:
            _render_terms()


def _render_terms() -> None:
    """Render all terms in alphabetical order, and a search."""
    query = st.text_input(
        _("Search the glossary"), key="glossary-search", live="100ms", icon=":material/search:",
        placeholder=_("A term, a word or an author"),
    )  # fmt: skip
    found = find_entries(query)
    if not found:
        st.info(_("No term, sentence or source has these words: try fewer or shorter ones."))
    keys = {entry: key for key, entry in entries().items()}
    with st.grid(2, min_column_width=320, gap="small", key="glossary"):
        for entry in sorted(found, key=lambda entry: entry.name.casefold()):
            with st.container(gap=None):
                st.markdown(_format_entry(entry))
                _link_lessons(keys[entry])


def _link_lessons(key: str) -> None:
    """Render links to the lessons that explain a term."""
    for lesson in lessons_about(key):
        st.page_link(
            str(PAGES / "learn.py"), label=_("Lesson: {title}").format(title=plain(lesson.title)),
            icon=":material/school:", query_params={"lesson": lesson.name, **shared_parameters()},
        )  # fmt: skip


def find_entries(query: str) -> list[GlossaryEntry]:
    """Return the entries with all words of a query in any spelling: 1x1 for 1×1, -ization for -isation."""
    words = _normalise(query).split()
    texts = {entry: _normalise(" ".join(entry)) for entry in entries().values()}
    # without blanks, batchnorm finds batch norm
    return [
        entry for entry, text in texts.items() if all(word in text or word in text.replace(" ", "") for word in words)
    ]


def _normalise(text: str) -> str:
    """Return a text in one spelling."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("×", "x").replace("-", "")
    return folded.replace("isation", "ization").replace("colour", "color").replace("centre", "center")


def entries() -> dict[str, GlossaryEntry]:
    """Return all entries by key, in the session's language."""
    return _entries(language())


@cache
def _entries(_language: str) -> dict[str, GlossaryEntry]:
    of_families = (module.entries() for module in parts("glossary").values())
    families = {key: entry for entries in of_families for key, entry in entries.items()}
    return {**network(), **layers(), **families, **numbers(), **training(), **learning()}
