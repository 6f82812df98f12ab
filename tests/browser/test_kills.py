"""The app is killed repeatedly; jobs that it submitted continue, and the next app finds them.

``tests/unit/jobs/test_job_kills.py`` checks that a killed run ends with the same bits as an undisturbed run.

``EXPLORER_KILL_SECONDS`` sets how long apps are started and killed while the job runs.
"""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page

from explorer.jobs.store import AT_WORK, Status, store
from tests.browser.conftest import PATIENCE, serve
from tests.helpers.process_harness import ORPHAN_LIFE, Arena, own_queue, wait_for, words

SECONDS = float(os.environ.get("EXPLORER_KILL_SECONDS", "3"))
FORM = (
    f"train?net=mnist-fc&dataset=digits&recipe=quick&epochs={400 + 30 * int(SECONDS)}&threads=1"  # longer than the apps
)

Killed = subprocess.Popen[bytes]


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    with own_queue(tmp_path) as made:
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    yield opened
    context.close()


def killed(app: Killed) -> None:
    app.kill()
    app.wait()


@pytest.mark.waits
def test_the_app_is_killed_at_any_moment_and_then_everything_at_once(arena: Arena, page: Page) -> None:
    chance = random.Random(0)  # noqa: S311  random times, no secrets
    app, address = serve(arena.folder / "log")
    page.goto(f"{address}/{FORM}")
    page.get_by_role("button", name="Train", exact=True).click()
    while not (records := store().records()):
        time.sleep(0.01)
    job = records[0].id
    time.sleep(chance.uniform(0, 1))
    # Processes that read data or measure steps are no jobs and end with their app.
    helpers = [process for process in psutil.Process(app.pid).children() if not arena.is_runner(process)]
    killed(app)
    _gone, alive = psutil.wait_procs(helpers, ORPHAN_LIFE)
    assert not list(map(words, alive))

    until = time.monotonic() + SECONDS
    while True:
        app, address = serve(arena.folder / "log")  # from now on it wakes the runner too
        page.goto(f"{address}/runs?job={job}")
        time.sleep(chance.uniform(0, 2))
        if time.monotonic() > until:
            break
        killed(app)
        assert store().get(job).status in {*AT_WORK, Status.QUEUED}

    wait_for(job, Status.RUNNING, trained=True)
    app.kill()
    arena.kill("all", job)  # as when the machine goes down
    app.wait()
    app, address = serve(arena.folder / "log")
    try:
        page.goto(f"{address}/runs?job={job}")
        wait_for(job, Status.INTERRUPTED)
        arena.check_no_process(job)
        page.get_by_role("button", name="Resume").click()
        wait_for(job, Status.FINISHED)
    finally:
        killed(app)
    arena.check_no_process(job)
    assert not arena.twice
