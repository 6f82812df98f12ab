"""The page of a trained network, opened as a file: it answers as the server does and sends no request."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from torch import Tensor

from explorer.errors import InputError
from explorer.families.building import build
from explorer.prediction import onnxruntime_web
from explorer.prediction.home_page import BUILT_IN, ONNXRUNTIME, home_page
from explorer.settings import settings
from explorer.weights.files import Card, load, save
from explorer.workers.progress import silent
from tests.browser.conftest import PATIENCE
from tests.browser.page_checks import faults
from tests.helpers.classify import classify
from tests.helpers.pixels import noise
from tests.helpers.toys import GOOGLENET, RESNET, VGG, toy_spec
from tests.helpers.weights import random_weights

Family = dict[str, object]
DENSENET: Family = {
    "family": "densenet", "blocks": [1, 2], "growth_rate": 2, "stem": "cifar", "stem_width": 4, "dropout": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The data folder of this process is a new one, in which onnxruntime's web build is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        settings.cache_clear()
        yield
    settings.cache_clear()


def skip_without_package() -> None:
    """Skips a test if onnxruntime's web build is neither kept nor can be downloaded."""
    try:
        onnxruntime_web.engine(silent)
    except InputError as error:
        if "the download failed" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize(
    ("engine", "family", "channels", "image_size"),
    [
        (BUILT_IN, GOOGLENET, 3, None), (BUILT_IN, RESNET, 1, None), (BUILT_IN, RESNET, 1, [24, 40]),
        (ONNXRUNTIME, GOOGLENET, 3, None), (ONNXRUNTIME, RESNET, 1, [24, 40]), (ONNXRUNTIME, VGG, 1, None),
        (ONNXRUNTIME, DENSENET, 3, None),
    ],
)  # fmt: skip
def test_a_picture_is_answered_offline(
    engine: str, family: Family, channels: int, image_size: list[int] | None, browser: Browser, tmp_path: Path
) -> None:
    if engine == ONNXRUNTIME:
        skip_without_package()
    options: dict[str, object] = {"shortcut": "A"} if family is RESNET else {"activation": "gelu"}
    if family is GOOGLENET:
        options["aux_after"] = []
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
    path.write_text(home_page(tmp_path / "net.safetensors", engine), encoding="utf-8")
    levels = noise(1, channels, *spec.sides)  # at the network's size, so that nothing is resized
    ours = classify(*load(tmp_path / "net.safetensors"), [levels[0]])[0]
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        give(page, levels[0])
        expect(page.locator("#seen")).to_have_attribute("data-answers", "1")
        theirs = page.locator("#bars li").evaluate_all("rows => rows.map((row) => Number(row.dataset.probability))")
        shown = ours if len(classes) <= 10 else ours.sort(descending=True).values[:10]
        torch.testing.assert_close(torch.tensor(theirs), shown.float(), rtol=1e-3, atol=1e-4)
        expect(page.locator("h1")).to_have_text(["A <net>"])
        draws = channels == 1 and not image_size
        expect(page.locator("#draw")).to_be_visible(visible=draws)
        if draws:
            draw_a_line(page)
        assert faults(page) == []
        assert errors == []
        assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def give(page: Page, levels: Tensor) -> None:
    """Chooses a picture with these levels, channels first."""
    page.locator("#pictures").wait_for()
    picture = io.BytesIO()
    Image.fromarray(levels.permute(1, 2, 0).squeeze(-1).byte().numpy()).save(picture, "PNG")
    page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()})


def draw_a_line(page: Page) -> None:
    """Draws a line, and waits for an answer to it."""
    box = page.locator(".paper").bounding_box()
    assert box
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 200, steps=8)
    page.mouse.up()
    expect(page.locator(".drawing .bars li")).not_to_have_count(0)
    expect(page.locator(".drawing .spoken")).to_contain_text("%")  # after the pen has rested


@pytest.mark.usefixtures("data_dir")
def test_a_browser_that_cannot_run_the_network_says_so(browser: Browser, tmp_path: Path) -> None:
    """Here it can't unpack the engine, as browsers before 2023."""
    skip_without_package()
    path = tmp_path / "net.html"
    path.write_text(home_page(Path("pretrained/mnist-fc.safetensors"), ONNXRUNTIME), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script("delete globalThis.DecompressionStream")
        page.goto(path.as_uri())
        expect(page.locator("#loading")).to_contain_text("This browser can't run the network")
        expect(page.locator("#pictures")).to_be_hidden()
