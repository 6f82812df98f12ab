"""The Learn page: the time of its measurements, of the first paint of a lesson, and of a step.

    python -m benchmarks.learn [--rounds 7]

Measurements run in this process, and both the time on the clock and the seconds of all cores are printed. For the first
paint, a fresh browser alternately opens a lesson and a Streamlit page that only echoes its text input, both served with
the same settings; the clock stops two frames after the step's text or the echo appears. A step is timed from the click
on "Next" until two frames after the page says the number of the next step, and is compared with Enter on the echo page.
Run it alone on the machine.
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.page import ARGUMENTS, ECHO, ECHOED, Times, echo_on_enter, open_page, served, settle, timed
from benchmarks.runs import painted
from explorer.analysis.effective_field import IMAGES, effective_field
from explorer.families import PRESETS
from explorer.lessons import lessons
from explorer.prediction.networks import shipped
from explorer.training.gradient_norms import initial_gradient_norms

STEP = "[data-testid=stProgress]"
FIRST_PAINT, OF_STEP = 2, 1.5  # limits in echoes
FIELD, NORMS = 3.0, 1.0  # limits in seconds
LESSON = "kernel-slides"


def measured(name: str, limit: float, work: Callable[[], object], rounds: int) -> None:
    """Prints the median times of some work."""
    work()
    clock, cores = [], []
    for _round in range(rounds):
        begin, spent = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - begin)
        cores.append(time.process_time() - spent)
    taken = statistics.median(clock)
    verdict = "within" if taken <= limit else "beyond"
    print(f"{name}: {taken:.2f} s, {statistics.median(cores):.2f} s of the cores, {verdict} {limit:g} s", flush=True)


def field_of_resnet20() -> None:
    """Measures the effective field of the last layer with maps."""
    network = shipped("resnet20-cifar10")
    images = torch.randn(IMAGES, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    effective_field(network.module, images, "layer3.2")


async def first_paint(browser: Browser, app: str, echo: str, rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in ("echo", *lessons())}
    for number in range(rounds + 1):
        samples = {"echo": await painted(browser, echo, ECHOED)}
        for name in lessons():
            samples[name] = await painted(browser, f"{app}/learn?lesson={name}", STEP)
        if number:  # the first round warms up
            for name, sample in samples.items():
                times[name].append(sample)
    base = statistics.median(times.pop("echo"))
    for name, taken in times.items():
        ours = statistics.median(taken)
        verdict = "within" if ours <= FIRST_PAINT * base else "beyond"
        print(f"first paint of {name}: {ours:.0f} ms, {ours / base:.2f} echoes of {base:.0f} ms, {verdict}", flush=True)


async def step(page: Page) -> Times:
    """Times the step from the explanation to the first question, and goes back."""
    button = page.get_by_role("button", name="Next")
    taken = await timed(page, STEP, "click", button.click)
    await settle(page)
    await page.get_by_role("button", name="Back").click()
    await settle(page)
    return taken


async def steps(browser: Browser, app: str, echo: str, rounds: int) -> None:
    echo_page = await open_page(browser, echo, ECHOED)
    page = await open_page(browser, f"{app}/learn?lesson={LESSON}", STEP)
    base, ours = [], []
    for number in range(rounds + 1):
        await echo_page.bring_to_front()
        one = await echo_on_enter(echo_page, number)
        await page.bring_to_front()
        other = await step(page)
        if number:
            base.append(one.painted)
            ours.append(other.painted)
    share = statistics.median(ours) / statistics.median(base)
    verdict = "within" if share <= OF_STEP else "beyond"
    print(
        f"a step: {statistics.median(ours):.0f} ms, {share:.2f} echoes of {statistics.median(base):.0f} ms, {verdict}"
    )


async def in_browser(rounds: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "echo.py").write_text(ECHO)
        app = stack.enter_context(served("streamlit_app.py"))
        echo = stack.enter_context(served(str(folder / "echo.py")))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            page = await open_page(browser, f"{app}/learn", "h1")
            await page.context.close()
            await steps(browser, app, echo, rounds)
            await first_paint(browser, app, echo, rounds)
            await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    measured(f"effective field of resnet20 over {IMAGES} images", FIELD, field_of_resnet20, given.rounds)
    plain56 = PRESETS["plain56"].spec
    measured("gradient norms of plain56", NORMS, lambda: initial_gradient_norms(plain56), given.rounds)
    asyncio.run(in_browser(given.rounds))
