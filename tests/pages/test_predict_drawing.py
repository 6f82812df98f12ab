"""Drawings and the live camera on the Predict page. The browser's part is replaced by what it would send."""

import base64
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.errors import InputError
from explorer.prediction import browser_images
from explorer.prediction.networks import Network
from explorer.ui.predict import live_camera
from explorer.ui.shared import drawing_field
from tests.pages.predict_page import html, open_page, words


def drawn() -> bytes:
    """A drawing of a 1."""
    pixels = np.zeros((280, 280), np.uint8)
    pixels[40:240, 130:155] = 255
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the field received, and what it sends: ``url``, or nothing."""
    sent: dict[str, Any] = {"url": None}

    def render(network: Network, *, key: str, on_drawing: Callable[[bytes | None], None], side: int = 0) -> None:
        sent["network"] = network.name
        if sent["url"] is not None:
            on_drawing(browser_images.decode(sent["url"]) if sent["url"] else None)

    monkeypatch.setattr(drawing_field, "render", render)
    return sent


def test_a_drawing_is_a_picture_with_an_answer_and_reasons(field: dict[str, Any]) -> None:
    field["url"] = browser_images.PNG + base64.b64encode(drawn()).decode()
    app = open_page(weights="mnist-cnn", source="draw")
    assert field["network"] == "mnist-cnn"
    text = words(app)
    assert "### **1**, " in text
    assert "Cropped to the strokes, 25 × 200 of 280 × 280 pixels" in text
    assert "28 × 28 pixels, cropped and centred" in html(app)
    assert "Where it looked" in [option for one in app.button_group for option in one.options]
    assert not [one for one in app.toggle if one.label in ("Find the ink", "Invert light and dark")]
    field["url"] = ""  # cleared
    app.run()
    app.run()
    assert "Draw in the field" in words(app)
    assert app.query_params == {"weights": "mnist-cnn", "source": "draw"}


@pytest.mark.parametrize("url", ["hello", browser_images.PNG + "AAAA", "data:image/svg+xml,<svg/>"])
def test_a_drawing_that_is_no_image_is_refused_in_words(field: dict[str, Any], url: str) -> None:
    field["url"] = url
    app = open_page(weights="digits-cnn", source="draw")
    assert not app.exception
    assert "Your drawing" in "".join(error.value for error in app.error)


def test_drawing_is_offered_for_networks_that_read_strokes(field: dict[str, Any]) -> None:
    app = open_page(weights="resnet20-cifar10", source="draw")
    assert "network" not in field
    offered = next(group for group in app.button_group if "Gallery" in group.options)
    assert "Draw" not in offered.options
    assert "**cat**" in words(app)  # the default of this network, and the link stays


def test_a_frame_of_the_live_camera_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    frame: list[live_camera._Frame | None] = [None]
    monkeypatch.setattr(live_camera, "_mount", lambda *, data, **_others: sent.append(data))
    monkeypatch.setattr(live_camera, "_sent_frame", lambda: frame[0])
    app = open_page(weights="mnist-cnn", source="camera")
    next(group for group in app.button_group if "Live" in group.options).set_value([True]).run()
    assert not app.exception
    assert sent.pop()["answer"] is None
    file = BytesIO()
    Image.open(BytesIO(drawn())).save(file, "JPEG")
    frame[0] = live_camera._Frame(7, browser_images.JPEG + base64.b64encode(file.getvalue()).decode())
    app.run()
    answer: Any = sent[-1]["answer"]
    assert (answer["number"], answer["heat"], answer["ink"]) == (7, None, True)
    assert max(range(10), key=answer["probabilities"].__getitem__) == 1
    next(one for one in app.toggle if one.label == "Heat map").set_value(True).run()
    assert sent[-1]["answer"]["heat"].startswith("data:image/")
    # A frame that can't be read gives a message, and the browser may send the next one.
    frame[0] = live_camera._Frame(8, "data:image/jpeg;base64,!")
    app.run()
    assert not app.exception
    assert sent[-1]["answer"] == {"number": 8}
    assert "no frame that can be read" in " ".join(error.value for error in app.error)


@pytest.mark.parametrize("name", ["nothing", "resnet20-cifar10"])
def test_a_field_needs_weights_that_were_trained_with_strokes(name: str) -> None:
    with pytest.raises(InputError, match=name):
        drawing_field.show(name, key="field")


@pytest.mark.parametrize(("name", "preparation"), [("mnist-cnn", "centred by mass"), ("digits-cnn", "set upright")])
def test_a_field_of_a_shipped_network_needs_no_server(
    name: str, preparation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(drawing_field, "_mount", lambda *, data, **_others: sent.append(data))
    drawing_field.show(name, key="field")
    (data,) = sent
    assert data["network"]["steps"][-1]["name"] == "linear"
    assert (data["classes"], data["reports"]) == (list("0123456789"), False)
    assert preparation in data["words"]["preparation"]
