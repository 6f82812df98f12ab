"""The files of deploy/ are valid, and agree with the product."""

import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
import yaml  # type: ignore[import-untyped]
from starlette.types import Receive, Scope, Send

from explorer.settings import Settings
from explorer.ui.upload_limit import client_address
from tests.helpers.documents import ROOT
from tests.helpers.ports import free_port

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


def test_the_app_servers_believe_the_proxy_of_the_compose_file_alone() -> None:
    document = compose()
    [config] = document["networks"]["default"]["ipam"]["config"]
    proxy = document["services"]["proxy"]["networks"]["default"]["ipv4_address"]
    for name in ("app1", "app2"):
        assert document["services"][name]["environment"]["FORWARDED_ALLOW_IPS"] == proxy
    address = ip_address(proxy)
    assert address in ip_network(config["subnet"])
    assert address not in ip_network(config["ip_range"]), "another container could get this address"


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="a client needs an address of its own, such as 127.0.0.2")
def test_a_client_of_the_proxy_counts_by_its_own_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    haproxy = needs("haproxy")

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": client_address(scope).encode()})

    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_config=None, lifespan="off"))
    thread = Thread(target=server.run)
    thread.start()
    port, address = free_port(), f"127.0.0.1:{server.config.port}"
    environment = {"PROXY_BIND": f"127.0.0.1:{port}", "APP1": address, "APP2": address}
    with (tmp_path / "log").open("wb") as log:
        command = [haproxy, "-db", "-f", str(DEPLOY / "haproxy.cfg")]
        proxy = subprocess.Popen(command, env=os.environ | environment, stderr=log)
    try:
        for forged in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "127.0.0.1"}):
            assert seen_as(port, "127.0.0.2", forged) == "127.0.0.2"
    finally:
        proxy.terminate()
        server.should_exit = True
        proxy.wait(60)
        thread.join(60)


def seen_as(port: int, address: str, headers: dict[str, str]) -> str:
    """The address by which a server behind a proxy knows a client, once both answer."""
    until = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(address, 0))
        try:
            connection.request("GET", "/", headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
            if response.status == 200:
                return text
        except OSError:
            text = "no connection"
        finally:
            connection.close()
        assert time.monotonic() < until, text
        time.sleep(0.1)


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
