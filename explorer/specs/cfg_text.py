"""The reader of typed or pasted cfg lists: commas and quotes of any keyboard, a line of Python, a paper's layer names.

=============================  ==========================================================
``[64, 'M', 128]``, ``64 m``   as in code or by hand: brackets, quotes, commas of any script
``'VGG16': [64, 'M'],``        one line of a dict, or an assignment: ``cfg = [64, 'M']  # D``
``conv3-64 maxpool LRN``       the words of Simonyan and Zisserman 2015, Table 1
``FC-512, FC-10``              linear layers at the end: hidden layers, then the layer of the classes
=============================  ==========================================================
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from explorer.errors import TokenError, shown
from explorer.i18n import _
from explorer.specs.base import MAX_WIDTH
from explorer.specs.cfg import RawToken, parse_tokens, place

MAX_TEXT = 20_000
NO_TOKENS = ("[]", "[[]]")  # the empty list as people type it; an empty text is probably a mistake

INVISIBLE = "\u200b"
_QUOTES = "'\"`´ʹʺʻʼʽ′″‵‶＇＂"
_SEPARATORS = "|·・•→⇒"
# Letters of other alphabets that look like a token's letters, and the letters that they stand for.
_LOOK_ALIKES = dict(zip("МмΜАаΑрρ∶⁄∕", "MmMAaApp://", strict=True))

_WORD = re.compile(r"[^\s,\[\]']+")
# The name of a list: 'VGG16': [ or cfg: list[int | str] = [ or vgg = 64; a single letter only if it can't be a token.
_LABEL = re.compile(
    r"\s*\[?\s*(?:"
    r"'?[^\W\d][\w.\- ]+(?:\['\w+'\])?'?\s*(?:(?::[^='\[]*(?:\[[^=']*\]\s*)?)?=|:(?=[\s\[]))"
    r"|(?:'\w'|\w)\s*[:=]\s*(?=\[)"
    r")"
)
_ANOTHER_LIST = re.compile(r"\w'?\s*:\s*\[")
_COMMENT = re.compile(r"#[^\n]*")
_CONV = re.compile(r"CONV(?P<kernel>[0-9]{0,3})-(?P<channels>[0-9]{1,9})")
_LINEAR = re.compile(r"(?:FC|LINEAR|DENSE)-?(?P<width>[0-9]{1,9})")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}")
_WORDS = {
    "MAXPOOL": "M",
    "MAX-POOL": "M",
    "MAX_POOL": "M",
    "AVGPOOL": "A",
    "AVG-POOL": "A",
    "AVG_POOL": "A",
    "LRN": "L",
}
_LAST_WORDS = {"SOFTMAX", "SOFT-MAX"}  # ignored: every network here ends in logits


class Word(NamedTuple):
    """A token of a text.

    Attributes:
        raw: Token in our spelling.
        start: Position of its first character.
        end: Position after its last character.
    """

    raw: str
    start: int
    end: int


class ParsedList(NamedTuple):
    """A typed list, parsed.

    Attributes:
        cfg: Tokens, each in its shortest form.
        hidden: Widths of the hidden linear layers; None if the text names no linear layer.
        classes: Width of the last linear layer; None if the text names none.
    """

    cfg: tuple[RawToken, ...]
    hidden: tuple[int, ...] | None
    classes: int | None


def split_text(text: str) -> list[Word]:
    """The words of a typed list, without the list's name and without comments."""
    plain, start = _find_list(text)
    words = (Word(_token_spelling(match[0]), match.start(), match.end()) for match in _WORD.finditer(plain, start))
    return [word for word in words if word.raw]


def read_text(text: str) -> ParsedList:
    """Parse a typed cfg list.

    Raises:
        TokenError: For the first wrong word; its index is -1 if the text itself is wrong.
    """
    if len(text) > MAX_TEXT:
        raise TokenError(
            _("cfg: a text of {count:,} characters is longer than the {limit:,} allowed").format(
                count=len(text), limit=MAX_TEXT
            ),
            -1,
        )
    words = [word.raw for word in split_text(text)]
    plain, start = _find_list(text)
    if plain.count("[") > plain.count("]") and "#" in text:  # a one-line field has no line break to end a comment
        raise TokenError(_("cfg: a comment (#) within the list hides what follows it; take the comment out"), -1)
    if _ANOTHER_LIST.search(plain, start):
        raise TokenError(_("cfg: the text holds more than one list; paste one of them"), -1)
    if not words and "".join(plain[start:].split()).rstrip(",") not in NO_TOKENS:
        raise TokenError(
            _("cfg: {value} has no token; write [] for a network without convolutions").format(value=shown(text)), -1
        )
    if words and words[-1].upper() in _LAST_WORDS:
        words.pop()
    widths = _linear_layers(words)
    cfg = parse_tokens([_value(raw) for raw in words[: len(words) - len(widths)]])
    return ParsedList(cfg, tuple(widths[:-1]) if widths else None, widths[-1] if widths else None)


def read_widths(text: str) -> list[int | str]:
    """A typed list of widths. Other words stay text, so that the spec refuses them and names their place."""
    words = [word.raw for word in split_text(text)]
    linear = [_LINEAR.fullmatch(word.upper()) for word in words]
    widths = [match["width"] if match else word for word, match in zip(words, linear, strict=True)]
    return [int(width) if _NUMBER.fullmatch(width) else width for width in widths]


def format_text(cfg: Sequence[RawToken]) -> str:
    """The list as the editor shows it: ``64, 64, M``; ``[]`` if it is empty."""
    return ", ".join(map(str, cfg)) or NO_TOKENS[0]


def _linear_layers(words: list[str]) -> list[int]:
    """Widths of the linear layers at the end of the list.

    Raises:
        TokenError: If one is too wide, or stands before a convolution or pool.
    """
    matches = [_LINEAR.fullmatch(word.upper()) for word in words]
    first = next((index for index, match in enumerate(matches) if match), len(words))
    widths = []
    for index, match in enumerate(matches[first:], first):
        if match is None:
            raise TokenError(
                _("{place}: {value} follows the linear layer {linear}; linear layers stand at the end").format(
                    place=place(index), value=shown(words[index]), linear=shown(words[index - 1])
                ),
                index,
            )
        if not 1 <= (width := int(match["width"])) <= MAX_WIDTH:
            raise TokenError(
                _("{place}: the width of {value} is not between 1 and {limit:,}").format(
                    place=place(index), value=shown(words[index]), limit=MAX_WIDTH
                ),
                index,
            )
        widths.append(width)
    return widths


def _find_list(text: str) -> tuple[str, int]:
    """The text with every character in its plain form, and the position where its list begins."""
    plain = _COMMENT.sub(lambda found: " " * len(found[0]), "".join(map(_plain_form, text)))
    start = 0
    while label := _LABEL.match(plain, start):
        start = label.end()
    return plain, start


def _value(raw: str) -> RawToken:
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 10 else raw


def _token_spelling(word: str) -> str:
    """A word in the spelling of the token that it means; other words are unchanged."""
    word = word.replace(INVISIBLE, "")
    upper = word.upper()
    if upper in _WORDS:
        return _WORDS[upper]
    if conv := _CONV.fullmatch(upper):
        kernel = int(conv["kernel"] or 3)
        return conv["channels"] if kernel == 3 else f"{conv['channels']}:{kernel}"
    return word


@lru_cache(maxsize=1024)
def _plain_form(character: str) -> str:
    """The plain form of a character: ``,`` for any separator, ``[`` or ``]`` for any bracket, ``'`` for any quote."""
    if character in _LOOK_ALIKES:
        return _LOOK_ALIKES[character]
    category = unicodedata.category(character)
    if category == "Cf":
        return INVISIBLE
    if character in _QUOTES or category in {"Pi", "Pf"}:
        return "'"
    if category in {"Ps", "Pe"}:
        return "[" if category == "Ps" else "]"
    if category == "Pd" or character == "−":
        return "-"
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    name = unicodedata.name(character, "")
    if "COMMA" in name or "SEMICOLON" in name or character in _SEPARATORS:
        return ","
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character
