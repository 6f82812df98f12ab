"""The files of deploy/ are valid, and agree with the product."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from explorer.settings import Settings
from tests.helpers.documents import ROOT

DEPLOY = ROOT / "deploy"
SETTINGS = {f"EXPLORER_{name.upper()}" for name in Settings.model_fields}
FILES = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]


def run(*command: str, **environment: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def needs(program: str) -> str:
    """The path of a program; skips the test without it."""
    found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def compose() -> dict[str, Any]:
    """The compose file, with each variable of .env at its default or as ``x``."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:(?:-(\w+)|\?)\}", lambda found: found[1] or "x", text))
    return document


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    named = set(re.findall(r"\bEXPLORER_[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8")))
    assert named <= SETTINGS


@pytest.mark.process
def test_the_dockerfile_passes_its_linter() -> None:
    run(needs("hadolint"), str(DEPLOY / "Dockerfile"))


def test_the_image_contains_what_the_dockerfile_copies() -> None:
    copied = set(re.findall(r"^COPY (\S+) ", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE))
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)
    assert ".streamlit/secrets.toml" in ignored


@pytest.mark.process
def test_the_compose_file_passes_its_linter() -> None:
    rules = "{extends: default, rules: {line-length: {max: 120}, document-start: disable}}"
    run(needs("yamllint"), "-s", "-d", rules, str(DEPLOY / "compose.yaml"))


def test_the_compose_file_has_the_parts() -> None:
    services = compose()["services"]
    assert set(services) == {"database", "app1", "app2", "runner", "proxy"}
    for name in ("app1", "app2", "runner"):
        environment = services[name]["environment"]
        assert environment["EXPLORER_DATABASE_URL"] == "postgresql+psycopg://explorer@database/explorer"
        assert services[name]["volumes"] == ["files:/data"]
        Settings.model_validate({key[9:].lower(): value for key, value in environment.items() if key in SETTINGS})
    assert services["app1"]["environment"]["EXPLORER_RUN_JOBS"] == "false"
    assert services["proxy"]["depends_on"] == ["app1", "app2"]
    volumes = {volume.partition(":")[0] for one in services.values() for volume in one.get("volumes", [])}
    assert {name for name in volumes if not name.startswith(".")} == set(compose()["volumes"])


@pytest.mark.process
def test_the_proxy_accepts_its_configuration() -> None:
    environment = dict(compose()["services"]["proxy"]["environment"], APP1="127.0.0.1:1", APP2="127.0.0.1:2")
    run(needs("haproxy"), "-c", "-f", str(DEPLOY / "haproxy.cfg"), **environment)


@pytest.mark.process
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    verify = needs("systemd-analyze")
    units = []
    for path in (DEPLOY / "systemd").glob("*.service"):
        text = path.read_text(encoding="utf-8")
        assert text.count("/opt/explorer/.venv/bin/") == 1
        program = f"{Path(sys.executable).parent}/"
        unit = tmp_path / path.name.replace("@", "@8501")
        unit.write_text(text.replace("/opt/explorer/.venv/bin/", program).replace("User=explorer", "User=root"))
        units.append(str(unit))
    assert len(units) == 2
    assert run(verify, "verify", *units) == ""
    assert "KillMode=process" in (DEPLOY / "systemd" / "explorer-runner.service").read_text(encoding="utf-8")
