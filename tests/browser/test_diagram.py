"""Diagram, chart and table show the same layer; the diagram works with the keyboard too."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_until_settled
from tests.browser.page_checks import overhang

Visit = Callable[..., Page]


def part(page: Page, pick: str) -> Locator:
    return page.locator(f'[data-pick="{pick}"]').first


def chosen(page: Page) -> Locator:
    return page.locator('[data-pick][aria-pressed="true"]')


def panel(page: Page) -> Locator:
    return page.locator(".st-key-layer-panel")


def row(page: Page, layer: str) -> Locator:
    return page.locator(f'[role="row"][data-layer="{layer}"]')


# Clicks or points at an element, and reads panel, table and chart before any answer of the server can arrive.
AT_ONCE = """
    (element, event) => {
        element.dispatchEvent(new PointerEvent(event, { bubbles: true, composed: true }));
        const inside = (selector, key) => [...document.querySelectorAll(`.st-key-${key} *`)]
            .map(host => host.shadowRoot?.querySelector(selector)).find(Boolean);
        return [
            inside(".words", "layer-panel").innerText,
            inside(".body .chosen, .body .pointed", "layers")?.dataset.layer,
            document.querySelector(".explorer-layer-line span").textContent,
        ];
    }
"""


def test_a_layer_is_shown_everywhere_before_the_server_knows(visit: Visit) -> None:
    page = visit("architecture?net=vgg16", height=2600)
    page.locator(".explorer-layer-line").wait_for(state="attached")
    conv = part(page, "layer:features.5").locator("rect").first
    for event in ("pointerover", "click"):
        words, in_table, in_chart = conv.evaluate(AT_ONCE, event)
        assert "(3·3·64 + 1)·128 = 73,856" in words
        assert in_table == in_chart == "features.5"
    expect(chosen(page)).to_have_attribute("data-pick", "layer:features.5")
    page.wait_for_url(re.compile(r"layer=features\.5"))
    expect(row(page, "features.5")).to_have_attribute("aria-selected", "true")
    row(page, "features.2").hover()  # shows it, but the chosen layer stays
    expect(panel(page)).to_contain_text("(3·3·64 + 1)·64 = 36,928")
    expect(chosen(page)).to_have_attribute("data-pick", "layer:features.5")
    part(page, "layer:features.5").locator("rect").first.click()  # a second click ends the choice
    page.wait_for_url(re.compile(r"\?net=vgg16$"))
    page.mouse.move(0, 0)
    expect(panel(page)).to_contain_text("The last map before the head")


def test_the_last_of_quick_choices_stays(visit: Visit) -> None:
    """The server confirms the first choices when the user has made others."""
    page = visit("architecture?net=vgg16", height=2600)
    for layer in ("features.0", "features.2", "features.5", "features.7"):
        row(page, layer).click()
    page.wait_for_url(re.compile(r"layer=features\.7"))
    expect(page.locator("[role=row][aria-selected=true]")).to_have_count(1)
    expect(row(page, "features.7")).to_have_attribute("aria-selected", "true")
    wait_until_settled(page)
    page.evaluate("explorerLayerChoice.follow('features.0', explorerLayerChoice.number - 1)")  # an older answer
    expect(row(page, "features.7")).to_have_attribute("aria-selected", "true")
    page.get_by_role("combobox", name="Start from").fill("VGG-11 (A) · vgg11")
    page.keyboard.press("Enter")  # the server ends the choice
    page.wait_for_url(re.compile(r"\?net=vgg11$"))
    expect(page.locator("[role=row][aria-selected=true]")).to_have_count(0)


def test_a_layer_chosen_in_the_chart_is_drawn_in_the_diagram(visit: Visit) -> None:
    page = visit("architecture?net=resnet50&chart=macs", height=2600)
    page.locator(".explorer-layer-line").wait_for(state="attached")
    bars = page.locator(".js-plotly-plot .bars .point path")
    bars.nth(2).click(force=True)  # Plotly listens on a layer above the bars
    expect(chosen(page)).to_have_count(1)
    name = str(chosen(page).get_attribute("data-pick")).removeprefix("layer:")
    assert name.startswith("layer")  # in a block that was closed before
    expect(panel(page)).to_contain_text(name)
    expect(row(page, name)).to_have_attribute("aria-selected", "true")


def test_the_table_by_pointer_and_keyboard(visit: Visit) -> None:
    page = visit("architecture?net=googlenet", height=3200)
    row(page, "inception3a.branch2.1.conv").click()
    expect(chosen(page)).to_have_attribute("data-pick", "layer:inception3a.branch2.1.conv")
    assert page.locator(".scroller").evaluate("table => table.scrollWidth - table.clientWidth") == 0  # all columns fit
    names = page.locator(".body [role=rowheader]")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(panel(page)).to_contain_text(names.nth(1).inner_text())
    page.get_by_role("button", name="Parameters", exact=True).last.click()  # sorts from the largest
    expect(names.first).to_have_text(["fc"])
    page.get_by_role("searchbox", name="Search layers").fill("5b")
    page.get_by_text(re.compile(r"\d+ of 140 layers")).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("layer,kind,stage,output,params,macs,")
    assert all("5b" in line for line in lines[1:])


def test_parts_open_and_close_and_the_link_says_so(visit: Visit) -> None:
    page = visit("architecture?net=resnet152")
    part(page, "fold:layer3.1–35").click()
    page.wait_for_url(re.compile("folded="))  # rendered again; the next click has a stable target
    one_open = page.url
    part(page, "fold:layer3.17").click()
    part(page, "layer:layer3.17.conv2").wait_for(state="attached")
    expect(page).not_to_have_url(one_open)  # the diagram opens in the browser before the server responds
    other = visit(page.url)
    part(other, "layer:layer3.17.conv2").wait_for(state="attached")
    part(other, "fold:layer3.1–35").click()
    part(other, "layer:layer3.17.conv2").wait_for(state="detached")


def test_colour_and_detail(visit: Visit) -> None:
    page = visit("architecture?net=resnet18")
    page.locator(".st-key-view-detail").get_by_text("Every layer", exact=True).click()
    part(page, "layer:layer4.1.conv2").wait_for(state="attached")
    page.locator(".st-key-view-colour").get_by_text("Parameters", exact=True).click()
    page.locator(".st-key-diagram svg text", has_text="2.36 M").wait_for()  # the end of the scale
    page.wait_for_url(re.compile("colour=params&detail=all"))


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
    page.wait_for_url(re.compile(r"layer=features\.0$"))
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_attribute("data-pick", "layer:features.1")
    page.keyboard.press(" ")
    expect(chosen(page)).to_have_attribute("data-pick", "layer:features.1")


def test_the_field_is_drawn_on_the_image(visit: Visit) -> None:
    page = visit("architecture?net=vgg16&layer=features.4")
    picture = panel(page).locator(".picture svg")
    expect(picture).to_have_attribute("aria-label", re.compile("sees 6×6 of 224×224 px; its field is 6 pixels"))


def test_the_diagram_on_a_phone(visit: Visit) -> None:
    page = visit("architecture?net=resnet50", width=390, height=844)
    part(page, "fold:layer1.0").click()
    part(page, "layer:layer1.0.conv1").wait_for(state="attached")
    assert overhang(page) <= 0
