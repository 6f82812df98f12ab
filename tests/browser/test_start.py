"""Journeys from the Start page in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import wait_until_settled

Visit = Callable[..., Page]
PATIENCE = 60_000  # milliseconds; first analyses and first visits, on a busy machine


@pytest.fixture
def start(visit: Visit) -> Callable[..., Page]:
    def open_page(**options: object) -> Page:
        page = visit("", ready="stPageLink", **options)
        expect(page.get_by_text("60.19")).to_be_visible(timeout=PATIENCE)  # the last number; the page is complete
        return page

    return open_page


def parameters(page: Page) -> Locator:
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text("Parameters", exact=True))
    return card.get_by_test_id("stMetricValue").first  # the previous one may remain below it for a moment


def test_cards_are_links_all_over_and_a_well_known_network_is_one_click_away(start: Visit) -> None:
    page = start()
    for card, path in (("edit", "architecture"), ("kernels", "kernels"), ("compare", "compare")):
        page.locator(f".st-key-card-{card}").click(position={"x": 40, "y": 40})
        expect(page).to_have_url(re.compile(rf"/{path}\b"))
        page.get_by_test_id("stMetricValue").first.wait_for(timeout=PATIENCE)
        wait_until_settled(page)
        page.go_back()
    page.locator(".st-key-card-open-lenet5").click()
    expect(page).to_have_url(re.compile(r"/architecture\?net=lenet5$"))
    expect(parameters(page)).to_have_text("61,706", timeout=PATIENCE)
    page.go_back()
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page).to_have_url(re.compile(r"/compare\?a="))
    page.go_back()  # a page that completes its address adds no step to the history
    page.locator(".st-key-card-open-resnet18").click()
    expect(parameters(page)).to_have_text("11.69 M", timeout=PATIENCE)


def test_terms_explain_themselves_and_the_keyboard_reaches_all_ways_in(start: Visit) -> None:
    page = start()
    expect(page.locator("abbr", has_text="receptive field")).to_have_attribute("title", re.compile("one unit"))
    page.get_by_text("Glossary", exact=True).click()
    shown = page.locator(".st-key-glossary").get_by_test_id("stMarkdown")
    expect(shown.filter(has_text="Receptive field")).to_contain_text("Araujo et al. 2019")
    page.get_by_label("Search the glossary").fill("dilation")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("Yu and Koltun 2016")
    page.get_by_role("link", name="Edit a network").focus()
    for name in ("See why 3×3", "Compare two networks", "LeNet-5"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/architecture\?net=lenet5$"))


def test_an_old_link_opens_on_architecture(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/?net=resnet18&blocks=1.1.1.1&lang=en")
    expect(parameters(page)).to_have_text("5.42 M", timeout=PATIENCE)
    expect(page).to_have_url(re.compile(r"/architecture\?"))
    for part in ("net=resnet18", "blocks=1.1.1.1", "lang=en"):
        expect(page).to_have_url(re.compile(re.escape(part)))
    page.close()
