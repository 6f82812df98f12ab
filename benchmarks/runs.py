"""The Runs page: its first paint with many long runs, and the cost of watchers for a training.

    python -m benchmarks.runs [--rounds 9] [--runs 100] [--epochs 200] [--watchers 10] [--seconds 60]

First paint: a fresh browser alternately opens the page of 100 runs of 200 epochs, and a Streamlit page that only echoes
its text input, both served with the same settings. The clock starts with the request and stops two frames after the
table or the echo appears.

Watchers: a small network trains on the bundled digits through the queue while alternately 0 and 10 browsers follow it.
The images per second are those of the epochs that begin and end within a period. Real browsers would share the cores
with the training, so each watcher is only a WebSocket that sends a browser's messages: it loads the page, and asks for
its live parts as often as the page requests. Run it alone on the machine.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import websockets
from playwright.async_api import Browser, async_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

from benchmarks.page import ARGUMENTS, ECHO, ECHOED, TIMEOUT, served
from explorer.jobs import service
from explorer.jobs.store import AT_WORK, Status, store
from tests.helpers import chromium, made_runs

TABLE = ".st-key-runs-table [role=row][data-run]"
FIRST_PAINT = 3  # limit in echoes
COST = 0.05  # limit of the share of images per second that is lost
SPEED = "time/images_per_second"
WARM_UP = 8  # epochs
PAINTED = """selector => new Promise(resolve => {
  const check = () => {
    if (!document.querySelector(selector)) return requestAnimationFrame(check);
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
  };
  check();
})"""


def fill(runs: int, epochs: int) -> None:
    """Creates finished runs that differ in their learning rate."""
    held = store()
    jobs = [job for run in range(runs) for job in made_runs.jobs(f"run {run}", epochs=epochs, lr=1e-5 * (run + 1))]
    held.add(jobs)
    for job in jobs:
        made_runs.set_status(held, job, Status.FINISHED)


async def painted(browser: Browser, address: str, selector: str) -> float:
    """Returns the milliseconds from the request of a fresh browser until an element appears."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(TIMEOUT)
    await page.goto(address, wait_until="commit")
    taken: float = await page.evaluate(PAINTED, selector)
    await context.close()
    return taken


async def first_paint(browser: Browser, app: str, echo: str, rounds: int) -> None:
    times: dict[str, list[float]] = {"echo": [], "runs": []}
    for number in range(rounds + 1):
        samples = {
            "echo": await painted(browser, echo, ECHOED),
            "runs": await painted(browser, f"{app}/runs", TABLE),
        }
        if number:  # the first round warms up
            for name, sample in samples.items():
                times[name].append(sample)
    base, ours = (statistics.median(times[name]) for name in ("echo", "runs"))
    verdict = "within" if ours <= FIRST_PAINT * base else "beyond"
    print(f"first paint, ms: echo {base:.0f}, Runs page {ours:.0f}: {ours / base:.2f} echoes, {verdict} {FIRST_PAINT}")


async def watched(app: str, watchers: int, seconds: float) -> None:
    """Compares a training with and without watchers, alternately."""
    [job] = made_runs.jobs("watched", epochs=10_000, batch_size=128)
    service.submit([job])
    try:
        while len(_speeds(job.id)) < WARM_UP:
            await asyncio.sleep(1)
        speeds: dict[int, list[float]] = {0: [], watchers: []}
        for _round in range(3):
            for count in speeds:
                speeds[count] += await _period(app, job.id, count, seconds / 6)
    finally:
        service.stop(job.id)
        while store().get(job.id).status in AT_WORK:
            await asyncio.sleep(0.5)
    alone, seen = (statistics.median(speeds[count]) for count in speeds)
    lost = 1 - seen / alone
    verdict = "within" if lost <= COST else "beyond"
    print(
        f"images/s: {alone:,.0f} alone, {seen:,.0f} with {watchers} watchers: {lost:.1%} lost, {verdict} {COST:.0%} "
        f"({len(speeds[0])} and {len(speeds[watchers])} epochs)"
    )


async def _period(app: str, job: str, watchers: int, seconds: float) -> list[float]:
    """Returns the images per second of the epochs of a period, without the first ones."""
    watching = [asyncio.create_task(_watch(app, job)) for _watcher in range(watchers)]
    try:
        await asyncio.sleep(5)
        before = len(_speeds(job))
        begin = time.monotonic()
        while time.monotonic() - begin < seconds or len(_speeds(job)) < before + 3:
            await asyncio.sleep(0.5)
            assert not any(task.done() for task in watching), "a watcher has ended"
        return _speeds(job)[before + 1 :]
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def _watch(app: str, job: str) -> None:
    """Sends the messages of a browser that shows a run: it opens the page, and asks for its live parts in time."""
    timers: dict[str, asyncio.Task[None]] = {}
    page = ""
    address = f"{app.replace('http', 'ws')}/_stcore/stream"
    async with websockets.connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as socket:

        async def ask(fragment: str = "") -> None:
            message = BackMsg()
            state = message.rerun_script
            state.query_string, state.page_script_hash, state.page_name = f"job={job}", page, "" if page else "runs"
            state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
            await socket.send(message.SerializeToString())

        async def repeat(fragment: str, interval: float) -> None:
            while True:
                await asyncio.sleep(interval)
                await ask(fragment)

        await ask()
        try:
            async for data in socket:
                message = ForwardMsg.FromString(data)
                match message.WhichOneof("type"):
                    case "new_session":
                        page = message.new_session.page_script_hash
                    case "auto_rerun" if (live := message.auto_rerun).fragment_id not in timers:
                        timers[live.fragment_id] = asyncio.create_task(repeat(live.fragment_id, live.interval))
        finally:
            for timer in timers.values():
                timer.cancel()


def _speeds(job: str) -> list[float]:
    return [row.value for row in store().rows(job) if row.name == SPEED]


async def main(rounds: int, runs: int, epochs: int, watchers: int, seconds: float) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ |= {"EXPLORER_RUNS_DIR": str(folder / "runs"), "EXPLORER_RUNNER_IDLE": "5"}
        (folder / "echo.py").write_text(ECHO)
        fill(runs, epochs)
        app = stack.enter_context(served("streamlit_app.py"))
        echo = stack.enter_context(served(str(folder / "echo.py")))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)
            await painted(browser, f"{app}/runs", TABLE)
            if rounds:
                await first_paint(browser, app, echo, rounds)
            if watchers:
                await watched(app, watchers, seconds)
            await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--watchers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    asyncio.run(main(given.rounds, given.runs, given.epochs, given.watchers, given.seconds))
