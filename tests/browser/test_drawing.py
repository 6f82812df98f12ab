"""Drawing on the Predict page with mouse, finger and keyboard, and the live camera."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from explorer.prediction import browser_images, ink, networks
from explorer.prediction.classify import probabilities
from tests.browser.page_checks import faults, overhang
from tests.helpers.toys import registry_entry

Visit = Callable[..., Page]
Place = tuple[float, float]  # in the field, as shares from the left and from the top
READY = "stSelectbox"
THREE: list[Place] = [(0.3, 0.3), (0.5, 0.2), (0.7, 0.3), (0.65, 0.45), (0.5, 0.5), (0.7, 0.6), (0.7, 0.75)]
THREE += [(0.5, 0.85), (0.3, 0.75)]
SEVEN: list[Place] = [(0.3, 0.2), (0.7, 0.2), (0.6, 0.5), (0.5, 0.85)]

# The drawing, the image that the network sees, and the probabilities, all of one moment.
STATE = """field => {
  const seen = field.querySelector(".seen");
  const { data } = seen.getContext("2d").getImageData(0, 0, seen.width, seen.height);
  return {
    drawing: field.querySelector(".ink").toDataURL("image/png"),
    seen: [...data].filter((_level, index) => index % 4 === 0),
    probabilities: [...field.querySelectorAll(".bars li")].map(row => Number(row.dataset.probability)),
  };
}"""


def positions(page: Page, places: Sequence[Place]) -> list[Place]:
    """The places in pixels of the window."""
    field = page.locator("canvas.paper")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box is not None
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]


def press_and_move(page: Page, places: Sequence[Place]) -> None:
    """Draw with the mouse, and keep its button pressed."""
    first, *others = positions(page, places)
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=5)


def check_against_server(page: Page, weights: str) -> None:
    """The browser's prepared image and its probabilities are those that the server computes for the same drawing."""
    network = networks.network(registry_entry(weights))
    shown = page.locator(".drawing").evaluate(STATE)
    drawn = browser_images.decode(shown["drawing"])
    picture = ink.strokes_only(browser_images.drawing("drawing", drawn, drawn), network.card)
    seen = picture.network_input(network.card)
    difference = np.array(shown["seen"]) - seen.flatten().numpy()
    assert np.abs(difference).max() <= 1  # a level of 255, where the last digit of a sum rounds
    expected = probabilities(network.module, network.card, seen[None])[0].numpy()
    np.testing.assert_allclose(shown["probabilities"], expected, atol=1e-3)


def test_a_digit_is_drawn_with_the_mouse_and_answered_before_the_button_is_released(visit: Visit) -> None:
    page = visit("predict?weights=mnist-cnn&source=draw", ready=READY)
    live = page.locator(".drawing .headline")
    page.get_by_text("Draw in the field, and see").wait_for()
    page.get_by_text("centred by mass in 28 × 28 pixels, as MNIST was").wait_for()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    press_and_move(page, THREE)
    expect(live).to_have_text([re.compile(r"^3, \d\d\.\d%$")])
    check_against_server(page, "mnist-cnn")
    page.get_by_text("Draw in the field, and see").wait_for()  # the server has not seen it yet
    page.mouse.up()
    # The server gives the same answer about the drawing, with reasons as for any picture.
    share = live.inner_text().removeprefix("3, ").removesuffix("%")
    heading = page.get_by_role("heading", name=re.compile(r"^3, "))
    heading.wait_for()
    first = heading.inner_text()
    assert abs(float(first.removeprefix("3, ").removesuffix("%")) - float(share)) <= 0.1
    page.get_by_alt_text("Your drawing as mnist-cnn sees it").wait_for()
    page.get_by_role("img", name="Grad-CAM for 3").wait_for()
    expect(page.get_by_text("Find the ink")).to_have_count(0)
    assert faults(page) == []
    # A thin second stroke makes another drawing; undo takes it back, clear removes everything, also on the server.
    answers = page.locator(".drawing")
    page.get_by_role("slider", name="Thickness").fill("10")
    press_and_move(page, [(0.2, 0.95), (0.8, 0.95)])
    page.mouse.up()
    answer = page.locator("h3").filter(has_text=re.compile(r"^\d, \d\d\.\d\d%$"))
    expect(answer).not_to_have_text(first)
    page.get_by_role("button", name="Undo").click()
    expect(live).to_have_text([f"3, {share}%"])
    expect(answer).to_have_text([first])
    page.get_by_role("button", name="Clear").click()
    expect(live).to_have_text([""])
    page.get_by_text("Draw in the field, and see").wait_for()
    assert int(answers.get_attribute("data-answers") or 0) > 3


def test_a_digit_is_drawn_by_touch_on_a_phone(visit: Visit) -> None:
    page = visit("predict?weights=digits-cnn&source=draw", width=390, height=800, ready=READY)
    places = positions(page, SEVEN)
    before = page.get_by_test_id("stMain").evaluate("main => main.scrollTop")
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: Place) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    send("touchStart", places[0])
    for start, end in pairwise(places):
        for share in (0.25, 0.5, 0.75, 1):
            send("touchMove", (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
    expect(page.locator(".drawing .headline")).to_have_text([re.compile(r"7[, ]")])
    check_against_server(page, "digits-cnn")
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") == before  # the page does not scroll
    send("touchEnd")
    touch.detach()
    page.get_by_role("heading", name=re.compile(r"^(Not sure: )?7")).wait_for()
    assert overhang(page) <= 0


def test_a_digit_is_drawn_by_keyboard_and_read_out(visit: Visit) -> None:
    page = visit("predict?weights=mnist-fc&source=draw", ready=READY)
    page.get_by_role("application", name="Field to draw into").focus()
    for key, count in (("ArrowUp", 11), ("Space", 1), ("ArrowDown", 22), ("Space", 1)):
        for _time in range(count):
            page.keyboard.press(key)
    expect(page.locator(".drawing [role=status]")).to_have_text([re.compile(r"^1, \d\d\.\d%$")])
    check_against_server(page, "mnist-fc")
    page.keyboard.press("Control+z")
    expect(page.locator(".drawing .headline")).to_have_text([""])


def test_the_live_camera(visit: Visit) -> None:
    page = visit("predict?source=camera", ready=READY)
    page.get_by_role("radio", name="Live", exact=True).click()
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_role("alert").filter(has_text="The browser did not allow the camera").wait_for()
    page.context.grant_permissions(["camera"])
    try:
        page.get_by_role("button", name="Start the camera").click()
        camera: Any = page.locator(".camera")
        expect(camera).to_have_attribute("data-answers", re.compile(r"^([3-9]|\d\d+)$"))
        expect(camera.locator(".rate")).to_have_text([re.compile(r"^\d+\.\d answers a second$")])
        expect(camera.get_by_role("listitem")).to_have_count(10)
        page.get_by_role("img", name="What the network sees").wait_for()
        page.get_by_text("Heat map", exact=True).click()
        # The first heat map imports a library, which takes long on a busy machine.
        page.get_by_role("img", name=re.compile("^Where it looked")).wait_for()
        assert faults(page) == []
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Start the camera").wait_for()
        assert camera.locator("video").evaluate("video => video.srcObject") is None
        # The camera ends as soon as the page shows something else, also if the click goes to the server with a frame:
        # the browser sends together what happens within no time, which is made long here.
        page.get_by_role("button", name="Start the camera").click()
        expect(camera).not_to_have_class(re.compile("off"))
        camera.locator("video").evaluate("video => { window.track = video.srcObject.getTracks()[0]; }")
        assert page.evaluate("window.track.readyState") == "live"
        page.evaluate(
            "() => { const later = window.setTimeout; window.setTimeout = (call, ms) => later(call, ms || 500); }"
        )
        answers = int(camera.get_attribute("data-answers") or 0)
        page.wait_for_function(f"camera => camera.dataset.answers > {answers + 1}", arg=camera.element_handle())
        page.get_by_role("radio", name="Gallery").click()
        page.wait_for_function("window.track.readyState === 'ended'")
    finally:
        page.context.clear_permissions()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
