"""Names in the product have none of the words that the glossary for developers replaces."""

import ast
import re
from collections.abc import Iterator

from tests.helpers.documents import ROOT

GLOSSARY = ROOT / "docs" / "glossary-for-developers.md"
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")  # a word of a name: find_Word, FIND_WORD


def replaced_words() -> set[str]:
    """The words in the first column of the glossary's last table."""
    section = GLOSSARY.read_text("utf-8").split("## Words that names don't have")[1]
    rows = re.findall(r"^\| ([a-z, ]+) \|", section, re.MULTILINE)
    return {word for row in rows if row != "not" for word in row.split(", ")}


def names(source: str) -> Iterator[str]:
    """Every name that a module defines or uses."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name):
                yield name
            case ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name


def words(name: str) -> set[str]:
    return {part.lower() for part in PART.findall(name)}


def test_words_of_names_are_found() -> None:
    assert set(map(frozenset, map(words, names("def give_Told(x): return x.DEED_done")))) == {
        frozenset({"give", "told"}), frozenset({"x"}), frozenset({"deed", "done"}),
    }  # fmt: skip


def test_no_name_has_a_replaced_word() -> None:
    replaced = replaced_words()
    assert {"told", "deed", "kept"} <= replaced
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("explorer", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for name in names(path.read_text("utf-8"))
        if words(name) & replaced
    }
    assert not found
