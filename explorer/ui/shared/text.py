"""Escapes users' text for Markdown, so that it is shown as it is and never interpreted."""

import re

from explorer.errors import TokenError, printable
from explorer.specs.cfg_text import split_text

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=])")
MAX_WORDS = 40
MAX_WORD_LENGTH = 24


def plain(text: str) -> str:
    """Escape invisible characters and everything that Markdown or Streamlit's directives would interpret."""
    text = "\n".join(map(printable, text.split("\n")))
    # Streamlit replaces icon directives before Markdown reads the escapes. A zero-width space breaks the directives.
    return _MARKDOWN.sub(r"\\\1", text.replace(":material/", ":\u200bmaterial/"))


def mark_token(text: str, error: TokenError) -> str:
    """Return Markdown of the words of a cfg text around the wrong word, which is marked."""
    words = split_text(text)
    start = max(0, error.index - MAX_WORDS // 2)
    shown = [
        f":red-badge[{plain(_short(word.raw))}]" if index == error.index else plain(_short(word.raw))
        for index, word in enumerate(words[start : start + MAX_WORDS], start)
    ]
    return ", ".join([*(["…"] if start else []), *shown, *(["…"] if start + MAX_WORDS < len(words) else [])])


def _short(word: str) -> str:
    return word if len(word) <= MAX_WORD_LENGTH else word[:MAX_WORD_LENGTH] + "…"
