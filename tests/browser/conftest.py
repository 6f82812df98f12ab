"""A running app and a browser: Debian's Chromium, driven by Playwright."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import ACTIVE, Store, store
from explorer.settings import settings
from tests.helpers import chromium, made_runs
from tests.helpers.ports import free_port

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera for pages that are allowed to use it
]
DESKTOP = (1280, 900)
PATIENCE = 180_000  # milliseconds; the machine may be busy, and only a fault makes a test wait so long
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


def serve(log: Path, *options: str, port: int = 0, **environment: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the app as in the README and wait until it responds.

    Args:
        log: File of its output.
        options: Further options of Streamlit.
        port: Its port. 0 for any free one.
        environment: Further settings.
    """
    port = port or free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}", *options],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            env={
                **os.environ,
                "EXPLORER_SAVED_DIR": str(log.parent / "saved"),
                "EXPLORER_RUNS_DIR": str(log.parent / "runs"),
                "EXPLORER_DATA_DIR": str(log.parent / "data"),
                "EXPLORER_WEIGHTS_DIR": str(log.parent / "weights"),
                "EXPLORER_RUNNER_IDLE": "30",
                "EXPLORER_KEEP_READY": "false",  # many apps start, and few train
                **environment,
            },
        )
    address = f"http://localhost:{port}"
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=10).close()
        except OSError:
            time.sleep(0.25)
        else:
            return process, address
    process.kill()
    raise RuntimeError(f"the app did not start: {log.read_text()[-500:]}")


@pytest.fixture(scope="session")
def app_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app") / "log"


@pytest.fixture(scope="session")
def started(app_log: Path) -> Iterator[str]:
    """Address of an app that no page has visited."""
    process, url = serve(app_log)
    yield url
    process.terminate()
    process.wait(60)


@dataclass(frozen=True)
class Visited:
    """What the first page of a server shows, and its address."""

    blocks: str
    parameters: str
    url: str


@pytest.fixture(scope="session")
def first_visit(started: str, profile: BrowserContext, tabs: list[Page]) -> Visited:
    """The very first request after the start: a link to a page, with settings. It waits for PyTorch to be loaded."""
    page = profile.new_page()
    page.goto(f"{started}/architecture?net=resnet18&blocks=1.1.1.1&residual=false")
    parameters = page.get_by_test_id("stMetricValue").first
    parameters.wait_for()
    wait_until_settled(page)
    blocks = page.get_by_label("Blocks in stage 1", exact=True)
    visited = Visited(blocks.input_value(), parameters.inner_text(), page.url)
    page.goto("about:blank")
    tabs.append(page)
    return visited


@pytest.fixture(scope="session")
def address(started: str, first_visit: Visited) -> str:
    """Address of the app."""
    return started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert chromium.EXECUTABLE, "Chromium is missing: `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One context for all tests, because a new one would compile Streamlit's scripts again for each page.

    Transitions are off, because they take a quarter of the browser's time.
    """
    profile = browser.new_context(reduced_motion="reduce")
    profile.set_default_timeout(PATIENCE)
    profile.grant_permissions(["clipboard-read", "clipboard-write"])
    yield profile
    profile.close()


@pytest.fixture(scope="session")
def tabs() -> list[Page]:
    """Empty tabs of earlier tests, in which Streamlit's scripts are loaded; a page opens there in half the time."""
    return []


def ensure_runner() -> None:
    """See that a runner lives, from a process that ends before it."""
    command = [sys.executable, "-c", "from explorer.jobs import service; service.ensure_runner()"]
    subprocess.run(command, cwd=ROOT, env=settings().for_process(), check=True)


@pytest.fixture
def runs(address: str, app_log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of the running app."""
    for name in ("runs", "data", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(app_log.parent / name))
    monkeypatch.setenv("EXPLORER_KEEP_READY", "false")  # as for the app: a runner that this process starts keeps none
    settings.cache_clear()
    store.cache_clear()
    monkeypatch.setattr("explorer.jobs.service.ensure_runner", ensure_runner)
    yield store()
    settings.cache_clear()
    store.cache_clear()


@pytest.fixture
def long_run(runs: Store) -> Iterator[Job]:
    """A run of a tiny network that trains until it is stopped, which happens after the test at the latest."""
    spec = parse_spec({"family": "vgg", "cfg": [4, "M"], "classifier": [], "image_size": 8, "num_classes": 10})
    [job] = made_runs.jobs("A long run", spec=spec, epochs=10_000)  # more than a test trains on the fastest machine
    job = replace(job, resources=Resources(device="cpu", threads=1))
    service.submit([job])
    yield job
    if runs.get(job.id).status in ACTIVE:
        service.stop(job.id)


def wait_until_settled(page: Page) -> None:
    """Wait until the page's run has ended; its last elements may close a popover that is opened earlier.

    Not by ``expect``: each of its failed attempts reads the accessibility tree of the whole page for its message.
    """
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


CHARTS = """
    [["stPlotlyChart", ".main-svg"], ["stVegaLiteChart", "svg, canvas"], ["stDataFrame", "canvas"]]
    .every(([kind, picture]) => [...document.querySelectorAll(`[data-testid=${kind}]`)]
        .every(chart => chart.querySelector(picture)))
    && !document.querySelector("[data-testid=stSkeleton]")
"""
# Waits until nothing changes for half a second, but ten seconds at most.
QUIET = """
    () => new Promise(done => {
        let rest = setTimeout(done, 500);
        setTimeout(done, 10000);
        new MutationObserver(() => { clearTimeout(rest); rest = setTimeout(done, 500); })
            .observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    })
"""


# Elements of the run before fade out, and new ones fade in, by CSS: nothing in the document changes meanwhile.
OPAQUE = """
    [...document.querySelectorAll("[data-testid=stElementContainer]")]
        .every(element => element.dataset.stale !== "true" && getComputedStyle(element).opacity === "1")
"""


def wait_until_rendered(page: Page) -> None:
    """Wait until charts and tables are rendered too, which happens after the script has ended."""
    wait_until_settled(page)
    page.wait_for_function(CHARTS, polling=100)  # by default Chromium paints sixty times a second to ask
    page.evaluate(QUIET)
    page.wait_for_function(OPAQUE, polling=100)


@pytest.fixture
def visit(profile: BrowserContext, address: str, app_log: Path, tabs: list[Page]) -> Iterator[Callable[..., Page]]:
    """``visit("?net=vgg16", width=390)`` opens a tab, and waits for the test id ``ready`` and the end of the script.

    The fixture fails if a page sends requests to other machines or logs an error, or if the app logs a traceback.
    """
    pages: list[Page] = []
    faults: list[str] = []
    earlier = app_log.stat().st_size

    def on_console(message: ConsoleMessage) -> None:
        # Below a page's path Streamlit first asks there for its own endpoints, and then at the root.
        if message.type == "error" and "/_stcore/" not in message.location["url"]:
            faults.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
            faults.append(f"left the machine: {request.url}")

    def open_page(
        link: str = "",
        width: int = DESKTOP[0],
        height: int = DESKTOP[1],
        scheme: Literal["light", "dark"] = "light",
        ready: str = "stMetricValue",
    ) -> Page:
        page = tabs.pop() if tabs else profile.new_page()
        pages.append(page)
        page.bring_to_front()  # Chromium gives no full screen to a tab behind another one
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.on("console", on_console)
        page.on("request", on_request)
        page.goto(link if link.startswith("http") else f"{address}/{link}")
        page.get_by_test_id(ready).first.wait_for()
        wait_until_settled(page)
        return page

    yield open_page
    for page in profile.pages:
        if page not in pages and page not in tabs:  # a tab that a page has opened
            page.close()
    for page in pages:
        if not page.is_closed():
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
            page.remove_listener("console", on_console)
            page.remove_listener("request", on_request)
            page.goto("about:blank")
            tabs.append(page)
    profile.clear_cookies()
    assert faults == []
    assert b"Traceback" not in app_log.read_bytes()[earlier:]
