"""The glossary: each term has one sentence and a source; every term that the code uses exists."""

import ast
import re
from pathlib import Path

import pytest

from explorer.ui.glossary import entries, explain, find_entries, term

# Everyday words of programming and training, which need no source.
NEEDS_NO_SOURCE = {
    "spec", "preset", "layer", "head", "channel", "unit", "logits", "linear", "flatten", "parameter",
    "activation-memory", "buffer", "batch", "epoch",
}  # fmt: skip


def used_terms(root: Path) -> set[str]:
    """Return the first arguments of all calls of ``explain`` and ``term``."""
    calls = [
        node
        for folder in ("explorer", "pages")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("explain", "term")
    ]
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


@pytest.mark.parametrize("key", entries())
def test_an_entry_is_one_sentence_with_a_source(key: str) -> None:
    entry = entries()[key]
    assert entry.sentence[0].isupper() or entry.sentence[0].isdigit()
    assert entry.sentence.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", entry.sentence)
    assert 20 < len(entry.sentence) <= 120
    assert bool(entry.source) != (key in NEEDS_NO_SOURCE)
    assert entry.name not in entry.sentence.split(".")[0].split(" ")[0]  # the sentence doesn't begin with the term


def test_names_are_unique() -> None:
    names = [entry.name.casefold() for entry in entries().values()]
    assert len(set(names)) == len(names)


def test_every_used_term_exists(root: Path) -> None:
    found = used_terms(root)
    assert {"receptive-field", "dropout", "macs", "stage"} <= found
    assert found <= set(entries())


def test_help_begins_with_the_meaning_at_this_place() -> None:
    first, second = explain("dropout", "Of the head.").split("\n\n")
    assert first == "Of the head."
    assert second.startswith("**Dropout** · Leaves out units")
    assert "Srivastava et al\\. 2014" in second


def test_the_html_of_a_term_is_escaped() -> None:
    assert term("parameter", "<b>weights</b>") == (
        '<abbr title="A number that training changes: a weight or a bias.">&lt;b&gt;weights&lt;/b&gt;</abbr>'
    )
    assert 'title="The pixels of the image' in term("receptive-field", "field")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("1x1", "1×1 convolution"), ("3x3", "3×3 convolution"), ("he 2015", "Initialisation"), ("zzz", ""),
        ("Regularization", "Regularisation"), ("batchnorm", "Batch norm"), ("cross entropy", "Cross-entropy"),
        ("crossentropy", "Cross-entropy"), ("entropy loss", "Cross-entropy"), ("overfitting", "Overfitting"),
        ("no_grad", "Training and evaluation mode"), ("backprop", "Backpropagation"), ("ELU", "Leaky ReLU"),
    ],
)  # fmt: skip
def test_search_ignores_differences_in_spelling(query: str, name: str) -> None:
    assert (name in {entry.name for entry in find_entries(query)}) == bool(name)
