"""Checks that every ``_()`` call takes one whole literal sentence and that no result is glued to another.

usage: python -m tests.checks.translatable FOLDER …       exit status 1 and a line for each fault
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

POSITIONAL = re.compile(r"(?<!{){(\d*)([:!][^}]*)?}(?!})")


def faults(source: str, name: str) -> Iterator[str]:
    """A line for each call that a translator couldn't work with."""
    for node in ast.walk(ast.parse(source)):
        if is_message(node):
            if len(node.args) != 1 or node.keywords or not literal(node.args[0]):
                yield f"{name}:{node.lineno}: _() takes one literal string"
            elif POSITIONAL.search(node.args[0].value):
                yield f"{name}:{node.lineno}: placeholders need names: {node.args[0].value!r}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            if any(is_sentence(side) for side in (node.left, node.right)):
                yield f"{name}:{node.lineno}: a translated sentence is glued to something; make it one sentence"
        elif isinstance(node, ast.FormattedValue) and is_sentence(node.value):
            yield f"{name}:{node.lineno}: a translated sentence inside an f-string; make it one sentence"


def literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_message(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"


def is_sentence(node: ast.AST) -> bool:
    """``_("…")`` or ``_("…").format(…)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        node = node.func.value
    return is_message(node)


def main(folders: list[str]) -> int:
    found = [
        fault
        for folder in folders
        for path in sorted(Path(folder).rglob("*.py"))
        for fault in faults(path.read_text(encoding="utf-8"), str(path))
    ]
    print("\n".join(found) or "all sentences are whole")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
