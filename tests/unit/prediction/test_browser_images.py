"""Drawings that a browser sends."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explorer.data.framing import Framing
from explorer.errors import InputError
from explorer.prediction import browser_images, ink, networks
from explorer.prediction.answers import ask
from explorer.prediction.confidence import confidence_warnings
from explorer.prediction.stroke_framing import frame_strokes
from explorer.prediction.strokes import Strokes
from tests.helpers.toys import registry_entry


def url(pixels: np.ndarray) -> str:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return browser_images.PNG + base64.b64encode(file.getvalue()).decode()


def seven() -> np.ndarray:
    pixels = np.zeros((280, 280), np.uint8)
    pixels[40:64, 80:200] = 255
    for row in range(64, 240):
        pixels[row, 188 - row // 3 : 212 - row // 3] = 255
    return pixels


def test_a_drawing_is_the_strokes_themselves_framed_for_the_network() -> None:
    network = networks.network(registry_entry("mnist-cnn"))
    picture = browser_images.drawing("drawing", "seven", browser_images.decode(url(seven())))
    strokes = ink.find_strokes(picture)
    assert strokes is not None
    assert strokes.box == (40, 80, 200, 120)
    prepared = ink.strokes_only(picture, network.card)
    expected = frame_strokes(Strokes(seven()[40:240, 80:200] / 255.0, (40, 80, 200, 120), dark=False), Framing.MASS, 28)
    assert (prepared.network_input(network.card) == expected).all()
    (answer,) = ask(network, [prepared], lambda _ahead: None)
    assert answer.top(1)[0].name == "7"
    assert not confidence_warnings(prepared, network.card)


def test_an_empty_drawing_has_no_strokes() -> None:
    picture = browser_images.drawing("drawing", "empty", browser_images.decode(url(np.zeros((280, 280), np.uint8))))
    assert ink.find_strokes(picture) is None


@pytest.mark.parametrize(
    "text",
    ["", "hello", "data:image/png;base64,!!!", "data:text/html;base64,aGVsbG8=", browser_images.PNG + "A" * 500_000],
    ids=["empty", "text", "no base64", "another type", "too long"],
)
def test_other_text_is_no_picture(text: str) -> None:
    data = browser_images.decode(text)
    assert data == b""
    with pytest.raises(InputError):
        _ = browser_images.drawing("drawing", f"not one {text[:30]}", data).pixels
