"""The README's pictures, and what the app shows at their links: navigation and headings.

``python -m tests.browser.screenshots`` takes all pictures, and writes into each what the app showed. A test compares
this with today's app, so it fails when the pictures are of an older one.
"""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qsl

import streamlit as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "images"
MAIN = ROOT / "explorer" / "main.py"
KEY = "shows"  # of the text in the PNG file
SWEEP = "lr=0.003,0.0003"  # of the two runs on the pictures, which train digits-cnn on the bundled digits

Contents = dict[str, list[str]]


class Shot(NamedTuple):
    """A picture of a page.

    Attributes:
        link: Link of the page. ``{jobs}`` stands for the ids of the runs.
        width: Width of the window in pixels.
        height: Height of the window in pixels.
        scheme: Theme of the page.
    """

    link: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"


SHOTS = {
    "start-light": Shot("", 1280, 1000),
    "architecture-light": Shot("architecture?net=resnet50&layer=layer2.0.conv2", 1280, 900),
    "architecture-dark": Shot("architecture?net=googlenet&colour=macs&folded=inception3a", 1280, 900, "dark"),
    "kernels-light": Shot("kernels", 1280, 800),
    "compare-light": Shot("compare?a=vgg16&b=googlenet", 1280, 800),
    "train-light": Shot("train?net=digits-cnn&recipe=quick", 1280, 1100),
    "runs-light": Shot("runs?job={jobs}&show=curves", 1280, 1100),
    "predict-light": Shot("predict", 1280, 1320),
    "predict-dark": Shot("predict?why=maps&layer=layer1.0.conv1&unit=3.8.8", 1280, 1760, "dark"),
}


def contents(link: str) -> Contents:
    """Return the titles of the navigation and the headings that the app shows at a link, without a browser."""
    page, _mark, query = link.partition("?")
    titles: list[str] = []
    navigation = st.navigation

    def record(pages: Sequence[Any], **options: Any) -> Any:
        titles[:] = [one.title for one in pages]
        return navigation(pages, **options)

    with patch.object(st, "navigation", record):
        app = AppTest.from_file(str(MAIN), default_timeout=120)
        if page:
            app.switch_page(f"../pages/{page}.py")
        for key, value in parse_qsl(query):
            app.query_params[key] = value
        app.run()
    assert not app.exception
    assert not app.error, f"the link {link} has a problem: {app.error[0].value}"
    headings = [heading.value for kind in (app.title, app.header, app.subheader) for heading in kind]
    return {"navigation": titles, "headings": headings}


def write(name: str, screenshot: bytes, shown: Contents, folder: Path = FOLDER) -> None:
    """Write a picture, with what the app showed when it was taken."""
    text = PngInfo()
    text.add_itxt(KEY, json.dumps(shown, ensure_ascii=False))
    Image.open(BytesIO(screenshot)).save(folder / f"{name}.png", pnginfo=text, optimize=True)


def read(name: str, folder: Path = FOLDER) -> Contents | None:
    """Return what the app showed when a picture was taken. None if the picture does not say it."""
    with Image.open(folder / f"{name}.png") as picture:
        text = picture.info.get(KEY)
    return None if text is None else json.loads(str(text))
