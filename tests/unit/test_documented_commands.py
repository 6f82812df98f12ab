"""Every command in the README and the documents works.

All commands are parsed by the parser of their program. Commands of the explorer are also run, in a folder with the
files that they need, except those in ``NOT_RUN``.
"""

import ast
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from argparse import ArgumentParser
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from streamlit.web import cli as streamlit_cli

from explorer.cli.main import cli
from explorer.families import resolve
from explorer.families.building import build
from explorer.jobs.store import Status, Store
from explorer.settings import Settings, settings
from tests.helpers import made_runs
from tests.helpers.documents import ROOT, CodePiece, commands, inline

NOT_RUN = {
    "FILE.onnx": "stands for any file",
    "FILE.py:Class": "stands for anybody's code",
    "weights=torchvision:vgg16": "downloads half a gigabyte",
    "--dataset cifar10-jpeg.zip": "reads a file that is not in the repository",
    "--dataset mnist10k.npz": "reads a file that is not in the repository",
}
REPLACED = {
    " --follow": "",  # nobody trains the job here
    "--evaluate cifar10": "--evaluate digits",  # without a download, and what the job was trained on
    "-o pretrained/": "-o ",
    "SPEC": "digits-cnn",
    "DATA": "digits",
    "RECIPE": "quick",
    "CHECKPOINT": "their.pth",
    "evaluate NAME": "evaluate digits-cnn",
    "delete NAME": "delete theirs",
    "convolve OLD": "convolve mnist-cnn",  # its head reads the map as it is
    "OLD": "theirs",
}
TEST_SETTINGS = {"EXPLORER_TEST_DATA", "EXPLORER_KILL_SECONDS"}  # read by tests only

EVERY = commands()
OURS = [named for named in EVERY if re.search(r"-m explorer |^explorer ", named.text)]
RUN = {named.text: named for named in OURS if "…" not in named.text and not any(part in named.text for part in NOT_RUN)}


def _words(text: str) -> list[str]:
    """Return the words of a command without its settings. Fails for an unknown setting."""
    words = shlex.split(text.replace("…", ""), comments=True)
    while re.match(r"[A-Z_]+=", words[0]):
        name = words.pop(0).partition("=")[0]
        names = {f"EXPLORER_{field.upper()}" for field in Settings.model_fields} | TEST_SETTINGS | {"PORT"}
        assert name in names
    return words


def _parse_ours(words: list[str]) -> None:
    """Check that a command and its options exist. A text may mention a command without its arguments."""
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"{name} is not a command"
        command = command.commands[name]
        context = click.Context(command, parent=context)
    try:
        command.make_parser(context).parse_args(words)
    except click.BadOptionUsage as error:
        assert not isinstance(error, click.NoSuchOption), error.format_message()
        assert error.message.endswith("requires an argument.")


def _parse_module(name: str, words: list[str]) -> None:
    """Check that a module and its options exist, without an import: its dependencies may not be installed."""
    found = importlib.util.find_spec(f"{name}.__main__") if (ROOT / name.replace(".", "/")).is_dir() else None
    found = found or importlib.util.find_spec(name)
    assert found, f"{name} is not a module"
    assert found.origin
    source = Path(found.origin).read_text("utf-8")
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    options = {
        a.value
        for call in calls
        if ast.unparse(call.func).endswith("add_argument")
        for a in call.args
        if isinstance(a, ast.Constant)
    }
    assert {word for word in words if word.startswith("-")} <= options


def _tensorboard_options() -> ArgumentParser:
    with warnings.catch_warnings(action="ignore"):  # it imports deprecated modules
        from tensorboard.plugins.core.core_plugin import CorePluginLoader
    parser = ArgumentParser()
    CorePluginLoader().define_flags(parser)
    return parser


def _parse(text: str) -> None:
    match _words(text):
        case ["explorer", *rest] | ["python" | ".venv/bin/python", "-m", "explorer", *rest]:
            _parse_ours(rest)
        case ["python" | ".venv/bin/python", "-m", module, *rest]:
            _parse_module(module, rest)
        case ["python", "-c", code]:
            ast.parse(code)
        case ["make", *targets]:
            rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
            assert set(targets) <= set(rules)
        case ["pip", "install", *rest]:
            paths = [word.partition("[")[0] for word in rest if not word.startswith("-")]  # without extras
            assert all((ROOT / path).exists() for path in paths)
        case ["streamlit" | ".venv/bin/streamlit", "run", *rest]:
            command = streamlit_cli.main.commands["run"]
            options, _arguments, _order = command.make_parser(click.Context(command)).parse_args(rest)
            assert rest == [] or (ROOT / options["target"]).exists()
        case ["tensorboard", *rest]:
            _tensorboard_options().parse_args(rest)
        case [".venv/bin/pytest", *_rest]:
            pass  # checked below
        case [".venv/bin/pre-commit", "install"]:
            assert (ROOT / ".pre-commit-config.yaml").exists()
        case [program, *_rest]:
            pytest.fail(f"there is no parser for {program}")


@pytest.mark.parametrize("named", EVERY, ids=lambda named: named.place)
def test_documented_commands_exist(named: CodePiece) -> None:
    for text in re.split(r" && ", named.text):
        _parse(text)


def test_commands_are_found() -> None:
    assert len(EVERY) > 60
    assert {"README.md", "CONTRIBUTING.md", "docs/jobs.md"} <= {named.place.partition(":")[0] for named in EVERY}


@pytest.mark.parametrize(
    "text",
    ["explorer plot", "python -m explorer train --speed 3", "make coffee", "python -m nothing", "NOBODY=1 make run"],
)
def test_unknown_commands_are_found(text: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, click.UsageError, ModuleNotFoundError)):
        _parse(text)


def test_commands_without_the_name_of_the_program_exist() -> None:
    """Such as ``jobs delete ID`` or ``evaluate --json``."""
    mentioned = [code for code in inline() if code.text.partition(" ")[0] in cli.commands and " " in code.text]
    assert len(mentioned) > 10
    for code in mentioned:
        _parse_ours(shlex.split(code.text.replace("…", "")))


@pytest.mark.process
@pytest.mark.parametrize(
    "named", [named for named in EVERY if named.text.startswith(".venv/bin/pytest")], ids=lambda named: named.place
)
def test_a_documented_selection_of_tests_is_not_empty(named: CodePiece) -> None:
    """pytest fails with exit status 5 if it selects no test."""
    command = [sys.executable, "-m", "pytest", *_words(named.text)[1:], "--collect-only", "-q"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)


@pytest.mark.process
def test_documented_make_targets_exist() -> None:
    """``make -n`` runs nothing, and fails if a rule or a file is missing."""
    for named in EVERY:
        if (words := _words(named.text))[0] == "make":
            subprocess.run(["make", "-n", *words[1:]], check=True, cwd=ROOT, capture_output=True)


@pytest.fixture
def place(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Create a folder with the files that documented commands need. Returns the ids of jobs in each state."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("EXPLORER_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    shutil.copy(ROOT / "pretrained" / "digits-cnn.safetensors", tmp_path / "weights" / "theirs.safetensors")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save("photo.jpg")
    network = build(resolve("digits-cnn").changed(num_classes=2))
    torch.save(network.state_dict(), "their.pth")
    finished = made_runs.add(jobs, "ours", Status.FINISHED)
    made_runs.write_weights(finished)
    return {
        "JOB": finished,
        "ID": finished,
        "stop ID": made_runs.add(jobs, "waits", Status.QUEUED),
        "resume ID": made_runs.add(jobs, "stands", Status.STOPPED),
    }


@pytest.mark.process
@pytest.mark.parametrize("named", RUN.values(), ids=lambda named: named.place)
def test_documented_commands_work(named: CodePiece, place: dict[str, str]) -> None:
    text = named.text
    for name, job in sorted(place.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"\b{name}\b", f"{name.removesuffix('ID')}{job}" if " " in name else job, text)
    for old, new in REPLACED.items():
        text = text.replace(old, new)
    words = _words(text)
    result = CliRunner().invoke(cli, words[words.index("explorer") + 1 :])
    if result.exit_code == 2 and "Missing argument" in result.output:
        assert not named.fenced, "a block shows whole commands"
        return  # the text only mentions the command
    assert result.exit_code == 0, (text, result.output, result.exception)
