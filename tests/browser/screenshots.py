"""Pictures for the README and for looking at: python -m tests.browser.screenshots [FOLDER]."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, ROOT, serve

SHOTS = [
    ("start-light", "", 1280, 800, "light"),
    ("architecture-light", "architecture?net=resnet50&layer=layer2.0.conv2", 1280, 900, "light"),
    ("architecture-dark", "architecture?net=googlenet&colour=macs&folded=inception3a", 1280, 900, "dark"),
    ("kernels-light", "kernels", 1280, 800, "light"),
    ("compare-light", "compare?a=vgg16&b=googlenet", 1280, 800, "light"),
]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    process, address = serve(Path(tempfile.mkdtemp()) / "log")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            for name, link, width, height, scheme in SHOTS:
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(f"{address}/{link}")
                page.get_by_role("heading").first.wait_for()
                page.wait_for_timeout(6000)
                page.screenshot(path=folder / f"{name}.png")
                page.close()
            browser.close()
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
