"""Journeys from the Start page in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.jobs import service
from explorer.jobs.job import Job
from tests.browser.conftest import wait_until_settled

Visit = Callable[..., Page]


@pytest.fixture
def start(visit: Visit) -> Callable[..., Page]:
    def open_page(**options: object) -> Page:
        page = visit("", ready="stPageLink", **options)
        page.get_by_text("60.19").wait_for()  # the last number; the page is complete
        return page

    return open_page


def parameters(page: Page) -> Locator:
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text("Parameters", exact=True))
    return card.get_by_test_id("stMetricValue").first  # the previous one may remain below it for a moment


def test_a_typed_network_and_a_well_known_one_open_on_architecture(start: Visit) -> None:
    page = start()
    page.get_by_label("Layers (cfg)").fill("64, M, 128, M")
    expect(page.get_by_role("link", name="Open in Architecture")).to_have_attribute("href", re.compile("64.M.128.M$"))
    page.get_by_role("link", name="Open in Architecture").click()
    page.wait_for_url(re.compile(r"/architecture\?net=vgg16&cfg=64\.M\.128\.M$"))
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    wait_until_settled(page)
    page.go_back()
    page.get_by_role("link", name="Open in Architecture").wait_for()
    expect(page.get_by_role("textbox", name="Layers (cfg)")).to_have_value("64, M, 128, M")
    page.locator(".st-key-card-open-lenet5").click(position={"x": 140, "y": 12})  # the card is a link all over
    page.wait_for_url(re.compile(r"/architecture\?net=lenet5$"))
    expect(parameters(page)).to_have_text(["61,706"])
    page.go_back()
    page.get_by_role("link", name="Compare", exact=True).click()
    page.wait_for_url(re.compile(r"/compare\?a="))
    page.go_back()  # a page that completes its address adds no step to the history
    page.get_by_role("link", name="Take the tour").click()
    expect(page.get_by_role("heading", name="A tour in five steps")).to_be_in_viewport()
    page.get_by_role("link", name="See why 3×3").click()
    page.wait_for_url(re.compile(r"/kernels"))


def test_a_network_answers_while_a_digit_is_drawn(start: Visit) -> None:
    page = start()
    card = page.locator(".st-key-start-card-predict")
    paper = card.get_by_label("Field to draw into")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8, steps=10)
    expect(card.locator(".headline")).to_have_text([re.compile(r"\d.*%")])  # the pen is still down
    page.mouse.up()
    expect(card.get_by_role("status")).to_have_text([re.compile(r"1.*%")])


def test_the_curve_of_the_latest_run_moves(visit: Visit, long_run: Job) -> None:
    page = visit("", ready="stPageLink")
    card = page.locator(".st-key-start-card-train")
    figure = card.get_by_role("group", name="Top-1 accuracy")
    expect(figure).to_have_attribute("aria-label", re.compile(r"validation [0-9.]+% at epoch"))
    before = figure.get_attribute("aria-label") or ""
    expect(figure).not_to_have_attribute("aria-label", before)
    expect(card.get_by_role("link", name="A long run", exact=True)).to_have_attribute(
        "href", re.compile(f"job={long_run.id}")
    )
    service.stop(long_run.id)
    card.get_by_text("stopped").wait_for()


def test_terms_explain_themselves_and_the_keyboard_reaches_what_can_be_done(start: Visit) -> None:
    page = start()
    expect(page.locator("abbr", has_text="receptive field")).to_have_attribute("title", re.compile("one unit"))
    page.get_by_text("Glossary", exact=True).click()
    shown = page.locator(".st-key-glossary").get_by_test_id("stMarkdown")
    expect(shown.filter(has_text=re.compile("^Receptive field"))).to_contain_text("Araujo et al. 2019")
    page.get_by_label("Search the glossary").fill("dilation")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("Yu and Koltun 2016")
    page.get_by_label("Layers (cfg)").focus()
    for name in ("Open in Architecture", "Start from another network"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.get_by_role("link", name="LeNet-5").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/architecture\?net=lenet5$"))


def test_an_old_link_opens_on_architecture(visit: Visit) -> None:
    page = visit("?net=resnet18&blocks=1.1.1.1&lang=en")
    expect(parameters(page)).to_have_text(["5.42 M"])
    page.wait_for_url(re.compile(r"/architecture\?"))
    for part in ("net=resnet18", "blocks=1.1.1.1", "lang=en"):
        page.wait_for_url(re.compile(re.escape(part)))
