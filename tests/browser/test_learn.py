"""Journeys through lessons in a real browser, from a link to a reveal, by keyboard alone."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_until_rendered, wait_until_settled
from tests.browser.page_checks import THEME_RULES, faults, overhang, small_texts

Visit = Callable[..., Page]
MOST_TABS = 60  # on the way to an element


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab does not reach {target}")


def go_on(page: Page, step: int) -> None:
    """Press Next, and wait for a step."""
    button = page.get_by_role("button", name="Next")
    expect(button).to_be_enabled()
    tab_to(page, button)
    page.keyboard.press("Enter")
    page.get_by_text(f"Step {step} of").wait_for()
    wait_until_settled(page)


def predict(page: Page) -> None:
    """Choose the second option of a question."""
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    tab_to(page, page.get_by_role("radiogroup", name="Your prediction").get_by_role("radio").first)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")


def check_reveal(page: Page, *widths: int) -> None:
    """See that a reveal fits, is readable and has no fault of accessibility at some widths of the window."""
    rules = None
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        wait_until_rendered(page)
        assert overhang(page) <= 0
        assert faults(page, rules) == []
        rules = THEME_RULES
    assert small_texts(page, widths) == []


def test_a_lesson_and_its_report(visit: Visit, tmp_path: Path) -> None:
    page = visit("learn?lesson=why-3x3", ready="stProgress")
    go_on(page, 2)
    expect(page.get_by_role("radiogroup", name="Your prediction").get_by_role("radio")).to_have_count(4)
    assert faults(page) == []
    for step in (3, 4):
        predict(page)
        go_on(page, step)
    page.get_by_role("group", name=re.compile("^5×5: ")).wait_for()
    go_on(page, 5)
    page.get_by_text("You were right: A few more: every kernel adds its side minus one").wait_for()
    page.wait_for_url(re.compile("step=5&guess-two=edges"))
    check_reveal(page, 1280, 390)
    with page.expect_download() as download:
        tab_to(page, page.get_by_role("button", name="Save this experiment"))
        page.keyboard.press("Enter")
    saved = tmp_path / "report.html"
    download.value.save_as(saved)
    report = page.context.new_page()
    report.context.set_offline(True)
    try:
        report.goto(saved.as_uri())
        report.get_by_role("heading", name="Why 3×3").wait_for()
        report.get_by_role("group", name=re.compile("^5×5: ")).wait_for()
        report.get_by_role("cell", name="A few more: every kernel adds its side minus one").first.wait_for()
        assert faults(report) == []
    finally:
        report.context.set_offline(False)
        report.close()


def test_a_lesson_on_a_phone_and_its_progress_in_the_gallery(visit: Visit) -> None:
    page = visit("learn?lesson=kernel-slides&step=2", width=390, height=844, scheme="dark", ready="stProgress")
    tab_to(page, page.get_by_label("Your prediction, in columns"))
    page.keyboard.type("6")
    page.keyboard.press("Enter")
    for step in (3, 4):
        go_on(page, step)
    expect(page.get_by_text("You were right: 6")).to_be_in_viewport()  # though Next of the step before was far below
    check_reveal(page, 390, 1280)
    tab_to(page, page.get_by_role("link", name="All lessons"))
    page.keyboard.press("Enter")
    expect(page.locator(".learn-progress[data-lesson=kernel-slides]")).to_have_text([re.compile("% done")])
    assert page.evaluate("Object.keys(JSON.parse(localStorage.getItem('explorer.lessons')))") == ["kernel-slides"]
    page.set_viewport_size({"width": 390, "height": 844})
    wait_until_rendered(page)
    assert overhang(page) <= 0
    assert faults(page) == []


def test_a_lesson_whose_numbers_are_measured_when_the_step_opens(visit: Visit) -> None:
    page = visit("learn?lesson=gradients&step=3", ready="stProgress")
    page.get_by_text("Step 2 of").wait_for()  # the question before the reveal that the link names
    predict(page)
    go_on(page, 3)
    page.get_by_text("The answer: Less than a hundred-thousandth").wait_for()
    page.get_by_role("group", name=re.compile("^Gradient at the layer's output")).wait_for()
    check_reveal(page, 1280, 390)
