"""The time from ``streamlit run`` to the first page with numbers, compared with the import of its three big packages.

    python -m benchmarks.start [--rounds 5]

Chromium is already running when the clock starts, and asks for the page until the server answers. The clock stops when
the number of parameters is on the page. ``python -c "import streamlit, torch, torchvision"`` runs alternately for
comparison. Run it alone on the machine.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time

from playwright.sync_api import Browser, Error, sync_playwright

from benchmarks.page import ARGUMENTS, ROOT
from tests.helpers import chromium

# Python caches compiled modules, as for users.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PEER = "import streamlit, torch, torchvision"


def imports() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", PEER], check=True, cwd=ROOT, env=ENVIRONMENT)
    return time.perf_counter() - start


def first_page(browser: Browser) -> float:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    page = browser.new_page()
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    try:
        while True:
            try:
                page.goto(f"http://localhost:{port}/architecture")
                break
            except Error:
                time.sleep(0.02)
        page.get_by_test_id("stMetricValue").first.wait_for(timeout=60_000)
        return time.perf_counter() - start
    finally:
        page.close()
        server.terminate()
        server.wait(20)


def main(rounds: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)
        first_page(browser)  # warms the file cache and the browser
        imports()
        pages, peers = [], []
        for _round in range(rounds):
            peers.append(imports())
            pages.append(first_page(browser))
        browser.close()
    page, peer = statistics.median(pages), statistics.median(peers)
    print(f"medians of {rounds}: first page with numbers {page:.2f} s, '{PEER}' {peer:.2f} s, ratio {page / peer:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args().rounds)
