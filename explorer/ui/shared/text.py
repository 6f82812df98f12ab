"""Users' text inside Markdown: shown as it is, never interpreted."""

import re

from explorer.errors import TokenError, printable
from explorer.specs.cfg_text import split_text

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=])")
MARKED_WORDS = 40
WORD_LENGTH = 24


def plain(text: str) -> str:
    """Text with everything escaped that Markdown or Streamlit's directives would act on, or that can't be seen."""
    text = "\n".join(map(printable, text.split("\n")))
    # Streamlit replaces icon directives before Markdown reads the escapes; a zero-width space breaks them.
    return _MARKDOWN.sub(r"\\\1", text.replace(":material/", ":\u200bmaterial/"))


def marked(text: str, error: TokenError) -> str:
    """The words of a cfg text around the wrong one, which is marked."""
    words = split_text(text)
    start = max(0, error.index - MARKED_WORDS // 2)
    shown = [
        f":red-badge[{plain(_short(word.raw))}]" if index == error.index else plain(_short(word.raw))
        for index, word in enumerate(words[start : start + MARKED_WORDS], start)
    ]
    return ", ".join([*(["…"] if start else []), *shown, *(["…"] if start + MARKED_WORDS < len(words) else [])])


def _short(word: str) -> str:
    return word if len(word) <= WORD_LENGTH else word[:WORD_LENGTH] + "…"
