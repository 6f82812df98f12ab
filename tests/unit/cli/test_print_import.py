"""Imports on a terminal: questions, answers and the report."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from explorer.cli.print_import import ask, report
from explorer.errors import InputError
from explorer.families.recognition.guess import Question
from tests.helpers.foreign_networks import RESIDUAL, Import, imported, weights_of

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("forked")]

__all__ = ["imported"]  # a fixture


def test_the_terminal_asks_again_after_an_invalid_answer() -> None:
    answers: list[Any] = []

    def check(answer: Any) -> None:
        if answer == [0.1]:
            raise InputError("mean: not that")

    @click.command()
    def command() -> None:
        answers.append(ask(Question("mean", "What mean?", [0.5, 0.5, 0.5]), check))
        answers.append(ask(Question("stride_on", "Which?", "3x3", ("3x3", "1x1")), check))
        answers.append(ask(Question("residual", "Shortcuts?", likely=True, choices=(True, False)), check))
        answers.append(ask(Question("classes", "Names?", [f"class {n}" for n in range(100)]), check))
        answers.append(ask(Question("cfg", "Pools?", [8, "M"]), check))

    done = CliRunner().invoke(command, input="red\n.1\n.2,.3,.4\n1X1\nfalse\n\n8,16:5p0,A\n", catch_exceptions=False)
    assert "'red' is not a list of numbers" in done.output
    assert "mean: not that" in done.output
    assert answers == [[0.2, 0.3, 0.4], "1x1", False, [f"class {n}" for n in range(100)], [8, "16:5p0", "A"]]


def test_the_report_lists_file_classes_and_notes(imported: Import) -> None:
    done = imported(weights_of(RESIDUAL))
    lines = report(done).splitlines()
    assert "ours.safetensors" in lines[0]
    assert "10 classes" in lines[0]
    assert lines[1:] == list(done.notes)
