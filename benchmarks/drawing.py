"""How often the drawing field and the live camera answer, in headless Chromium on this machine.

    python -m benchmarks.drawing [--seconds 5]

The pointer moves all the time, 60 times a second, while the field answers in the browser. The camera is Chromium's fake
one; the server answers its frames. Server and browser share the cores. Run it alone on the machine.
"""

import argparse
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.helpers import chromium

ROOT = Path(__file__).resolve().parents[1]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
FIELDS = ("digits-cnn", "mnist-cnn", "mnist-fc")
CAMERAS = (("resnet20-cifar10", False), ("resnet20-cifar10", True), ("mnist-cnn", False), ("mnist-cnn", True))
WANTED = 10  # answers a second of the drawing field
PATIENCE = 120_000  # milliseconds


@contextmanager
def served() -> Iterator[str]:
    """Serves the app in an empty place, and yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        places = {f"EXPLORER_{name}_DIR": f"{folder}/{name.lower()}" for name in ("SAVED", "RUNS", "DATA", "WEIGHTS")}
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **places, "EXPLORER_KEEP_READY": "false"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = f"http://localhost:{port}"
            for _attempt in range(240):
                try:
                    urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.25)
            yield address
        finally:
            process.terminate()
            process.wait(10)


def answers(page: Page, place: str) -> int:
    """Returns the number of answers that a component has shown."""
    return int(page.locator(place).get_attribute("data-answers") or 0)


def drawing_rate(page: Page, seconds: float) -> float:
    """Returns the answers a second of the drawing field while the pointer draws a spiral."""
    box = page.locator("canvas.paper").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def move(turn: float) -> None:
        radius = box["width"] * (0.1 + 0.3 * (0.5 + 0.5 * math.sin(turn / 7)))
        page.mouse.move(middle[0] + radius * math.cos(turn), middle[1] + radius * math.sin(turn))

    move(0)
    page.mouse.down()
    start, before, turn = time.perf_counter(), answers(page, ".drawing"), 0.0
    while time.perf_counter() - start < seconds:
        turn += 0.1
        move(turn)
        page.wait_for_timeout(1000 / 60)
    rate = (answers(page, ".drawing") - before) / (time.perf_counter() - start)
    page.mouse.up()
    return rate


def camera_rate(page: Page, seconds: float, *, heat: bool) -> float:
    """Returns the answers a second of the live camera."""
    page.get_by_role("radio", name="Live", exact=True).click()
    if heat:
        page.get_by_text("Heat map", exact=True).click()
    page.get_by_role("button", name="Start the camera").click()
    shown = page.locator(".camera .heat" if heat else ".camera .seen")
    expect(shown).to_be_visible(timeout=PATIENCE)
    start, before = time.perf_counter(), answers(page, ".camera")
    page.wait_for_timeout(1000 * seconds)
    return (answers(page, ".camera") - before) / (time.perf_counter() - start)


def main() -> None:
    """Prints the rates. The exit status is 1 if the drawing field is slower than wanted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    seconds = parser.parse_args().seconds
    slow = []
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)

        def opened(link: str, ready: str) -> Page:
            page = browser.new_page(viewport={"width": 1280, "height": 1100})
            page.goto(f"{address}/predict?{link}")
            page.locator(ready).first.wait_for(timeout=PATIENCE)
            expect(page.get_by_test_id("stApp")).to_have_attribute(
                "data-test-script-state", "notRunning", timeout=PATIENCE
            )
            return page

        for name in FIELDS:
            page = opened(f"weights={name}&source=draw", "canvas.paper")
            rate = drawing_rate(page, seconds)
            slow += [name] if rate < WANTED else []
            print(f"drawing field, {name}: {rate:.1f} answers a second in the browser", flush=True)
            page.close()
        for name, heat in CAMERAS:
            page = opened(f"weights={name}&source=camera", "[data-testid=stCameraInput]")
            rate = camera_rate(page, seconds, heat=heat)
            print(f"live camera, {name}{' with heat map' if heat else ''}: {rate:.1f} answers a second", flush=True)
            page.close()
        browser.close()
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
