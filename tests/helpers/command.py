"""Runs commands in the process of the test."""

import sys

import pytest

from explorer.cli.main import main


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; returns exit status, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["explorer", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err
