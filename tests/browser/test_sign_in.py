"""A server with sign-in, from the first visit to its shutdown: three people, one provider on this machine."""

import json
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from prometheus_client.parser import text_string_to_metric_families

from explorer.jobs.store import Record, Status, Store
from tests.browser.conftest import PATIENCE, serve, wait_until_settled
from tests.helpers import oidc
from tests.helpers.actors import ADMIN, ANN, BOB
from tests.helpers.ports import free_port

COOKIE_SECRET = "a secret for the cookies of this test"  # noqa: S105
FORM = "train?net=mnist-fc&dataset=digits&recipe=quick"


@pytest.fixture
def people(browser: Browser) -> Iterator[Callable[[], Page]]:
    """A page in a browser of somebody's own."""
    contexts: list[BrowserContext] = []

    def arrive() -> Page:
        contexts.append(browser.new_context(reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield arrive
    for context in contexts:
        context.close()


def sign_in(page: Page, link: str, email: str) -> None:
    """Open a link, and sign in there."""
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(link)  # the page of the link, not the start page
    page.get_by_role("button", name=f"Sign out {email}").wait_for()
    wait_until_settled(page)


def test_people_sign_in_and_change_only_what_is_theirs(tmp_path: Path, people: Callable[[], Page]) -> None:
    port, metrics = free_port(), free_port()
    with oidc.provider() as provider:
        secrets = tmp_path / "secrets.toml"
        secrets.write_text(provider.secrets_toml(f"http://localhost:{port}", COOKIE_SECRET))
        app, address = serve(
            tmp_path / "log", f"--secrets.files={secrets}", port=port, EXPLORER_SIGN_IN="true", EXPLORER_ADMINS=ADMIN,
            EXPLORER_RUN_JOBS="false", EXPLORER_LOG_FORMAT="json",
            EXPLORER_METRICS_PORT=str(metrics),
        )  # fmt: skip
        try:
            job = _journey(tmp_path, address, people)
            numbers = _scrape(metrics)
        finally:
            app.send_signal(signal.SIGTERM)
            status = app.wait(30)
    assert status == -signal.SIGTERM  # the web server ends itself by the same signal after it has closed everything
    assert numbers["explorer_sessions"] == 3
    assert numbers["explorer_queue_length"] == 0
    assert numbers["explorer_analysis_seconds_count"] >= 1
    _check_log((tmp_path / "log").read_text(), job)


def _journey(folder: Path, address: str, people: Callable[[], Page]) -> Record:
    ann = people()
    sign_in(ann, f"{address}/{FORM}", ANN)
    ann.get_by_role("button", name="Train", exact=True).click()
    ann.get_by_text("is submitted and starts at once").wait_for()
    store = Store(f"sqlite:///{folder / 'runs' / 'store.db'}")
    [job] = store.records()
    assert job.owner == ANN

    bob = people()
    sign_in(bob, f"{address}/runs?job={job.id}", BOB)
    bob.get_by_text(f"Belongs to {ANN}").wait_for()
    expect(bob.get_by_role("button", name="Stop")).to_have_count(0)
    expect(bob.get_by_role("button", name="Delete")).to_have_count(0)

    admin = people()
    sign_in(admin, f"{address}/runs?job={job.id}", ADMIN)
    admin.get_by_text(f"Sign out {ADMIN} (administrator)").wait_for()
    admin.get_by_role("button", name="Stop").click()
    admin.get_by_role("button", name="Resume").wait_for()
    assert store.get(job.id).status is Status.STOPPED

    ann.get_by_role("button", name="Sign out").click()
    ann.get_by_role("button", name="Sign in").wait_for()
    expect(ann.get_by_role("button", name="Train", exact=True)).to_have_count(0)
    return store.get(job.id)


def _scrape(port: int) -> dict[str, float]:
    """Scrape the numbers without labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as response:
        families = text_string_to_metric_families(response.read().decode())
        return {one.name: one.value for family in families for one in family.samples if not one.labels}


def _check_log(log: str, job: Record) -> None:
    """Every line of the log is an object, except Streamlit's greeting. There is no secret in it."""
    assert not any(secret in log for secret in (COOKIE_SECRET, oidc.SECRET, "Traceback"))
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    greeting = [line for line in log.splitlines() if line.strip() and not line.startswith("{")]
    assert all("Streamlit app" in line or "URL:" in line for line in greeting)
    events = [(line["event"], line.get("owner", line.get("user"))) for line in lines if line["process"] == "app"]
    assert events[0] == ("app started", None)
    assert [one for one in events if one[0].startswith("job ")] == [
        ("job submitted", ANN),
        ("job stop requested", ADMIN),
    ]
    assert events[-1] == ("app ended", None)
    assert {line["job"] for line in lines if line["event"].startswith("job ")} == {job.id}
