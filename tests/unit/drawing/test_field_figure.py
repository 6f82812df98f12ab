"""The figure of a receptive field is to scale, inside and outside the image."""

import xml.etree.ElementTree as ET

import pytest

from explorer.analysis import analyse
from explorer.drawing import field_figure
from explorer.families import resolve


def drawn(network: str, layer: str) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Returns the rectangles of the image and of the field, and the lines of text."""
    analysis = analyse(resolve(network))
    field = next(one for one in analysis.layers if one.name == layer).field
    assert field
    root = ET.fromstring(field_figure.draw(analysis, field, dark=False))
    boxes = [element.attrib for element in root.iter() if element.tag.endswith("rect")]
    (dashed,) = [box for box in boxes if "stroke-dasharray" in box]
    return boxes[0], dashed, field_figure.lines(analysis, field)


@pytest.mark.parametrize(
    ("network", "layer", "size", "beyond"),
    [
        ("vgg16", "features.2", 5, 0),
        ("vgg16", "features.28", 196, 0),
        ("resnet50", "layer4.2.conv2", 427, 117),
        ("resnet50", "layer4.2.add", 427, 117),
    ],
)
def test_to_scale(network: str, layer: str, size: int, beyond: int) -> None:
    image, dashed, lines = drawn(network, layer)
    assert float(dashed["width"]) / float(image["width"]) == pytest.approx(size / 224, rel=5e-3)
    assert float(dashed["height"]) / float(image["height"]) == pytest.approx(size / 224, rel=5e-3)
    assert lines[-1] == f"field {size}×{size}" + (f": it reaches {beyond} px beyond the image" if beyond else "")


def test_a_cut_field_has_a_note() -> None:
    image, dashed, lines = drawn("resnet110", "layer3.17.add")
    assert float(dashed["width"]) / float(image["width"]) == pytest.approx(1 + 2 * field_figure.MAX_MARGIN, rel=5e-3)
    assert ", cut here: it reaches " in lines[-1]
