"""Journeys on the Train page in a real browser."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

Visit = Callable[..., Page]


def rate_of(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="Learning rate")


def wait_until_ready(page: Page) -> None:
    """Wait until the images are shown and the form's training is measured."""
    page.locator(".samples").last.wait_for()
    page.get_by_test_id("stMetricValue").filter(has_text="≈").wait_for()


def test_digits_from_the_form_to_the_finished_curve(visit: Visit) -> None:
    page = visit("train?epochs=2&threads=1")
    wait_until_ready(page)
    name = page.get_by_label("Name", exact=True)
    name.fill("First run")
    name.press("Enter")
    page.wait_for_url(re.compile("title=First"))
    page.get_by_role("button", name="Train", exact=True).dblclick()
    expect(page.get_by_test_id("stAlert")).to_contain_text("First run is")
    expect(page.get_by_test_id("stAlert")).to_contain_text("First run is finished")
    page.get_by_text("Nothing trains or waits").wait_for()  # the second click had no effect
    page.get_by_role("link", name="Watch it").click()
    page.wait_for_url(re.compile(r"/runs\?job=[a-z0-9]{14}$"))
    page.get_by_role("heading", name="First run").wait_for()
    curve = page.get_by_test_id("stVegaLiteChart").filter(has=page.locator("canvas, svg"))
    curve.first.wait_for()
    page.get_by_role("row", name=re.compile(r"First run.*%.*359 images")).wait_for()


def test_the_link_in_a_fresh_browser_and_a_step_back(visit: Visit) -> None:
    page = visit("train?net=lenet5")
    page.get_by_text("More settings").click()
    rate = rate_of(page)
    rate.fill("0.02")
    rate.press("Enter")
    momentum = page.get_by_role("spinbutton", name="Momentum")  # immediately, before the page responds
    momentum.fill("0.8")
    momentum.press("Enter")
    page.wait_for_url(re.compile("lr=0.02.*momentum=0.8|momentum=0.8.*lr=0.02"))
    wait_until_ready(page)  # nothing moves at the next click
    page.get_by_text("Sweep: several values at once").click()
    page.get_by_role("button", name="Example").click()
    page.get_by_role("button", name="Train 18 jobs").wait_for()
    page.wait_for_url(re.compile("sweep="))
    other = visit(page.url)
    expect(rate_of(other)).to_have_value("0.02")
    other.get_by_role("button", name="Train 18 jobs").wait_for()
    page.go_back()
    page.get_by_role("button", name="Train", exact=True).wait_for()
    expect(rate_of(page)).to_have_value("0.02")


def test_a_broken_rule_is_reported_next_to_its_field(visit: Visit) -> None:
    page = visit("train")
    rate = rate_of(page)
    rate.fill("-1")
    rate.press("Enter")
    page.get_by_text("lr: -1.0 is not above 0").wait_for()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Reset").click()
    expect(rate_of(page)).to_have_value("0.001")
    expect(page.get_by_text("lr: -1.0 is not above 0")).to_have_count(0)


def test_on_a_phone_the_button_is_always_in_sight(visit: Visit) -> None:
    page = visit("train", width=390, height=844)
    wait_until_ready(page)
    button = page.get_by_role("button", name="Train", exact=True)
    for place in ("Network", "Sweep: several values at once"):
        page.get_by_text(place).first.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)
    page.get_by_text("Sweep: several values at once").click()  # nothing covers it


def test_from_the_architecture_page_and_back(visit: Visit) -> None:
    page = visit("architecture?net=resnet20&image_size=12")
    page.locator(".st-key-toolbar").get_by_role("link", name="Train").click()
    page.get_by_text("resized from 8 × 8 to 12 × 12 pixels").wait_for()
    rate = rate_of(page)
    rate.fill("0.02")
    rate.press("Enter")
    page.wait_for_url(re.compile("image_size=12.*lr=0.02"))
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("textbox", name="Input size")).to_have_value("12")
    page.locator(".st-key-toolbar").get_by_role("link", name="Train").click()
    expect(rate_of(page)).to_have_value("0.02")


def test_a_zip_is_uploaded_shown_and_removed(visit: Visit, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for label in ("cat", "dog"):
            for number in range(10):
                picture = tmp_path / "picture.png"
                Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).save(picture)
                target.write(picture, f"pets/{label}/{number}.png")
    page = visit("train")
    page.get_by_text("Your own images").click()
    page.locator("input[type=file]").set_input_files(archive)
    page.get_by_text("2 classes, colour, 16 × 12 (width × height) pixels").wait_for()
    page.wait_for_url(re.compile(r"dataset=uploaded(:|%3A)pets-[0-9a-f]{10}\.zip"))
    expect(page.locator(".samples").first.locator("figcaption").first).to_have_text(["cat"])
    page.get_by_text("images of 3 channels").wait_for()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Yes, remove").click()
    page.get_by_text("10 classes, grey").wait_for()
    expect(page).not_to_have_url(re.compile("dataset="))
