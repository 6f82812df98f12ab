"""Takes the README's pictures: python -m tests.browser.screenshots [FOLDER]."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, ROOT, serve, wait_until_rendered
from tests.helpers import chromium, pictures


def train() -> str:
    """Train the two runs on the pictures; returns their ids as in a link."""
    command = [sys.executable, "-m", "explorer", "train", "digits-cnn", "--dataset", "digits", "--recipe", "quick"]
    command += ["--sweep", pictures.SWEEP, "--follow", "--json"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return ".".join(job["id"] for job in json.loads(output))


def draw_a_three(page: Page) -> None:
    """Draw into the field of the start page, so that the picture shows an answer."""
    box = page.get_by_label("Field to draw into").bounding_box()
    assert box
    places = [
        (box["x"] + across * box["width"], box["y"] + down * box["height"])
        for across, down in (
            (0.35, 0.25),
            (0.55, 0.2),
            (0.65, 0.33),
            (0.5, 0.48),
            (0.66, 0.62),
            (0.55, 0.8),
            (0.33, 0.74),
        )
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()
    expect(page.locator(".st-key-start-card-predict .headline")).to_contain_text("%")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log = Path(tempfile.mkdtemp()) / "log"
    for name in ("runs", "data", "saved", "weights"):  # the server has the same folders
        os.environ[f"EXPLORER_{name.upper()}_DIR"] = str(log.parent / name)
    os.environ["EXPLORER_RUNNER_IDLE"] = "30"
    jobs = train()
    links = {name: shot.link.format(jobs=jobs) for name, shot in pictures.SHOTS.items()}
    shown = {name: pictures.contents(link) for name, link in links.items()}
    process, address = serve(log)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)
            for name, shot in pictures.SHOTS.items():
                page = browser.new_page(viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme)
                page.goto(f"{address}/{links[name]}")
                page.get_by_role("heading").first.wait_for(timeout=90_000)
                expect(page.get_by_text("hourglass_top")).to_have_count(0, timeout=60_000)  # nothing is in progress
                wait_until_rendered(page)
                if name == "start-light":
                    draw_a_three(page)
                pictures.write(name, page.screenshot(), shown[name], folder)
                page.close()
            browser.close()
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else pictures.FOLDER)
