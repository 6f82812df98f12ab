"""The kept inputs of the fuzzer are taken or refused in words, and the fuzzer finds what it should."""

import random
from pathlib import Path

import pytest

from explorer.errors import ExplorerError
from tests.fuzz.__main__ import CORPUS, fault, inputs, mutated
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs_are_taken_or_refused_in_words(name: str, tmp_path: Path) -> None:
    kept = inputs(name)
    assert kept
    for content in kept:
        assert fault(TARGETS[name], content, tmp_path) == ""


def test_every_kept_input_has_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


def test_faults_are_found(tmp_path: Path) -> None:
    def crashes(_content: bytes, _folder: Path) -> None:
        raise KeyError("x")

    class BabbleError(ExplorerError):
        """All of the product's errors keep to a line by themselves."""

        def __str__(self) -> str:
            return "two\nlines"

    def babbles(_content: bytes, _folder: Path) -> None:
        raise BabbleError

    assert "KeyError" in fault(crashes, b"", tmp_path)
    assert "not a line" in fault(babbles, b"", tmp_path)
    assert fault(lambda _content, _folder: None, b"", tmp_path) == ""


def test_inputs_are_changed() -> None:
    chance = random.Random(1)  # noqa: S311
    changed = {mutated(b"[64, 'M', 128]", [b"conv3-64"], chance) for _try in range(200)}
    assert len(changed) > 150
