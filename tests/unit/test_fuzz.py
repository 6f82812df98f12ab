"""Stored inputs of the fuzzer are accepted or refused in words, and the fuzzer finds faults."""

import random
from pathlib import Path

import pytest

from explorer.errors import ExplorerError
from tests.fuzz.__main__ import CORPUS, fault, inputs, mutate
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_stored_inputs_are_accepted_or_refused_in_words(name: str, tmp_path: Path) -> None:
    contents = inputs(name)
    assert contents
    for content in contents:
        assert fault(TARGETS[name], content, tmp_path) == ""


def test_every_stored_input_has_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


def test_faults_are_found(tmp_path: Path) -> None:
    def crashes(_content: bytes, _folder: Path) -> None:
        raise KeyError("x")

    class BabbleError(ExplorerError):
        """An error with two lines; all errors of the product have one."""

        def __str__(self) -> str:
            return "two\nlines"

    def babbles(_content: bytes, _folder: Path) -> None:
        raise BabbleError

    assert "KeyError" in fault(crashes, b"", tmp_path)
    assert "not a line" in fault(babbles, b"", tmp_path)
    assert fault(lambda _content, _folder: None, b"", tmp_path) == ""


def test_inputs_are_mutated() -> None:
    chance = random.Random(1)  # noqa: S311
    changed = {mutate(b"[64, 'M', 128]", [b"conv3-64"], chance) for _try in range(200)}
    assert len(changed) > 150
