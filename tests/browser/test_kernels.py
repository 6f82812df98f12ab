"""Journeys on the Kernels page in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_until_settled
from tests.browser.page_checks import metric

Visit = Callable[..., Page]


def cell(page: Page, place: str, picture: int = 0) -> Locator:
    return page.locator(f"[data-pick='{place}']").nth(picture)


def test_the_picture_is_on_the_first_screen(visit: Visit) -> None:
    page = visit("kernels", width=1280, height=800)
    for name in ("7×7: one cell of the output sees 7×7", "3×3 → 3×3 → 3×3: one cell of the output sees 7×7, 5×5, 3×3"):
        picture = page.get_by_role("group", name=name)
        picture.wait_for()
        box = picture.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 800
    expect(metric(page, "Parameters")).to_have_text(["200.70 k → 110.59 k"])
    assert page.evaluate(
        "[...document.querySelectorAll('svg text')].every(t => t.getBoundingClientRect().height >= 12)"
    )


def test_a_cell_of_the_output_moves_the_field_in_both_pictures_by_pointer_and_keyboard(visit: Visit) -> None:
    page = visit("kernels")
    expect(cell(page, "1.1")).to_have_attribute("aria-pressed", "true")
    cell(page, "1.1").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(cell(page, "1.2")).to_have_attribute("aria-pressed", "true")
    wait_until_settled(page)
    cell(page, "0.2", picture=1).click()
    for picture in (0, 1):
        expect(cell(page, "0.2", picture)).to_have_attribute("aria-pressed", "true")
    page.wait_for_url(re.compile(r"\?show=stack&cell=0\.2$"))
    other = visit(page.url)
    expect(cell(other, "0.2")).to_have_attribute("aria-pressed", "true")


def test_going_back_goes_through_sections_and_settings(visit: Visit) -> None:
    page = visit("kernels")
    k = page.get_by_label("Kernel k", exact=True)
    k.fill("5")
    k.press("Enter")
    page.wait_for_url(re.compile(r"\?show=stack&k=5$"))
    page.get_by_text("Output size", exact=True).click()
    page.wait_for_url(re.compile(r"\?show=size$"))
    expect(metric(page, "Dropped")).to_have_text(["1"])
    page.go_back()
    expect(metric(page, "Parameters")).to_have_text(["102.40 k → 73,728"])
    expect(k).to_have_value("5")
    page.go_back()
    expect(metric(page, "Parameters")).to_have_text(["200.70 k → 110.59 k"])
    page.wait_for_url(re.compile(r"/kernels$"))


def test_other_pages_and_back_keep_the_settings(visit: Visit) -> None:
    page = visit("kernels?show=blocks&width=128")
    expect(metric(page, "Channels").first).to_have_text(["128"])
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url(re.compile("/compare"))
    page.get_by_role("link", name="Kernels").click()
    expect(metric(page, "Channels").first).to_have_text(["128"])
    page.wait_for_url(re.compile(r"\?show=blocks&width=128$"))


def test_layers_are_checked_while_they_are_typed(visit: Visit) -> None:
    page = visit("kernels?show=field")
    layers = page.get_by_label("Layers, from the image on", exact=True)
    layers.fill("3/2, pool 2/2")  # no Enter
    expect(metric(page, "Receptive field")).to_have_text(["5 px"])
    layers.fill("3/2, pool 2/2, 3y")
    alert = page.get_by_role("alert").filter(has_text="last valid")
    expect(alert).to_contain_text("layer 3, '3y': not a kernel")
    expect(metric(page, "Receptive field")).to_have_text(["5 px"])


def test_windows_of_chosen_cells(visit: Visit) -> None:
    page = visit("kernels?show=size&size=7&padding=1")
    cell(page, "3.1").click()
    page.get_by_role("group", name="row 3, column 1 reads rows 5, 6 and columns 1, 2, 3").wait_for()
    page.wait_for_url(re.compile(r"cell=3\.1"))


def test_time_is_measured_on_request(visit: Visit) -> None:
    page = visit("kernels?show=stack&c=8&map=16")
    assert page.get_by_text(re.compile(r"[0-9] ms")).count() == 0
    page.get_by_role("button", name="Measure the time on this machine").click()
    page.get_by_text(re.compile(r"The one layer takes [0-9.]+ ms and the stack [0-9.]+ ms")).wait_for()
