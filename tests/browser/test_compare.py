"""Journeys on the Compare page in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.page_checks import faults

Visit = Callable[..., Page]


def heads(page: Page) -> Locator:
    return page.locator(".xc .who b")


def test_a_case_at_one_click(visit: Visit) -> None:
    page = visit("compare")
    expect(heads(page)).to_have_text(["A · 7×7 stem", "B · Three 3×3 stem"])
    page.get_by_role("radio", name="Plain against residual").click()
    expect(heads(page)).to_have_text(["A · Plain-34", "B · ResNet-34"])
    page.wait_for_url(re.compile("a=plain34&b=resnet34"))
    page.get_by_text("22 added, 0 removed, 0 changed, 102 the same").wait_for()
    expect(page.locator(".xc tr.added")).to_have_count(22)


def test_a_stage_folds_with_the_keyboard_and_a_network_is_typed_and_pasted(visit: Visit) -> None:
    page = visit("compare?a=vgg16&b=vgg19")
    stage = page.locator(".xc details").filter(has_text="28×28").first
    row = stage.locator("tr.added").first
    row.wait_for()
    stage.locator("summary").focus()
    page.keyboard.press("Enter")
    row.wait_for(state="hidden")
    picker = page.get_by_label("Network B", exact=True)
    picker.click()
    picker.fill("vgg11~batch_norm~true~num_classes~10")
    picker.press("Enter")
    expect(heads(page).nth(1)).to_have_text(["B · VGG-11 (A), changed"])
    page.wait_for_url(re.compile(re.escape("b=vgg11~batch_norm~true~num_classes~10")))
    picker.click()
    picker.fill("vgg16~cfg~bananas")
    picker.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("link: cfg, entry 1: 'bananas' is neither")
    expect(heads(page).nth(1)).to_have_text(["B · VGG-11 (A), changed"])


def test_the_link_in_a_fresh_browser(visit: Visit) -> None:
    page = visit("compare?a=resnet18&b=vgg16")
    page.get_by_role("button", name="Add a network").click()
    expect(heads(page)).to_have_count(3)
    page.get_by_role("radio", name="Along the depth").click()
    page.get_by_role("radio", name="All layers", exact=True).click()
    for part in ("c=resnet50", "draw=depth", "layers=all"):
        page.wait_for_url(re.compile(part))
    other = visit(page.url)
    expect(heads(other)).to_have_text(heads(page).all_inner_texts())
    expect(other.get_by_role("radio", name="All layers", exact=True)).to_be_checked()


def test_a_network_opens_on_the_architecture_page_and_back(visit: Visit) -> None:
    page = visit("compare?a=vgg16&b=vgg16~num_classes~7")
    page.get_by_role("link", name="Open in Architecture").nth(1).click()
    page.wait_for_url(re.compile(re.escape("/architecture?net=vgg16&num_classes=7")))
    expect(page.get_by_label("Classes", exact=True)).to_have_value("7")
    page.get_by_role("link", name="Compare").click()
    expect(heads(page)).to_have_text(["A · VGG-16 (D)", "B · VGG-16 (D), num_classes 7"])


def test_colours_have_words_too(visit: Visit) -> None:
    page = visit("compare?a=resnet34&b=resnet50")
    row = page.locator(".xc tr.changed").first
    expect(row).to_contain_text("changed")
    expect(row).to_contain_text("kernel 3×3 → 1×1")
    expect(page.locator(".xc tr.added").first).to_contain_text("added")
    # A row is marked in the chart at once; the link follows. The keyboard goes from row to row.
    page.wait_for_selector(".explorer-compare-mark", state="attached")
    circle = page.locator(".explorer-compare-mark:not([hidden])")
    row.hover()
    expect(circle).to_have_count(2)
    row.click()
    expect(row).to_have_attribute("aria-current", "true")
    page.wait_for_url(re.compile("layer=layer1.0.conv1"))
    row.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".xc tr.chosen")).not_to_have_attribute("data-layer", "layer1.0.conv1")
    # All layers, and other numbers of the stages, come with the page.
    same = page.locator(".xc tr.same").first
    same.wait_for(state="hidden")
    page.get_by_role("radio", name="All layers", exact=True).click()
    same.wait_for()
    page.get_by_role("radio", name="MACs", exact=True).click()
    page.locator(".of-measure[data-measure=macs]").wait_for()
    page.locator(".of-measure[data-measure=params]").wait_for(state="hidden")
    page.wait_for_url(re.compile("measure=macs.*layers=all"))
    assert faults(page) == []
