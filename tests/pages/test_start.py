"""The Start page, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.analysis import analyse
from explorer.families import resolve
from explorer.formatting import short
from explorer.ui.glossary import entries

MAIN = Path(__file__).parents[2] / "explorer" / "main.py"


def open_page(**link: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def links(app: AppTest) -> dict[str, tuple[str, str]]:
    """Page and query of each link, by its label."""
    protos = [element.proto for element in app.get("page_link")]
    return {proto.label.replace("\\", ""): (proto.page, proto.query_string) for proto in protos}


def glossary(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if " · " in text.value]


def test_links_to_pages_and_well_known_networks() -> None:
    found = links(open_page())
    assert found.pop(":primary[**Edit a network**]") == ("architecture", "")
    assert found.pop(":primary[**See why 3×3**]") == ("kernels", "")
    assert found.pop(":primary[**Compare two networks**]") == ("compare", "")
    assert found["**VGG-16 (D)**"] == ("architecture", "net=vgg16")
    assert [query.removeprefix("net=") for _page, query in found.values()] == [
        "lenet5", "alexnet", "vgg16", "vgg19", "googlenet", "resnet18", "resnet50", "resnet152",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["lenet5", "resnet152"])
def test_numbers_of_well_known_networks(name: str) -> None:
    totals = analyse(resolve(name)).totals
    expected = f"{short(totals.params)} parameters, {short(totals.macs)} MACs"
    assert expected in [caption.value.replace("\u00a0", " ") for caption in open_page().caption]


def test_links_keep_the_language() -> None:
    assert {query for _page, query in links(open_page(lang="en")).values()} >= {"lang=en", "net=lenet5&lang=en"}


def test_an_old_link_redirects_to_the_architecture_page() -> None:
    app = open_page(net="resnet18", blocks="1.1.1.1", batch="64", lang="en")
    assert {metric.label: metric.value for metric in app.metric}["Parameters"] == "5.42 M"
    assert app.query_params == {"net": "resnet18", "blocks": "1.1.1.1", "batch": "64", "lang": "en"}


def test_an_invalid_old_link_shows_an_error_there() -> None:
    app = open_page(net="vgg16", image_size="abc")
    assert "image_size: 'abc'" in app.error[0].value.replace("\\", "")


def test_the_glossary_shows_every_term_and_can_be_searched() -> None:
    app = open_page()
    assert len(glossary(app)) == len(entries())
    app.text_input(key="glossary-search").set_value("srivastava").run()
    assert [text.split("**")[1] for text in glossary(app)] == ["Dropout"]
    app.text_input(key="glossary-search").set_value("no such [word]").run()
    assert glossary(app) == []
    assert "No term" in app.info[0].value
