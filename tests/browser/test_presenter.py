"""The presenter view: large type for a projector, and a way through the pages with keys."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_rendered
from tests.browser.page_checks import layout_shift, overhang, small_texts

PROJECTOR = {"width": 1024, "height": 768}
SMALLEST_ON_PROJECTOR = 18  # pixels
# Numbers of which a part is hidden.
CUT_NUMBERS = """[...document.querySelectorAll("[data-testid=stMetricValue] *")]
    .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"""
# Pixels by which the button for a class reaches from the bar into the page.
COVERED_BY_CLASS = """(() => {
    const part = (host, name) => document.querySelector(host).shadowRoot.querySelector(name).getBoundingClientRect();
    return part("#explorer-class", ".pill").bottom - part("#explorer-presenter", "nav").bottom;
})()"""
PAGES = {
    "": "stMarkdown",
    "learn": "stMarkdown",
    "learn?lesson=degradation&step=4&guess-deep=same&guess-residual=worse": "stCaptionContainer",
    "architecture?net=resnet50": "stVegaLiteChart",
    "kernels": "stMetricValue",
    "compare": "stMetricValue",
    "train": "stMetricValue",
    "runs": "stHeading",
    "predict": "stMarkdown",
}


def test_every_page_can_be_read_from_the_back_row(visit: Callable[..., Page]) -> None:
    page = visit("?present=1", ready="stMarkdown")
    for link, ready in PAGES.items():
        page.goto(re.sub(r"/[^/]*$", "/", page.url) + link + ("&" if "?" in link else "?") + "present=1")
        page.get_by_test_id(ready).first.wait_for()
        wait_until_rendered(page)
        page.get_by_role("button", name="Leave presenter view").wait_for()
        assert small_texts(page, [PROJECTOR["width"]], height=PROJECTOR["height"], least=SMALLEST_ON_PROJECTOR) == []
        assert overhang(page) == 0, link
        assert page.evaluate(CUT_NUMBERS) == [], link
        assert page.evaluate(COVERED_BY_CLASS) <= 0, link


def test_a_phone_has_room_for_the_whole_bar(visit: Callable[..., Page]) -> None:
    page = visit("architecture?net=lenet5&present=1", width=390, height=844, ready="stVegaLiteChart")
    page.get_by_role("button", name="Leave presenter view").wait_for()
    title = page.locator("#explorer-presenter output")
    assert title.evaluate("output => output.scrollWidth <= output.clientWidth")
    assert page.evaluate(COVERED_BY_CLASS) <= 0
    leave = page.get_by_role("button", name="Leave presenter view").bounding_box()
    pill = page.get_by_role("button", name="Class", exact=True).bounding_box()
    assert leave
    assert pill
    assert leave["x"] + leave["width"] <= pill["x"]


def test_a_link_opens_large_from_the_first_moment(visit: Callable[..., Page]) -> None:
    page = visit("train?net=digits-cnn&present=1", ready="stMetricValue")
    wait_until_rendered(page)
    assert layout_shift(page) < 0.25  # 0.9 if the view becomes large after its parts have arrived


def test_keys_open_it_go_on_and_leave_it(visit: Callable[..., Page]) -> None:
    page = visit("architecture?net=vgg16", ready="stVegaLiteChart")
    page.get_by_role("button", name="Present", exact=False).first.wait_for()
    editor = page.locator(".st-key-editor")
    editor.wait_for()
    page.keyboard.press("p")
    page.wait_for_url(re.compile(r"net=vgg16.*present=1"))
    editor.wait_for(state="hidden")
    page.get_by_role("button", name="Editor").click()
    editor.wait_for()
    page.keyboard.press("PageDown")
    page.wait_for_url(re.compile(r"/kernels\?present=1$"))
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(r"/architecture\?.*present=1"))
    page.keyboard.press("p")
    expect(page).not_to_have_url(re.compile("present"))
    expect(page.get_by_role("button", name="Leave presenter view")).to_have_count(0)


def test_the_button_covers_no_entry_of_the_navigation(visit: Callable[..., Page]) -> None:
    page = visit("kernels", width=768)
    present = page.get_by_role("button", name="Present").bounding_box()
    last = page.get_by_role("link", name="Predict").bounding_box()
    assert present
    assert last
    assert last["x"] + last["width"] < present["x"]
