"""The time from a key press to the changed page, compared with a Streamlit page that only echoes its text input.

    python -m benchmarks.page [--rounds 15] [--parts edits layers visits bytes]

The same Streamlit serves both apps with the same settings, and the same headless Chromium opens them alternately. The
clock runs in the browser. It starts with the event (the last character of a cfg text, Enter in a number, the press on a
layer) and stops twice:

* painted: the echo, the number of parameters, or the layer's panel shows another text, and two frames have passed
* settled: the script has ended, nothing is stale, and nothing in the page or its diagrams changes any more

A layer is pointed at and chosen in the browser alone. Its times are until diagram, chart, table and panel are changed,
and until the browser has rendered the frame with them.

Each edit makes a network that was not analysed before, and is compared with an echo on Enter. The limit of a character
of the cfg is the pause of 100 ms that a live text input waits for, plus 1.3 echoes; a live echo with the pause that
Streamlit has by itself stands beside it. The limit of the other edits is the time of the analysis, measured in the same
run without a page, plus 2 echoes.

A first visit opens a page in a browser without a cache. Its time is that from the navigation until the page's first
number can be seen, and two frames have passed. Then the bytes on the wire of each page and of an edit, with and without
compression of the WebSocket. ``benchmarks.sessions`` measures ten sessions at once. Run it alone on the machine.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.async_api import Browser, Error, Page, async_playwright

from explorer.analysis import analyse
from explorer.families import Spec, resolve
from tests.helpers import chromium

ROOT = Path(__file__).resolve().parents[1]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ECHO = "import streamlit as st\nst.write(st.text_input('Text', 'a') + st.text_input('Live', 'b', live=True))\n"
ECHOED, PARAMETERS = "[data-testid=stMarkdown]", "[data-testid=stMetricValue]"
TIMEOUT = 20_000  # ms; a longer edit counts as this
LONGEST_VISIT = 60_000  # ms; a longer first visit counts as this
QUIET = 300  # ms without a change, after which a page counts as settled

WATCH = """([selector, event, quiet, patience]) => {
  const shown = () => document.querySelector(selector)?.innerText;
  const before = shown();
  let start = null, painted = null, changed = 0;
  const startOnce = (happened) => { start ??= happened.timeStamp; };
  addEventListener(event, startOnce, { capture: true, once: true });
  const check = () => {
    changed = performance.now();
    if (start === null || painted !== null || shown() === before || !shown()) return;
    painted = 0;
    requestAnimationFrame(() => requestAnimationFrame(() => { painted = performance.now() - start; }));
  };
  const observer = new MutationObserver(check);
  const everything = { subtree: true, childList: true, characterData: true, attributes: true };
  const main = document.querySelector("[data-testid=stMain]");
  for (const root of [main, ...[...main.querySelectorAll("*")].map((part) => part.shadowRoot).filter(Boolean)])
    observer.observe(root, everything);
  window.watched = new Promise((resolve) => {
    const timer = setInterval(() => {
      const running = document.querySelector("[data-testid=stApp]").dataset.testScriptState !== "notRunning";
      if (running || document.querySelector("[data-stale=true]")) changed = performance.now();
      const lost = start !== null && performance.now() - start > patience;
      if (!lost && (!painted || performance.now() - changed < quiet)) return;
      clearInterval(timer);
      observer.disconnect();
      resolve([painted || patience, lost ? patience : Math.max(painted, changed - start)]);
    }, 10);
  });
}"""


@dataclass(frozen=True)
class Times:
    """Milliseconds from the event to the two states of the page."""

    painted: float
    settled: float


Act = Callable[[Page, int], Awaitable[Times]]


async def timed(page: Page, selector: str, event: str, act: Callable[[], Awaitable[None]]) -> Times:
    """Acts, waits until the page has settled, and returns the times."""
    await page.evaluate(WATCH, [selector, event, QUIET, TIMEOUT])
    await act()
    return Times(*await page.evaluate("window.watched"))


async def settle(page: Page) -> None:
    """Waits until the page shows an edit that is not timed."""
    await page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=TIMEOUT)
    await page.wait_for_timeout(2 * QUIET)


async def typed(page: Page, label: str, text: str, selector: str) -> Times:
    """Times the last character of a text in a live input."""
    field = page.get_by_label(label, exact=True)
    await field.fill(text[:-1])
    await settle(page)
    return await timed(page, selector, "keydown", lambda: field.press(text[-1]))


async def entered(page: Page, label: str, text: str, selector: str) -> Times:
    """Times Enter in an input that waits for it."""
    field = page.get_by_label(label, exact=True)
    await field.fill(text)
    return await timed(page, selector, "keydown", lambda: field.press("Enter"))


def echo_on_enter(page: Page, number: int) -> Awaitable[Times]:
    return entered(page, "Text", f"text {number}", ECHOED)


def echo_live(page: Page, number: int) -> Awaitable[Times]:
    return typed(page, "Live", f"live {10 + number}", ECHOED)


def cfg(page: Page, number: int) -> Awaitable[Times]:
    text = "64, 64, M, 128, 128, M, 256, 256, 256, M, 512, 512, 512, M, 512, 512, {}"
    return typed(page, "Layers (cfg)", text.format(300 + number), PARAMETERS)


def blocks(page: Page, number: int) -> Awaitable[Times]:
    return entered(page, "Blocks in stage 3", str(7 + number), PARAMETERS)


def classes(page: Page, number: int) -> Awaitable[Times]:
    return entered(page, "Classes", str(1100 + 100 * number), PARAMETERS)


@dataclass(frozen=True)
class Case:
    """A page, the edit on it, and its limit: some echoes, and the pause in typing or the time of the analysis."""

    name: str
    link: str
    act: Act
    echoes: float
    pause: float = 0.0
    analysed: Callable[[int], Spec] | None = None


def deeper(name: str) -> Callable[[int], Spec]:
    """Returns a function for the network that :func:`blocks` makes in a round."""

    def edited(number: int) -> Spec:
        spec = resolve(name)
        first, second, _third, last = spec.to_dict()["blocks"]
        return spec.changed(blocks=[first, second, 7 + number, last])

    return edited


def wider(number: int) -> Spec:
    """Returns the network that :func:`classes` makes in a round."""
    return resolve("googlenet").changed(num_classes=1100 + 100 * number)


CASES = (
    Case("vgg16, a character of the cfg", "net=vgg16", cfg, 1.3, pause=100),
    Case("resnet50, blocks of a stage", "net=resnet50", blocks, 2, analysed=deeper("resnet50")),
    Case("googlenet, classes", "net=googlenet", classes, 2, analysed=wider),
    Case("resnet152, blocks of a stage", "net=resnet152", blocks, 2, analysed=deeper("resnet152")),
)
ECHOES: dict[str, Act] = {"echo": echo_on_enter, "echo, live": echo_live}
LAYERS_OF = ("vgg16", "resnet50", "resnet152", "googlenet", "densenet121", "torchvision:vit_b_16", "mnist-fc")
FRAME = 16.7  # ms
PAGES = ("", "architecture?net=vgg16", "architecture?net=resnet152", "kernels", "compare", "train", "runs", "predict")

NUMBER_OF = {"learn": "[data-testid=stMain] p", "runs": "[data-testid=stMain] p", "predict": ".top-classes"}
# Keeps the time at which an element with text can first be seen.
FIRST_SEEN = """selector => {
  const watch = setInterval(() => {
    const seen = [...document.querySelectorAll(selector)]
      .some((part) => part.innerText.trim() && part.checkVisibility({ visibilityProperty: true }));
    if (!seen) return;
    clearInterval(watch);
    requestAnimationFrame(() => requestAnimationFrame(() => { window.firstSeen = performance.now(); }));
  }, 4);
}"""

# Points at or clicks a part of the diagram, and waits for the frame that shows it.
LAYER_EVENT = """([index, event]) => new Promise((resolve, reject) => {
  const inside = (key, selector) => [...document.querySelectorAll(`.st-key-${key} *`)]
    .map((host) => host.shadowRoot).filter(Boolean).flatMap((root) => [...root.querySelectorAll(selector)]);
  const parts = inside("diagram", "[data-pick^='layer:']");
  const part = parts[index % parts.length];
  const start = performance.now();
  part.dispatchEvent(new PointerEvent(event, { bubbles: true, composed: true }));
  const changed = performance.now() - start;
  const name = inside("layer-panel", "strong")[0].textContent;
  if (part.dataset.pick !== `layer:${name}`) reject(new Error(`the panel shows ${name}`));
  requestAnimationFrame(() => {
    const rendered = new MessageChannel();
    rendered.port1.onmessage = () => resolve([changed, performance.now() - start]);
    rendered.port2.postMessage(null);
  });
})"""


@contextmanager
def served(script: str, *options: str) -> Iterator[str]:
    """Runs a Streamlit server with this project's settings, and yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}", *options]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ.copy()
    )
    try:
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(60)


async def open_page(browser: Browser, address: str, selector: str) -> Page:
    """Opens a page in a fresh browser, and waits until it has settled."""
    page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
    page.set_default_timeout(TIMEOUT)
    await reach(page, address)
    await page.locator(selector).first.wait_for()
    await settle(page)
    return page


async def reach(page: Page, address: str) -> None:
    """Opens a page as soon as its server answers."""
    while True:
        try:
            await page.goto(address)
            break
        except Error:  # the server is still starting
            await asyncio.sleep(0.2)


def row(name: str, times: list[Times], *more: str) -> None:
    painted = sorted(sample.painted for sample in times)
    settled = statistics.median(sample.settled for sample in times)
    middle = painted[len(painted) // 4], painted[-1 - len(painted) // 4]
    figures = f"{statistics.median(painted):9.0f} {middle[0]:6.0f}–{middle[1]:.0f} {settled:9.0f}"
    print(f"{name:32}{figures}  {'  '.join(more)}", flush=True)


async def one_at_a_time(browser: Browser, app: str, echo: str, rounds: int) -> None:
    echo_page = await open_page(browser, echo, ECHOED)
    pages = [await open_page(browser, f"{app}/architecture?{case.link}", PARAMETERS) for case in CASES]
    times: dict[str, list[Times]] = {name: [] for name in [*ECHOES, *(case.name for case in CASES)]}
    for number in range(rounds + 1):
        samples = {name: await act(echo_page, number) for name, act in ECHOES.items()}
        for case, page in zip(CASES, pages, strict=True):
            await page.bring_to_front()
            samples[case.name] = await case.act(page, number)
        if number:  # the first round warms up
            for name, sample in samples.items():
                times[name].append(sample)
    print(f"{'ms from the event, medians':32}{'painted':>9} {'quartiles':>13} {'settled':>9}  painted beside its bound")
    for name in ECHOES:
        row(name, times[name])
    base = statistics.median(sample.painted for sample in times["echo"])
    for case in CASES:
        ours = statistics.median(sample.painted for sample in times[case.name])
        more, what = case.pause, "pause"
        if case.analysed:
            more, what = analysis_time(case.analysed, rounds), "analysis"
        limit = more + case.echoes * base
        row(case.name, times[case.name], f"{ours / base:.2f} echoes,", "within" if ours <= limit else "beyond",
            f"{limit:.0f} ms = {case.echoes:g} echoes + {more:.0f} ms of {what}")  # fmt: skip
    for page in [echo_page, *pages]:
        await page.context.close()


def analysis_time(network: Callable[[int], Spec], rounds: int) -> float:
    """Returns the median milliseconds of the same analyses without a page."""
    taken = []
    for number in range(min(rounds, 9)):
        start = time.perf_counter()
        analyse(network(number))
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken[1:] or taken)


async def layers(browser: Browser, app: str, rounds: int) -> None:
    """Prints the times of pointing at a layer and choosing it, for each family."""
    print(f"{'ms of a layer, medians':32}{'changed':>9} {'rendered':>9} {'slowest':>9}  a frame takes {FRAME} ms")
    for name in LAYERS_OF:
        page = await open_page(browser, f"{app}/architecture?net={name}&detail=all", PARAMETERS)
        for event, what in (("pointerover", "pointing"), ("click", "choosing")):
            samples = []
            for number in range(rounds + 1):
                samples.append(await page.evaluate(LAYER_EVENT, [7 * number + 1, event]))
                await settle(page)
            changed, rendered = (sorted(column) for column in zip(*samples[1:], strict=True))
            print(
                f"{name + ', ' + what:32}{statistics.median(changed):9.1f} {statistics.median(rendered):9.1f} "
                f"{rendered[-1]:9.1f}",
                flush=True,
            )
        await page.context.close()


async def first_visits(browser: Browser, app: str, echo: str, rounds: int) -> None:
    """Prints the time from the navigation to the first number of each page, in fresh browsers."""
    links = {f"{app}/{link}": link.partition("?")[0] or "start" for link in (*PAGES, "learn")}
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for address, name in {echo: "echo", **links}.items():
            context = await browser.new_context(viewport={"width": 1280, "height": 900})
            page = await context.new_page()
            page.set_default_timeout(LONGEST_VISIT)
            selector = ECHOED if name == "echo" else NUMBER_OF.get(name, PARAMETERS)
            await page.add_init_script(f"({FIRST_SEEN})({selector!r})")
            await reach(page, address)
            try:
                await page.wait_for_function("window.firstSeen")
                seen = await page.evaluate("window.firstSeen")
            except Error:
                seen = LONGEST_VISIT
            if number:  # the first round warms up
                times.setdefault(address, []).append(seen)
            await context.close()
    base = statistics.median(times[echo])
    print(f"{'ms of a first visit, medians':32}{'first number':>14}  times the echo (at most 2)")
    print(f"{'echo':32}{base:14.0f}")
    for address in links:
        ours = statistics.median(times[address])
        print(f"{address.removeprefix(app + '/') or 'start':32}{ours:14.0f}  {ours / base:.2f}", flush=True)


async def bytes_on_the_wire(browser: Browser, addresses: dict[str, str]) -> None:
    """Prints the bytes that cross the loopback interface for each page and an edit; nothing else may use it."""
    print(f"{'kB on the wire':32}" + "".join(f"{name:>14}" for name in addresses))
    figures: dict[str, list[float]] = {}
    for address in addresses.values():
        page = await open_page(browser, f"{address}/{PAGES[1]}", PARAMETERS)  # the scripts are in the cache afterwards
        for link in PAGES:
            before = _sent()
            await page.goto(f"{address}/{link}")
            await settle(page)
            await page.wait_for_timeout(2000)
            figures.setdefault(link or "start", []).append((_sent() - before) / 1000)
        for link in PAGES[1:3]:
            await page.goto(f"{address}/{link}")
            await settle(page)
            await page.wait_for_timeout(2000)
            before = _sent()
            await entered(page, "Classes", "77", PARAMETERS)
            figures.setdefault(f"{link}, classes", []).append((_sent() - before) / 1000)
        await page.context.close()
    for name, row_ in figures.items():
        print(f"{name:32}" + "".join(f"{value:14.0f}" for value in row_))


def _sent() -> int:
    return int(psutil.net_io_counters(pernic=True)["lo"].bytes_sent)


PARTS = ("edits", "layers", "visits", "bytes")


async def main(rounds: int, parts: Sequence[str]) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "echo.py").write_text(ECHO)
        app = stack.enter_context(served("streamlit_app.py"))
        echo = stack.enter_context(served(str(folder / "echo.py")))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)
            if "edits" in parts:
                await one_at_a_time(browser, app, echo, rounds)
            if "layers" in parts:
                await layers(browser, app, rounds)
            if "visits" in parts:
                await first_visits(browser, app, echo, rounds)
            if "bytes" in parts:
                plain = stack.enter_context(served("streamlit_app.py", "--server.enableWebsocketCompression=false"))
                await bytes_on_the_wire(browser, {"plain": plain, "compressed": app})
            await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    asyncio.run(main(options.rounds, options.parts))
