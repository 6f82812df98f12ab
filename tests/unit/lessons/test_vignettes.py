"""The pictures on the cards of lessons."""

import re
from xml.etree import ElementTree

import pytest

from explorer.analysis import analyse
from explorer.families import PRESETS
from explorer.lessons import lessons

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", lessons())
def test_a_card_has_a_picture_of_its_own_without_words(name: str) -> None:
    light, dark = (lessons()[name].vignette(dark=dark) for dark in (False, True))
    root = ElementTree.fromstring(light)
    assert not list(root.iter(f"{SVG}text"))
    assert len(list(root)) > 3
    assert "nan" not in light
    assert len(light) < 40_000
    others = [lesson.vignette(dark=False) for lesson in lessons().values() if lesson.name != name]
    assert light not in others
    assert re.sub("#[0-9a-fA-F]{6}", "", light) == re.sub("#[0-9a-fA-F]{6}", "", dark), "only colours differ"


def test_the_card_of_vgg_has_a_bar_for_each_layer_with_parameters() -> None:
    bars = ElementTree.fromstring(lessons()["vgg"].vignette(dark=False)).findall(f"{SVG}rect")
    heights = [float(bar.get("height", 0)) for bar in bars]
    params = [layer.params for layer in analyse(PRESETS["vgg16"].spec).layers if layer.params]
    assert len(heights) == len(params) == 16
    assert heights.index(max(heights)) == params.index(max(params))
