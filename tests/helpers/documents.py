"""Commands and other inline code in the README and the documents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_START = re.compile(
    r"([A-Z_]+=\S* )*(\.venv/bin/\w|explorer [a-z]|make [a-z]|msgfmt |pip |python |streamlit |tensorboard )"
)


def documents() -> list[Path]:
    """All documents except the change log, which names former things."""
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "pretrained").glob("*.md")]
    return sorted(path for path in texts if path.name != "CHANGELOG.md")


@dataclass(frozen=True)
class CodePiece:
    """A piece of code in a document.

    Attributes:
        place: Path of the document and line.
        text: The code, in one line.
        fenced: Whether it is a line of a code block.
    """

    place: str
    text: str
    fenced: bool


def commands() -> list[CodePiece]:
    """All commands: the lines of blocks marked ``sh``, and inline code that starts like a command."""
    found = []
    for path, content in _contents():
        for block in _FENCED.finditer(content):
            for number, line in enumerate(block[2].splitlines(), _line(content, block.start()) + 1):
                if block[1] == "sh":
                    found.append(CodePiece(f"{path}:{number}", line, fenced=True))
                else:
                    assert not _START.match(line), f"{path}:{number}: a block of commands is marked sh"
    return [*found, *(code for code in inline() if _START.match(code.text))]


def inline() -> list[CodePiece]:
    """All inline code."""
    found = []
    for path, content in _contents():
        text = _FENCED.sub(lambda block: "\n" * block[0].count("\n"), content)
        for code in _INLINE.finditer(text):
            found.append(CodePiece(f"{path}:{_line(text, code.start())}", " ".join(code[1].split()), fenced=False))
    return found


def _contents() -> Iterator[tuple[str, str]]:
    return ((path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in documents())


def _line(content: str, place: int) -> int:
    return content.count("\n", 0, place) + 1
