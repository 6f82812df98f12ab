"""Journeys through a lesson in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_rendered, wait_until_settled
from tests.browser.page_checks import faults, overhang, small_texts

Visit = Callable[..., Page]


def test_a_lesson_by_keyboard_alone(visit: Visit, tmp_path: Path) -> None:
    page = visit("learn?lesson=why-3x3", ready="stProgress")
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    options = page.get_by_role("radiogroup", name="Your prediction").get_by_role("radio")
    expect(options).to_have_count(4)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    wait_until_settled(page)
    assert faults(page) == []
    for step in (3, 4):  # the second radio of each question
        options.first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Next")).to_be_enabled()
        page.get_by_role("button", name="Next").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"Step {step} of")).to_be_visible()
        wait_until_settled(page)
    expect(page.get_by_role("group", name=re.compile("^5×5: "))).to_be_visible()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You were right: A few more: every kernel adds its side minus one")).to_be_visible()
    expect(page).to_have_url(re.compile("step=5&guess-two=edges"))
    wait_until_rendered(page)
    assert faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this experiment").press("Enter")
    saved = tmp_path / "report.html"
    download.value.save_as(saved)
    report = page.context.new_page()
    report.context.set_offline(True)
    try:
        report.goto(saved.as_uri())
        expect(report.get_by_role("heading", name="Why 3×3")).to_be_visible()
        expect(report.get_by_role("group", name=re.compile("^5×5: "))).to_be_visible()
        expect(
            report.get_by_role("cell", name="A few more: every kernel adds its side minus one").first
        ).to_be_visible()
    finally:
        report.context.set_offline(False)
        report.close()


def test_a_lesson_on_a_phone_and_its_progress_in_the_gallery(visit: Visit) -> None:
    page = visit("learn?lesson=kernel-slides&step=2", width=390, height=844, scheme="dark", ready="stProgress")
    guess = page.get_by_label("Your prediction, in columns")
    guess.fill("6")
    guess.press("Enter")
    for step in (3, 4):
        expect(page.get_by_role("button", name="Next")).to_be_enabled()
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(f"Step {step} of")).to_be_visible()
        wait_until_settled(page)
    expect(page.get_by_text("You were right: 6")).to_be_visible()
    wait_until_rendered(page)
    assert overhang(page) <= 0
    assert faults(page) == []
    assert small_texts(page, [390]) == []
    page.get_by_role("link", name="All lessons").click()
    expect(page.locator(".learn-progress[data-lesson=kernel-slides]")).to_have_text(re.compile("% done"))
    assert page.evaluate("Object.keys(JSON.parse(localStorage.getItem('explorer.lessons')))") == ["kernel-slides"]
    wait_until_rendered(page)
    assert overhang(page) <= 0
    assert faults(page) == []
