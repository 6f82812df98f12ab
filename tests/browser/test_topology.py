"""The parts of deploy/compose.yaml as processes: PostgreSQL, two app servers behind the proxy, and a runner."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from explorer.jobs.store import Status, Store
from tests.browser.conftest import PATIENCE, ROOT, serve, wait_until_settled
from tests.helpers import postgres
from tests.helpers.ports import free_port

SAME = "the same on both servers"
SLOW = 90_000  # milliseconds; servers import torch, and the machine may be busy
FORM = "train?net=mnist-fc&dataset=digits&recipe=quick&epochs=2&threads=1"
HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
MISSING = [name for name, found in (("PostgreSQL", postgres.programs()), ("HAProxy", HAPROXY)) if not found]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

# Notes when the browser loses its connection, connects again, and has a new page.
NOTE_STATES = """() => {
  const app = document.querySelector("[data-testid=stApp]").dataset, begin = performance.now();
  window.states = [];
  const note = () => {
    const now = `${app.testConnectionState} ${app.testScriptState}`;
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    if (!window.states.at(-1)?.endsWith(now)) window.states.push(`${seconds} s ${now}`);
  };
  new MutationObserver(note).observe(document.body, {subtree: true, attributes: true});
}"""

Process = subprocess.Popen[bytes]


class Topology:
    """All parts, each as a process.

    Attributes:
        store: The store of all parts.
        address: Address of the proxy.
        apps: App servers by their names in the proxy's cookie.
    """

    def __init__(self, folder: Path, url: str, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.store = Store(url)
        stack.callback(self.store._engine.dispose)
        common = {"EXPLORER_DATABASE_URL": url, "EXPLORER_LOG_FORMAT": "json"}
        self.apps: dict[str, Process] = {}
        ports = {name: free_port() for name in ("app1", "app2", "proxy")}
        for name in ("app1", "app2"):
            app, _address = serve(
                folder / f"{name}.log", port=ports[name],
                EXPLORER_RUN_JOBS="false",
                STREAMLIT_SERVER_COOKIE_SECRET=SAME, **common,
            )  # fmt: skip
            self.apps[name] = self._ended_later(app)
        self.address = f"http://localhost:{ports['proxy']}"
        addresses = {name.upper(): f"127.0.0.1:{ports[name]}" for name in ("app1", "app2")}
        proxy = {"PROXY_BIND": f"127.0.0.1:{ports['proxy']}", **addresses}
        self.proxy = self._start("proxy", [str(HAPROXY), "-db", "-f", str(ROOT / "deploy" / "haproxy.cfg")], proxy)
        folders = {f"EXPLORER_{name.upper()}_DIR": str(folder / name) for name in ("runs", "data", "weights", "saved")}
        self.runner = self._start(
            "runner", [sys.executable, "-m", "explorer.jobs.runner"],
            {**common, **folders, "EXPLORER_RUNNER_IDLE": "1e9", "EXPLORER_KEEP_READY": "false"},
        )  # fmt: skip
        self._wait_for_proxy()

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> Process:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log)
        return self._ended_later(process)

    def _ended_later(self, process: Process) -> Process:
        def end() -> None:
            process.kill()
            process.wait()

        self._stack.callback(end)
        return process

    def _wait_for_proxy(self) -> None:
        for _attempt in range(400):
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self._folder / "proxy.log").read_text())


@pytest.fixture
def topology(tmp_path: Path) -> Iterator[Topology]:
    with postgres.running() as server, ExitStack() as stack:
        yield Topology(tmp_path, server.url(server.new_database()), stack)


def arrive(browser: Browser, stack: ExitStack) -> tuple[BrowserContext, Page]:
    context = stack.enter_context(browser.new_context(reduced_motion="reduce"))
    page = context.new_page()
    page.set_default_timeout(SLOW)
    return context, page


def server_of(context: BrowserContext) -> str:
    """The server to which the proxy's cookie binds a browser."""
    [name] = [cookie["value"] for cookie in context.cookies() if cookie["name"] == "explorer-server"]
    return name


def ready(page: Page) -> None:
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=SLOW)
    wait_until_settled(page)


def test_two_servers_share_jobs_and_one_may_be_lost(topology: Topology, browser: Browser) -> None:
    with ExitStack() as stack:
        (first, ann), (second, bob) = arrive(browser, stack), arrive(browser, stack)
        ann.goto(f"{topology.address}/{FORM}")
        ready(ann)
        bob.goto(f"{topology.address}/runs")
        ready(bob)
        lost, other = server_of(first), server_of(second)
        assert {lost, other} == set(topology.apps)  # each session stays with its server

        ann.get_by_role("button", name="Train", exact=True).click()
        watch = ann.get_by_role("link", name="Watch it")
        watch.wait_for()
        [job] = topology.store.records()
        bob.goto(f"{topology.address}/runs?job={job.id}")  # the other server shows the job of the first
        expect(bob.get_by_role("button", name="Delete")).to_be_enabled(timeout=SLOW)
        bob.get_by_text("Predict with it").wait_for()  # the runner has finished it
        assert topology.store.get(job.id).status is Status.FINISHED
        watch.click()
        ann.get_by_text("Predict with it").wait_for()
        link = ann.url
        assert job.id in link

        bob.evaluate("window.sameDocument = true")
        ann.evaluate(NOTE_STATES)
        topology.apps[lost].kill()
        begin = time.monotonic()
        while server_of(first) != other:  # the page counts as connected until the browser notices the loss
            assert time.monotonic() < begin + PATIENCE / 1000
            ann.wait_for_timeout(100)
        ready(ann)
        ann.get_by_role("button", name="Rename").click()
        expect(ann.get_by_role("textbox", name="Name", exact=True)).to_have_value("mnist-fc digits")
        print(f"back after {time.monotonic() - begin:.1f} s: {ann.evaluate('window.states')}")
        assert ann.url == link
        bob.get_by_role("button", name="Rename").click()
        field = bob.get_by_role("textbox", name="Name", exact=True)
        field.fill("renamed")
        field.press("Enter")
        bob.get_by_role("heading", name="renamed").wait_for()
        assert bob.evaluate("window.sameDocument")
        assert server_of(second) == other
    _check_shutdown(topology, other)


def _check_shutdown(topology: Topology, app: str) -> None:
    """Every part that is left ends when it is asked to, and leaves no process behind."""
    parts = [topology.runner, topology.apps[app]]
    children = [child for part in parts for child in psutil.Process(part.pid).children(recursive=True)]
    for part in parts:
        part.send_signal(signal.SIGTERM)
    assert [part.wait(30) for part in parts] == [0, -signal.SIGTERM]
    _gone, alive = psutil.wait_procs(children, 10)
    assert not alive
