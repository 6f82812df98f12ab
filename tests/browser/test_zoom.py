"""A diagram that doesn't fit wraps into rows; the user zooms, pans and opens it on the full screen."""

from collections.abc import Callable
from itertools import pairwise
from typing import TypedDict, cast

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.page_checks import faults, overhang

Visit = Callable[..., Page]


class Extent(TypedDict):
    x: float
    y: float
    right: float
    bottom: float


def diagram(page: Page) -> Locator:
    return page.locator(".st-key-diagram .frame")


def button(page: Page, name: str) -> Locator:
    return page.locator(".st-key-diagram").get_by_role("button", name=name)


def scale(page: Page) -> float:
    """Pixels of the screen for each unit of the diagram."""
    svg = diagram(page).locator("> svg")
    return float(svg.evaluate("svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width"))


def scrolled(page: Page) -> list[float]:
    return cast(list[float], diagram(page).evaluate("frame => [frame.scrollLeft, frame.scrollTop]"))


def extents(page: Page, kind: str) -> list[Extent]:
    found = (
        diagram(page)
        .locator(f"> svg > .{kind}")
        .evaluate_all("parts => parts.map(part => part.getBoundingClientRect().toJSON())")
    )
    return cast(list[Extent], found)


@pytest.mark.parametrize(
    ("network", "width", "rows"), [("resnet152", 1024, 2), ("googlenet", 1024, 3), ("googlenet", 390, 7)]
)
def test_a_diagram_wraps_into_rows_of_the_page(visit: Visit, network: str, width: int, rows: int) -> None:
    page = visit(f"architecture?net={network}", width=width, height=768)
    frame = diagram(page).bounding_box()
    assert frame
    assert scale(page) == pytest.approx(1)
    found = extents(page, "segment")
    starts = [0, *(place for place, (one, other) in enumerate(pairwise(found), 1) if other["x"] < one["x"])]
    assert len(starts) == pytest.approx(rows, abs=1)
    assert len(starts) == 1 + diagram(page).locator("> svg .bends path").count()
    for start, end in pairwise([*starts, len(found)]):
        row = found[start:end]
        assert all(one["right"] <= other["x"] + 1 for one, other in pairwise(row))
        assert all(frame["x"] <= part["x"] and part["right"] <= frame["x"] + frame["width"] for part in row)
        assert end == len(found) or max(part["bottom"] for part in row) < found[end]["bottom"]
    assert overhang(page) <= 0
    overview = page.locator(".st-key-diagram .overview svg")
    assert overview.is_visible() is (len(starts) > 2)
    assert overview.locator("text").count() == 0


def test_auxiliary_heads_are_drawn_and_their_layers_can_be_chosen(visit: Visit) -> None:
    page = visit("architecture?net=googlenet")
    trunk, heads = extents(page, "segment"), extents(page, "branch")
    assert len(heads) == 2
    for head in heads:
        row = [part for part in trunk if part["y"] < head["y"] < part["bottom"] + 100]
        assert row
        assert all(head["bottom"] > part["bottom"] for part in row)
    page.locator('[data-pick="layer:aux2.fc1"]').click()
    expect(page.locator(".st-key-layer-panel")).to_contain_text("(2,048 + 1)·1,024 = 2,098,176")


def test_zoom_and_pan_by_buttons_keys_wheel_and_mouse(visit: Visit) -> None:
    page = visit("architecture?net=resnet152")
    wrapped = scale(page)
    expect(button(page, "Fit to the width")).to_be_disabled()
    button(page, "Zoom in").click()
    assert scale(page) == pytest.approx(1.25 * wrapped)
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert scale(page) == pytest.approx(1.25**3 * wrapped)
    page.keyboard.press("Shift+ArrowRight")
    assert scrolled(page)[0] > 0
    page.keyboard.press("0")
    assert scale(page) == pytest.approx(wrapped)
    assert scrolled(page) == [0, 0]

    diagram(page).hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(button(page, "Fit to the width")).to_be_enabled()
    zoomed = scale(page)
    assert zoomed > 1.5 * wrapped
    left, top = scrolled(page)
    assert left > 0  # the point below the pointer stays where it is
    target = page.locator('[data-pick="layer:conv1"]').first
    box = diagram(page).bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 180, steps=4)
    page.mouse.up()
    assert scrolled(page) == pytest.approx([max(0, left - 100), max(0, top - 30)], abs=1)
    expect(page.locator('[data-pick][aria-pressed="true"]')).to_have_count(0)  # a drag is no click

    target.locator("rect").first.click()
    expect(target).to_have_attribute("aria-pressed", "true")
    assert scale(page) == pytest.approx(zoomed)  # drawn again with the same zoom
    assert faults(page) == []


def test_a_hidden_figure_that_scrolls_logs_no_error(visit: Visit) -> None:
    page = visit("kernels?show=field&layers=7/2.pool3/2.3.3.3/2.3.3/2", width=390, ready="stTextInput")
    view = page.locator(".overview .view").first
    view.wait_for()
    figure = page.locator(".figure.with-overview").first
    figure.evaluate("figure => { figure.style.display = 'none'; document.dispatchEvent(new Event('scroll')); }")
    assert "NaN" not in [view.get_attribute(name) for name in ("x", "y", "width", "height")]


def test_the_diagram_on_the_full_screen(visit: Visit) -> None:
    page = visit("architecture?net=googlenet", width=1024, height=768)
    button(page, "Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    box = page.locator(".st-key-diagram .figure").bounding_box()
    assert box
    assert (box["width"], box["height"]) == (1024, 768)
    diagram(page).hover()
    page.mouse.wheel(0, -300)  # without Ctrl
    expect(button(page, "Zoom out")).to_be_enabled()
    page.mouse.wheel(0, 3000)  # no smaller than the whole figure
    expect(button(page, "Zoom out")).to_be_disabled()
    assert diagram(page).evaluate("f => f.scrollHeight <= f.clientHeight + 1 && f.scrollWidth <= f.clientWidth + 1")
    button(page, "Full screen").click()
    page.wait_for_function("document.fullscreenElement === null")
