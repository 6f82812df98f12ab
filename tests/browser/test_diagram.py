"""Diagram, chart and table show the same layer; the diagram works with the keyboard too."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.grid import tick
from tests.browser.page_checks import overhang

Visit = Callable[..., Page]


def part(page: Page, pick: str) -> Locator:
    return page.locator(f'[data-pick="{pick}"]').first


def chosen(page: Page) -> Locator:
    return page.locator('[data-pick][aria-pressed="true"]')


def panel(page: Page) -> Locator:
    return page.locator(".st-key-layer-panel")


def test_a_layer_chosen_in_the_diagram_is_chosen_everywhere(visit: Visit) -> None:
    page = visit("architecture?net=vgg16", height=2200)
    part(page, "layer:features.5").locator("rect").first.click()
    expect(chosen(page)).to_have_attribute("data-pick", "layer:features.5")
    expect(panel(page)).to_contain_text("3·3·64 + 1)·128 = 73,856")
    expect(page).to_have_url(re.compile(r"layer=features\.5"))
    expect(page.locator(".js-plotly-plot")).to_contain_text("features.5")  # the mark in the chart
    table = page.get_by_test_id("stDataFrame").last
    # The table is a canvas; a hidden table next to it is for screen readers.
    expect(table.locator("tr[aria-selected=true]")).to_contain_text("features.5")
    part(page, "layer:features.5").locator("rect").first.click()  # a second click ends the choice
    expect(panel(page)).to_contain_text("The last map before the head")
    expect(page).to_have_url(re.compile(r"\?net=vgg16$"))


def test_a_layer_chosen_in_the_chart_is_drawn_in_the_diagram(visit: Visit) -> None:
    page = visit("architecture?net=resnet50&chart=macs", height=2200)
    bars = page.locator(".js-plotly-plot .bars .point path")
    bars.nth(2).wait_for()
    bars.nth(2).click(force=True)  # Plotly listens on a layer above the bars
    expect(chosen(page)).to_have_count(1)
    name = str(chosen(page).get_attribute("data-pick")).removeprefix("layer:")
    assert name.startswith("layer")  # in a block that was closed before
    expect(panel(page)).to_contain_text(name)
    expect(page.get_by_test_id("stDataFrame").last.locator("tr[aria-selected=true]")).to_contain_text(name)


def test_a_layer_chosen_in_the_table_is_drawn_in_the_diagram(visit: Visit) -> None:
    page = visit("architecture?net=googlenet", height=2600)
    table = page.get_by_test_id("stDataFrame").nth(1)  # between the modules and the auxiliary heads
    tick(page, table, 12, 30, panel(page).filter(has_text="inception3a.branch2.1.conv"))
    expect(chosen(page)).to_have_attribute("data-pick", "layer:inception3a.branch2.1.conv")


def test_parts_open_and_close_and_the_link_says_so(visit: Visit) -> None:
    page = visit("architecture?net=resnet152")
    part(page, "fold:layer3.1–35").click()
    expect(page).to_have_url(re.compile("folded="))  # rendered again; the next click has a stable target
    one_open = page.url
    part(page, "fold:layer3.17").click()
    expect(part(page, "layer:layer3.17.conv2")).to_be_attached()
    expect(page).not_to_have_url(one_open)  # the diagram opens in the browser before the server responds
    other = visit(page.url)
    expect(part(other, "layer:layer3.17.conv2")).to_be_attached()
    part(other, "fold:layer3.1–35").click()
    expect(part(other, "layer:layer3.17.conv2")).not_to_be_attached()


def test_colour_and_detail(visit: Visit) -> None:
    page = visit("architecture?net=resnet18")
    page.locator(".st-key-view-detail").get_by_text("Every layer", exact=True).click()
    expect(part(page, "layer:layer4.1.conv2")).to_be_attached()
    page.locator(".st-key-view-colour").get_by_text("Parameters", exact=True).click()
    expect(page.locator(".st-key-diagram svg text", has_text="2.36 M")).to_be_visible()  # the end of the scale
    expect(page).to_have_url(re.compile("colour=params&detail=all"))


def test_the_diagram_by_keyboard_alone(visit: Visit) -> None:
    page = visit("architecture?net=lenet5")
    part(page, "fold:28×28").wait_for()
    for _press in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(
            "(() => { let e = document.activeElement; while (e && e.shadowRoot && e.shadowRoot.activeElement)"
            " e = e.shadowRoot.activeElement; return e ? e.dataset.pick || '' : '' })()"
        ):
            break
    focused = page.locator("[data-pick]:focus")
    expect(focused).to_have_count(1)
    page.keyboard.press("Home")
    for _press in range(12):
        if focused.get_attribute("data-pick") == "layer:features.0":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(panel(page)).to_contain_text("(5·5·1 + 1)·6 = 156")
    expect(chosen(page)).to_have_attribute("data-pick", "layer:features.0")
    expect(focused).to_have_attribute("data-pick", "layer:features.0")  # the focus stays where it was
    expect(page).to_have_url(re.compile(r"layer=features\.0$"))
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_attribute("data-pick", "layer:features.1")
    page.keyboard.press(" ")
    expect(chosen(page)).to_have_attribute("data-pick", "layer:features.1")


def test_the_field_is_drawn_on_the_image(visit: Visit) -> None:
    page = visit("architecture?net=vgg16&layer=features.4")
    picture = page.locator(".st-key-field-picture svg")
    expect(picture).to_have_attribute("aria-label", re.compile("sees 6×6 of 224×224 px; its field is 6 pixels"))


def test_the_diagram_on_a_phone(visit: Visit) -> None:
    page = visit("architecture?net=resnet50", width=390, height=844)
    part(page, "fold:layer1.0").click()
    expect(part(page, "layer:layer1.0.conv1")).to_be_attached()
    assert overhang(page) <= 0
