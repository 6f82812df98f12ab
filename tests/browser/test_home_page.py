"""The page of a trained network, opened as a file: it answers as the server does and sends no request."""

import io
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, expect

from explorer.families.building import build
from explorer.prediction.home_page import home_page
from explorer.weights.files import Card, load, save
from tests.browser.conftest import PATIENCE
from tests.browser.page_checks import faults
from tests.helpers.classify import classify
from tests.helpers.pixels import noise
from tests.helpers.toys import GOOGLENET, RESNET, toy_spec
from tests.helpers.weights import random_weights


@pytest.mark.parametrize(
    ("family", "channels", "image_size"), [(GOOGLENET, 3, None), (RESNET, 1, None), (RESNET, 1, [24, 40])]
)
def test_a_picture_is_answered_offline(
    family: dict[str, object], channels: int, image_size: list[int] | None, browser: Browser, tmp_path: Path
) -> None:
    options: dict[str, object] = {"shortcut": "A"} if family is RESNET else {"aux_after": [], "activation": "gelu"}
    if image_size:
        options["image_size"] = image_size
    spec = toy_spec(family, in_channels=channels, **options)
    network = build(spec)
    network.load_state_dict(random_weights(network))
    classes = tuple(f"<b>{index}</b>" for index in range(spec.num_classes))
    preprocessing = {"size": spec.image_size, "mean": [0.4] * channels, "std": [0.3] * channels}
    card = Card(name="A <net>", spec=spec.to_dict(), classes=classes, preprocessing=preprocessing)
    save(tmp_path / "net.safetensors", network.state_dict(), card)
    path = tmp_path / "net.html"
    path.write_text(home_page(tmp_path / "net.safetensors"), encoding="utf-8")
    levels = noise(1, channels, *spec.sides)  # at the network's size, so that nothing is resized
    ours = classify(*load(tmp_path / "net.safetensors"), [levels[0]])[0]
    picture = io.BytesIO()
    Image.fromarray(levels[0].permute(1, 2, 0).squeeze(-1).byte().numpy()).save(picture, "PNG")
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()})
        expect(page.locator("#seen")).to_have_attribute("data-answers", "1")
        theirs = page.locator("#bars li").evaluate_all("rows => rows.map((row) => Number(row.dataset.probability))")
        shown = ours if len(classes) <= 10 else ours.sort(descending=True).values[:10]
        torch.testing.assert_close(torch.tensor(theirs), shown.float(), rtol=1e-3, atol=1e-4)
        expect(page.locator("h1")).to_have_text(["A <net>"])
        expect(page.locator("#draw")).to_be_visible(visible=channels == 1 and not image_size)
        assert faults(page) == []
        assert errors == []
        assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []
