"""Screenshots for the README: python -m tests.browser.screenshots [FOLDER]."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, ROOT, serve

SHOTS: list[tuple[str, str, int, int, Literal["light", "dark"]]] = [
    ("start-light", "", 1280, 800, "light"),
    ("architecture-light", "architecture?net=resnet50&layer=layer2.0.conv2", 1280, 900, "light"),
    ("architecture-dark", "architecture?net=googlenet&colour=macs&folded=inception3a", 1280, 900, "dark"),
    ("kernels-light", "kernels", 1280, 800, "light"),
    ("compare-light", "compare?a=vgg16&b=googlenet", 1280, 800, "light"),
    ("train-light", "train?net=digits-cnn&recipe=quick", 1280, 1100, "light"),
    ("runs-light", "runs?job={jobs}&show=curves", 1280, 1100, "light"),
    ("predict-light", "predict", 1280, 1320, "light"),
    ("predict-dark", "predict?why=maps&layer=layer1.0.conv1&unit=3.8.8", 1280, 1760, "dark"),
]


def trained(runs: Path) -> str:
    """Train two runs on the bundled digits; returns their ids as in a link."""
    command = [sys.executable, "-m", "explorer", "train", "digits-cnn", "--dataset", "digits", "--recipe", "quick"]
    command += ["--sweep", "lr=0.003,0.0003", "--follow", "--json"]
    environment = os.environ | {"EXPLORER_RUNS_DIR": str(runs), "EXPLORER_RUNNER_IDLE": "30"}
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout
    return ".".join(job["id"] for job in json.loads(output))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log = Path(tempfile.mkdtemp()) / "log"
    jobs = trained(log.parent / "runs")
    process, address = serve(log)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            for name, link, width, height, scheme in SHOTS:
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(f"{address}/{link.format(jobs=jobs)}")
                page.get_by_role("heading").first.wait_for()
                page.wait_for_timeout(6000)
                expect(page.get_by_text("hourglass_top")).to_have_count(0, timeout=60_000)  # nothing is in progress
                page.screenshot(path=folder / f"{name}.png")
                page.close()
            browser.close()
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
