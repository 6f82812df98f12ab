"""The app itself is killed, over and over: jobs that it submitted go on, and the next app knows them.

``EXPLORER_KILL_SECONDS`` sets how long apps are started and killed while the job runs.
"""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.jobs import desk
from explorer.jobs.job import Job, new_id
from explorer.jobs.store import AT_WORK, Status, store
from tests.browser.conftest import serve
from tests.unit.arena import Arena, kill, left, own_queue
from tests.unit.test_job_kills import wait_for
from tests.unit.training_helpers import difference

SECONDS = float(os.environ.get("EXPLORER_KILL_SECONDS", "8"))
SLOW = 90_000  # milliseconds: processes start, and others may be at work
# About as many seconds as two starts of an app take.
FORM = "train?net=mnist-fc&dataset=digits&recipe=quick&epochs=400&threads=1"

Killed = subprocess.Popen[bytes]


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    with own_queue(tmp_path) as made:
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(SLOW)
    yield opened
    context.close()


def killed(app: Killed) -> None:
    app.kill()
    app.wait()


def test_the_app_is_killed_at_any_moment_and_then_everything_at_once(arena: Arena, page: Page) -> None:
    chance = random.Random(0)  # noqa: S311  moments, and no secrets
    app, address = serve(arena.folder / "log")
    page.goto(f"{address}/{FORM}")
    page.get_by_role("button", name="Train", exact=True).click()
    while not (records := store().records()):
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 1))
    killed(app)
    job = records[0].id

    until, kills = time.monotonic() + SECONDS, 0
    while store().get(job).status is not Status.FINISHED and (time.monotonic() < until or not kills):
        app, address = serve(arena.folder / "log")  # from here on it looks after the queue too
        page.goto(f"{address}/runs?job={job}")
        time.sleep(chance.uniform(0, 2))
        killed(app)
        kills += 1
        assert store().get(job).status in {*AT_WORK, Status.QUEUED, Status.FINISHED}
    wait_for(job, Status.FINISHED)
    arena.nobody_left(job)

    # The same job once more, until the machine goes down.
    app, address = serve(arena.folder / "log")
    again = replace(Job.read(desk.directory(job).folder), id=new_id(), name="Again")
    desk.submit([again])
    wait_for(again.id, Status.RUNNING, trained=True)
    app.kill()
    arena.kill("all", again.id)
    app.wait()
    app, address = serve(arena.folder / "log")
    try:
        page.goto(f"{address}/runs?job={again.id}")
        expect(page.get_by_role("heading", name="Again")).to_be_visible()
        wait_for(again.id, Status.INTERRUPTED)
        page.get_by_role("button", name="Resume").click()
        wait_for(again.id, Status.FINISHED)
    finally:
        killed(app)
    arena.nobody_left(again.id)
    assert difference(left(desk.directory(job)), left(desk.directory(again.id))) is None
    assert not arena.twice


def test_no_app_leaves_a_process_that_looks_at_images(arena: Arena, page: Page) -> None:
    """What the Train page has measured and looked at ends with its app."""
    app, address = serve(arena.folder / "log")
    page.goto(f"{address}/train?dataset=digits")

    served = psutil.Process(app.pid)
    while not (children := served.children(recursive=True)):
        time.sleep(0.02)
    killed(app)
    _gone, alive = psutil.wait_procs(children, 15)
    alive = [process for process in alive if "jobs.runner" not in " ".join(process.cmdline())]
    for process in alive:
        kill(process)
    assert not alive
