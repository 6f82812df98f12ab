"""One journey in one browser: a network is edited and trained, and predicts and explains an image."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Visit = Callable[..., Page]


def test_from_an_edited_network_to_an_explained_image(visit: Visit) -> None:
    page = visit("architecture?net=digits-cnn")
    page.get_by_label("Layers (cfg)", exact=True).fill("24, M, 48")
    parameters = page.get_by_test_id("stMetricValue").first
    page.wait_for_url(re.compile(re.escape("cfg=24.M.48")))
    count = parameters.inner_text()
    page.locator(".st-key-toolbar").get_by_role("link", name="Train").click()

    page.locator(".samples").last.wait_for()
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("3")
    epochs.press("Enter")
    page.wait_for_url(re.compile(r"cfg=24\.M\.48.*epochs=3"))
    page.get_by_test_id("stMetricValue").filter(has_text="≈").wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("is finished")
    page.get_by_role("link", name="Watch it").click()
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    page.get_by_role("link", name="Predict with it").click()

    page.wait_for_url(re.compile(r"/predict\?.*weights=[a-z0-9]{14}"))
    page.get_by_text(re.compile(re.escape(f"{count} parameters"))).wait_for()
    # After three epochs the network may be sure or not.
    page.get_by_role("heading", name=re.compile(r"[0-9](, | \()[0-9.]+%")).wait_for()
    heat = page.get_by_role("img", name=re.compile("^Grad-CAM for [0-9], laid over the picture"))
    heat.wait_for()
    page.get_by_role("radio", name="Feature maps").click()
    page.get_by_role("radio", name="By number").click()  # which ones are the strongest depends on the training
    page.get_by_role("button", name="Channel 3, mean strength").locator("canvas").click()
    page.get_by_role("heading", name=re.compile("^Channel 3, row")).wait_for()
    page.get_by_text(re.compile(r"Its value is .*the rest is padding")).wait_for()
    page.get_by_role("link", name="Architecture").last.click()
    expect(parameters).to_have_text([count])
