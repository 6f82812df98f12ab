"""Finds the wordings of errors and notes that more than one test asserts.

Each wording is asserted in one test, which changes with it; other tests assert the kind of the error, or compare with
the message of the code below. A wording is a part between the placeholders of a message, unless several messages share
it. Messages are the sentences of all modules; pages and commands have other sentences too, so theirs count in errors
only.

usage: python -m tests.checks.wordings       exit status 1 and a line for each wording that several tests assert
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.checks.translatable import is_message

LEAST = 18  # characters of a wording; shorter ones are words that other texts have too
PLACEHOLDER = re.compile(r"\{[^}]*\}")
TITLE = re.compile(r"[A-Z][^{]*[^.?]")  # a name and no sentence
ESCAPED = re.compile(r"\\(.)")
ROOT = Path(__file__).parents[2]
INTERFACES = ("explorer/ui/", "explorer/cli/")


def wordings(source: str, *, errors_only: bool) -> Iterator[tuple[str, str]]:
    """The wordings of a module's messages, each with its whole message.

    Args:
        source: Source of the module.
        errors_only: Whether only messages that are raised or shown as errors count.
    """
    tree = ast.parse(source)
    places = [node for node in ast.walk(tree) if is_error(node)] if errors_only else [tree]
    for node in (node for place in places for node in ast.walk(place) if is_message(node)):
        forms = [text for text in texts(node) if not TITLE.fullmatch(text)]
        parts = (part.strip(" .,:;") for text in forms for part in PLACEHOLDER.split(text))
        yield from ((part, forms[0]) for part in parts if len(part) >= LEAST)


def is_error(node: ast.AST) -> bool:
    """Whether a node raises an error, or shows an error or a warning on the page."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("error", "warning")
    return isinstance(node, ast.Raise)


def texts(node: ast.AST) -> Iterator[str]:
    """The string constants below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def asserts(text: str, wording: str) -> bool:
    """Whether a text of a test quotes a wording or a large part of it."""
    return wording in text or (len(text) > LEAST and " " in text and text in wording)


def functions(source: str) -> Iterator[tuple[str, list[str]]]:
    """The functions and other statements of a test module, with the long texts in them.

    A text may be a regular expression, so it is without backslashes, ``^`` and ``$``.
    """
    for node in ast.parse(source).body:
        plain = {ESCAPED.sub(r"\1", text).strip("^$ ") for text in texts(node)}
        yield getattr(node, "name", f"line {node.lineno}"), [text for text in plain if len(text) >= LEAST]


def repeated(modules: Mapping[str, str], tests: Mapping[str, str]) -> dict[str, list[str]]:
    """The tests that assert a wording, for each wording that several tests assert.

    Args:
        modules: Sources of the modules by path.
        tests: Sources of the test modules by path.
    """
    messages: dict[str, set[str]] = defaultdict(set)
    for path, source in modules.items():
        for wording, message in wordings(source, errors_only=path.startswith(INTERFACES)):
            messages[wording].add(message)
    unique = [wording for wording, found in messages.items() if len(found) == 1]
    users: dict[str, list[str]] = defaultdict(list)
    for path, source in tests.items():
        for name, literals in functions(source):
            for wording in unique:
                if any(asserts(text, wording) for text in literals):
                    users[wording].append(f"{path}::{name}")
    return {wording: found for wording, found in users.items() if len(found) > 1}


def sources(folder: str) -> dict[str, str]:
    """The sources in a folder of this repository by path."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def main() -> int:
    """Print the wordings that several tests assert; returns 1 if there are any."""
    found = repeated(sources("explorer"), sources("tests"))
    for wording, users in found.items():
        print(f"{wording!r}: {', '.join(users)}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
