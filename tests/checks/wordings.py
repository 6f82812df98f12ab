"""Finds the wordings of errors that more than one test asserts.

Each wording is asserted in one test, which changes with it; other tests assert the kind of the error, or compare with
the message of the code below. A wording is a part between placeholders of a message in a ``raise`` statement, unless
several messages share it.

usage: python -m tests.checks.wordings       exit status 1 and a line for each wording that several tests assert
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.checks.translatable import is_message

LEAST = 18  # characters of a wording; shorter ones are words that other texts have too
PLACEHOLDER = re.compile(r"\{[^}]*\}")
ESCAPED = re.compile(r"\\(.)")
ROOT = Path(__file__).parents[2]


def wordings(source: str) -> Iterator[tuple[str, str]]:
    """Each wording of the errors that a module raises, with its whole message."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            for call in ast.walk(node.exc):
                if isinstance(call, ast.Call) and is_message(call):
                    for text in texts(call):
                        parts = (part.strip(" .,:;") for part in PLACEHOLDER.split(text))
                        yield from ((part, text) for part in parts if len(part) >= LEAST)


def texts(node: ast.AST) -> Iterator[str]:
    """The string constants below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def asserts(text: str, wording: str) -> bool:
    """Whether a text of a test, which may be a regular expression, quotes a wording or a large part of it."""
    plain = ESCAPED.sub(r"\1", text).strip("^$ ")
    return wording in plain or (len(plain) >= LEAST and " " in plain and plain in wording)


def tests(source: str) -> Iterator[tuple[str, list[str]]]:
    """The test functions of a module with their string constants."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, list(texts(node))


def repeated() -> dict[str, list[str]]:
    """The tests that assert a wording, for each wording that several tests assert."""
    messages: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "explorer").rglob("*.py")):
        for wording, message in wordings(path.read_text("utf-8")):
            messages[wording].add(message)
    unique = [wording for wording, found in messages.items() if len(found) == 1]
    users: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, literals in tests(path.read_text("utf-8")):
            for wording in unique:
                if any(asserts(text, wording) for text in literals):
                    users[wording].append(f"{path.relative_to(ROOT)}::{name}")
    return {wording: found for wording, found in users.items() if len(found) > 1}


def main() -> int:
    """Print the wordings that several tests assert; returns 1 if there are any."""
    found = repeated()
    for wording, users in found.items():
        print(f"{wording!r}: {', '.join(users)}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
