"""Reasons in a real browser: a unit is clicked, a class and a channel are chosen by keyboard."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.page_checks import faults, overhang

Visit = Callable[..., Page]


def test_a_click_on_a_map_shows_what_the_unit_sees(visit: Visit) -> None:
    page = visit("predict?weights=digits-cnn&why=maps&layer=features.0&order=number", ready="stSelectbox")
    channel = page.get_by_role("button", name="Channel 3, mean strength")
    box = channel.locator("canvas").bounding_box()
    assert box is not None
    # The middle of row 4, column 6 of 8 x 8.
    channel.locator("canvas").click(position={"x": box["width"] * 6.5 / 8, "y": box["height"] * 4.5 / 8})
    page.get_by_role("heading", name="Channel 3, row 4, column 6").wait_for()
    page.get_by_text("It sees 3 × 3 pixels: rows 3 to 5, columns 5 to 7.").last.wait_for()
    expect(channel).to_have_attribute("aria-pressed", "true")
    page.wait_for_url(re.compile("unit=3.4.6"))
    # The keyboard moves to the next channel at the same position.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Channel 4, row 4, column 6").wait_for()
    expect(page.get_by_role("button", name="Channel 4, mean strength")).to_be_focused()
    page.wait_for_url(re.compile("unit=4.4.6"))
    # A number that is typed is shown before the server knows of it.
    words = page.get_by_role("spinbutton", name="Row").evaluate(
        """input => {
            input.value = 0;
            input.dispatchEvent(new Event("input"));
            return input.closest(".channels").querySelector(".value").textContent;
        }"""
    )
    assert re.match(r"Its value is −?[\d.]+\. Its field, 3 × 3 pixels, is cut off", words)
    assert "rows 0 to 1, columns 5 to 7;" in words
    page.wait_for_url(re.compile("unit=4.0.6"))
    assert faults(page) == []


def test_a_class_is_chosen_by_keyboard(visit: Visit) -> None:
    page = visit("predict?weights=digits-cnn", width=390, ready="stSelectbox")
    heat = page.get_by_role("img", name="Grad-CAM for")
    heat.wait_for()
    before = heat.get_attribute("src")
    box = page.get_by_role("combobox", name="Class explained")
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(heat).not_to_have_attribute("src", before or "")
    page.wait_for_url(re.compile("cls="))  # the link follows the picture
    assert overhang(page) <= 0
    # The sections fit in one line, and so do the numbers of a unit.
    sections = page.get_by_role("radiogroup").filter(has_text="Feature maps")
    assert sections.evaluate("group => group.scrollWidth - group.clientWidth") <= 0
    sections.get_by_role("radio", name="Feature maps").click()
    page.get_by_role("spinbutton", name="Column").wait_for()
    tops = {page.get_by_role("spinbutton", name=name).bounding_box()["y"] for name in ("Channel", "Row", "Column")}  # type: ignore[index]
    assert len(tops) == 1
    assert overhang(page) <= 0


def pick(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).focus()
    page.keyboard.type(option)
    page.keyboard.press("Enter")


def test_a_choice_outlives_the_words_of_its_list(visit: Visit) -> None:
    page = visit("predict?cls=4", ready="stSelectbox")
    expect(page.get_by_role("combobox", name="Class explained")).to_have_value(re.compile("deer"))
    before = page.get_by_role("combobox", name="Class explained").input_value()
    page.get_by_role("button", name="Horse, a silhouette").click()
    box = page.get_by_role("combobox", name="Class explained")
    expect(box).not_to_have_value(before)
    expect(box).to_have_value(re.compile("deer"))
    page.get_by_text("Top 10").click()
    page.wait_for_url(re.compile("top=10&cls=4$"))
    pick(page, "Layer", "layer2.0.conv1")
    page.wait_for_url(re.compile("layer=layer2.0.conv1"))
    pick(page, "Network", "vgg16-cifar10")
    expect(page.get_by_role("combobox", name="Layer")).to_have_value(re.compile("The usual one: features"))
    page.get_by_text("Top 5").click()
    page.wait_for_url(re.compile(r"\?weights=vgg16-cifar10&image=horse$"))
    page.get_by_role("img", name="Grad-CAM for").wait_for()


def test_a_test_set_outlives_the_words_of_its_list(visit: Visit) -> None:
    page = visit("predict?show=test&weights=digits-cnn", ready="stSelectbox")
    for name in ("mnist-cnn", "vgg16-cifar10"):
        pick(page, "Network", name)
        page.wait_for_url(re.compile(f"show=test&weights={name}$"))
    page.get_by_role("button", name="Run the test").wait_for()
