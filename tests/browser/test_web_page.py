"""The exported web page, opened as a file."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from explorer.analysis import analyse
from explorer.exports import FORMATS
from explorer.exports.web_page import MAX_BYTES
from explorer.families import resolve
from tests.browser.conftest import PATIENCE
from tests.browser.page_checks import faults


def test_a_layer_is_chosen_offline(browser: Browser, tmp_path: Path) -> None:
    content = FORMATS["html"].make(resolve("resnet18"))
    assert len(content) <= MAX_BYTES
    path = tmp_path / "net.html"
    path.write_bytes(content)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        page.locator('[data-pick="layer:conv1"]').click(position={"x": 3, "y": 40})  # the next layers cover its middle
        conv1 = analyse(resolve("resnet18")).layers[0]
        expect(page.locator("#name")).to_have_text(["conv1"])
        expect(page.locator("#lines")).to_contain_text(conv1.formulas["params"])
        chosen = page.locator('tbody tr[aria-selected="true"]')
        expect(chosen).to_contain_text("9,408")
        expect(page.locator("rect.chosen-box")).to_have_count(1)
        chosen.focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator("#name")).to_have_text(["bn1"])
        expect(page.locator('[data-pick="layer:bn1"]')).to_have_attribute("aria-pressed", "true")
        page.locator('[data-pick="layer:fc"]').focus()
        page.keyboard.press("Enter")
        expect(chosen).to_contain_text("513,000")
        assert faults(page) == []
        assert (requests, errors) == ([path.as_uri()], [])
