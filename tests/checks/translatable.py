"""Checks that ``_()`` and ``ngettext()`` calls take whole literal sentences, and that no result is glued to another.

usage: python -m tests.checks.translatable FOLDER …

Prints a line for each fault. The exit status is 1 if there is one.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

FORMS = 3  # arguments of ngettext: one, many, and the count
POSITIONAL = re.compile(r"(?<!{){(\d*)([:!][^}]*)?}(?!})")


def faults(source: str, name: str) -> Iterator[str]:
    """Yields a line for each call with which a translator can't work."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and is_message(node):
            texts = node.args[:-1] if len(node.args) == FORMS else node.args
            words = [text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            if len(node.args) not in (1, FORMS) or node.keywords or len(words) < len(texts):
                yield f"{name}:{node.lineno}: _() takes one literal string, ngettext() two and the count"
            elif any(POSITIONAL.search(text) for text in words):
                yield f"{name}:{node.lineno}: placeholders need names: {words[0]!r}"
        elif isinstance(node, ast.Call) and is_sentence(node) and (missing := missing_values(node)):
            yield f"{name}:{node.lineno}: format() has no value for {', '.join(sorted(missing))}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            if any(is_sentence(side) for side in (node.left, node.right)):
                yield f"{name}:{node.lineno}: a translated sentence is glued to something; make it one sentence"
        elif isinstance(node, ast.FormattedValue) and is_sentence(node.value):
            yield f"{name}:{node.lineno}: a translated sentence inside an f-string; make it one sentence"


def is_message(node: ast.AST) -> bool:
    """Returns whether a node is ``_("…")`` or ``ngettext("…", "…", count)``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext")


def is_sentence(node: ast.AST) -> bool:
    """Returns whether a node is ``_("…")`` or ``_("…").format(…)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        node = node.func.value
    return is_message(node)


def missing_values(node: ast.Call) -> set[str]:
    """The placeholders of a formatted sentence for which ``format()`` has no value, in the singular or the plural."""
    if not isinstance(node.func, ast.Attribute) or any(keyword.arg is None for keyword in node.keywords):
        return set()  # ``**values`` may hold any name
    texts = [text.value for text in ast.walk(node.func.value) if isinstance(text, ast.Constant)]
    fields = (Formatter().parse(text) for text in texts if isinstance(text, str))
    names = {re.split(r"[.[]", name)[0] for parsed in fields for _text, name, _format, _conversion in parsed if name}
    return names - {keyword.arg for keyword in node.keywords if keyword.arg}


def main(places: list[str]) -> int:
    """Prints the faults in files and folders, and returns the exit status."""
    lines = [
        fault
        for place in map(Path, places)
        for path in ([place] if place.is_file() else sorted(place.rglob("*.py")))
        for fault in faults(path.read_text(encoding="utf-8"), str(path))
    ]
    print("\n".join(lines) or "all sentences are whole")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
