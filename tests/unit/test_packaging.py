"""``pip install .`` installs the whole package and the command ``explorer``."""

import configparser
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from explorer import __version__
from explorer.cli.main import main

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
SOURCES = ("explorer", "pretrained", "pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build a wheel, without a network, from a copy of the sources: a build writes files into its sources."""
    copy, folder = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(folder)]
    subprocess.run([*command, str(copy)], check=True, cwd=folder)
    (file,) = folder.iterdir()
    return zipfile.ZipFile(file)


def test_the_wheel_contains_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = [path for path in (ROOT / "explorer").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {path.relative_to(ROOT).as_posix() for path in files}
    weights = [path.name for path in (ROOT / "pretrained").glob("*.*") if path.suffix != ".md"]
    expected |= {f"explorer/pretrained/{name}" for name in weights}
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == expected


def test_the_wheel_has_the_dependencies_of_requirements_txt(wheel: zipfile.ZipFile) -> None:
    metadata = _metadata(wheel, "METADATA")
    assert f"\nVersion: {__version__}\n" in metadata
    required = {_parts(line) for line in re.findall(r"^Requires-Dist: ([^;\n]*)$", metadata, re.MULTILINE)}
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert required == {_parts(line) for line in lines if line and not line.startswith("#")}


def test_the_command_is_the_command_line(wheel: zipfile.ZipFile) -> None:
    entry_points = configparser.ConfigParser()
    entry_points.read_string(_metadata(wheel, "entry_points.txt"))
    assert dict(entry_points["console_scripts"]) == {"explorer": "explorer.cli.main:main"}
    module, _, function = entry_points["console_scripts"]["explorer"].partition(":")
    assert getattr(importlib.import_module(module), function) is main


def test_an_installed_copy_has_all_data_and_stores_its_files_in_the_working_directory(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    installed, started = tmp_path / "installed", tmp_path / "started"
    wheel.extractall(installed)
    started.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EXPLORER_")}

    def explorer(*arguments: str) -> str:
        script = "from explorer.cli.main import main; main()"
        command = [sys.executable, "-c", f"import sys; sys.path[0] = {str(installed)!r}; {script}", *arguments]
        return subprocess.run(command, check=True, cwd=started, env=environment, capture_output=True, text=True).stdout

    weights = {card["name"]: card for card in json.loads(explorer("weights", "--json"))}
    assert Path(weights["digits-cnn"]["path"]).parent == installed / "explorer" / "pretrained"
    explorer("export", "digits-cnn", "--format", "pytorch", "-o", "net.py")
    assert "class Net" in (started / "net.py").read_text()
    assert json.loads(explorer("jobs", "list", "--json")) == []
    assert not {path.name for path in installed.iterdir()} & {"runs", "datasets", "weights", "saved"}


def _metadata(wheel: zipfile.ZipFile, name: str) -> str:
    (file,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(file).decode()


def _parts(requirement: str) -> tuple[str, frozenset[str]]:
    """Return name and bounds of a requirement. The order of bounds has no meaning."""
    name = re.split(r"[<>=!~]", requirement, maxsplit=1)[0]
    return name, frozenset(requirement[len(name) :].replace(" ", "").split(","))
