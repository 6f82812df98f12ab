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
    return boxes[0], dashed, [element.text or "" for element in root.iter() if element.tag.endswith("text")]


@pytest.mark.parametrize(
    ("network", "layer", "size"),
    [
        ("vgg16", "features.2", 5),
        ("vgg16", "features.28", 196),
        ("resnet50", "layer4.2.conv2", 427),
        ("resnet50", "layer4.2.add", 427),
    ],
)
def test_to_scale(network: str, layer: str, size: int) -> None:
    image, dashed, lines = drawn(network, layer)
    assert float(dashed["width"]) / float(image["width"]) == pytest.approx(size / 224, rel=5e-3)
    assert float(dashed["height"]) / float(image["height"]) == pytest.approx(size / 224, rel=5e-3)
    assert lines[-1] == f"field {size}×{size}"


def test_a_cut_field_has_a_note() -> None:
    image, dashed, lines = drawn("resnet110", "layer3.17.add")
    assert float(dashed["width"]) / float(image["width"]) == pytest.approx(1 + 2 * field_figure.MAX_MARGIN, rel=5e-3)
    assert lines[-1].endswith(", cut here")
