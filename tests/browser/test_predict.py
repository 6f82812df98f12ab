"""Journeys on the Predict page in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.grid import tick

Visit = Callable[..., Page]
READY = "stSelectbox"


def say(page: Page, words: str) -> None:
    page.get_by_role("heading", name=re.compile(words)).wait_for()


def photograph(folder: Path, name: str = "cat on a mat.jpg") -> Path:
    """The gallery's cat as a user's own file."""
    from importlib.metadata import distribution

    source = distribution("scikit-image").locate_file("skimage/data/chelsea.png")
    Image.open(str(source)).save(folder / name, "JPEG", quality=95)
    return folder / name


def test_a_first_visit_and_another_picture_by_pointer(visit: Visit) -> None:
    page = visit("predict", ready=READY)
    say(page, "cat, 97")
    page.get_by_alt_text("Cat as resnet20-cifar10 sees it").wait_for()
    # The answers about the gallery come with the page, so that the next one is shown before the server knows of it.
    preview = page.locator(".preview .headline")
    preview.wait_for(state="attached")
    preview.evaluate(
        "words => document.addEventListener('click', () => { window.atOnce = words.textContent }, {once: true})"
    )
    page.get_by_role("button", name="Horse, a silhouette").click()
    assert re.match(r"horse, 94\.\d\d%$", page.evaluate("window.atOnce"))
    say(page, "horse, 94")
    page.wait_for_url(re.compile(r"/predict\?image=horse$"))
    preview.wait_for(state="hidden")
    # On a phone the answer is on the first screen.
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("heading", name=re.compile("horse, 94"))).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.go_back()
    say(page, "cat, 97")
    page.reload()
    say(page, "cat, 97")


def test_an_upload_is_answered_and_leaves_no_trace_in_the_link(visit: Visit, tmp_path: Path) -> None:
    page = visit("predict?source=upload", ready=READY)
    page.locator("input[type=file]").set_input_files(photograph(tmp_path))
    say(page, "cat on a mat.jpg")
    say(page, "cat, 9")
    expect(page.get_by_role("listitem").first).to_contain_text(re.compile(r"cat.*9\d\.\d\d%"))
    page.wait_for_url(re.compile(r"/predict\?source=upload$"))
    page.get_by_text("Every class").click()
    page.locator(".st-key-predict-every-first").get_by_test_id("stDataFrame").wait_for()


def test_several_with_a_broken_one_and_a_row_opened(visit: Visit, tmp_path: Path) -> None:
    files = [photograph(tmp_path)]
    for name, level in (("bright.png", 250), ("dark.png", 5)):
        files.append(tmp_path / name)
        Image.fromarray(np.full((40, 40, 3), level, dtype=np.uint8)).save(files[-1])
    files.append(tmp_path / "letter.png")
    files[-1].write_text("Dear Sir or Madam")
    page = visit("predict?source=upload&beside=vgg16-cifar10", ready=READY)
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_text("4 images · 1 can't be read").wait_for()
    say(page, "cat on a mat.jpg")
    page.get_by_text("Both say cat.").wait_for()
    table, alert = page.get_by_test_id("stDataFrame").first, page.get_by_test_id("stAlert")
    tick(page, table, 2, 44, page.get_by_role("heading", name="dark.png"))
    words = "letter.png is not an image that can be read"
    tick(page, table, 3, 44, alert.filter(has_text=words, has_not_text="The other images were predicted"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Top 5 of each as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 3 * 2 * 5 + 2
    assert sum("letter.png is not an image" in line for line in lines) == 2


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit("predict?weights=digits-cnn", ready=READY)
    say(page, "0, ")
    page.get_by_role("button", name=re.compile("Test image 203 of 359")).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("index=90"))
    say(page, "2, 9")
    page.get_by_role("combobox", name="Network").focus()
    page.keyboard.type("vgg16-cif")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("weights=vgg16-cifar10"))
    say(page, "cat, 83")
    page.get_by_role("radio", name="Upload").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("stFileUploader").wait_for()


def test_without_a_camera_the_page_says_what_to_do(visit: Visit) -> None:
    page = visit("predict?source=camera", ready=READY)
    page.get_by_text("upload a photograph instead").wait_for()
    page.get_by_text("Take a picture on the left, and see").wait_for()
