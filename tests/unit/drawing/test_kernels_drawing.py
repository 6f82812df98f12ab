"""Figures of the Kernels page in every state: well-formed, inside their frame, readable, with a text alternative."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.analysis.blocks import basic, bottleneck, inception_modules
from explorer.analysis.kernels import MAX_KERNEL, Replacement, replacement, single
from explorer.analysis.layer_list import parse_layers
from explorer.analysis.windows import Windows
from explorer.drawing import curves, kernels_blocks, kernels_pyramid, kernels_stack, windows, windows_grid
from explorer.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 0.55  # of the font's size: the average letter of Source Sans is narrower


def parsed(svg: str) -> ElementTree.Element:
    """Parses a figure and checks the rules for all figures."""
    root = ElementTree.fromstring(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert root.attrib["aria-label"] == root.findtext(f"{SVG}title") != ""
    size = re.search(r"font-size:(\d+)px", root.findtext(f"{SVG}style") or "")
    assert size
    assert int(size[1]) >= 12
    for words in root.iter(f"{SVG}text"):
        own = float(words.attrib.get("font-size", size[1]))
        assert own >= 12
        x, length = float(words.attrib["x"]), LETTER * own * len(words.text or "")
        anchor = words.attrib.get("text-anchor", "start")
        left = x - {"start": 0, "middle": length / 2, "end": length}[anchor]
        assert left >= -8, words.text
        assert left + length <= width + 8, words.text
        assert 0 <= float(words.attrib["y"]) <= height
    for box in root.iter(f"{SVG}rect"):
        if "x" in box.attrib:
            assert float(box.attrib["x"]) >= 0
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
            assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height
    return root


def picks(root: ElementTree.Element) -> list[str]:
    return [part.attrib["data-pick"] for part in root.iter() if "data-pick" in part.attrib]


@pytest.mark.parametrize("kind", Replacement)
@pytest.mark.parametrize("side", range(2, MAX_KERNEL + 1))
def test_stacks(side: int, kind: Replacement) -> None:
    try:
        stacks = single(side), replacement(side, kind)
    except InputError:
        return
    scale = kernels_stack.scale(*stacks)
    for stack in stacks:
        root = parsed(kernels_stack.draw(stack, scale, chosen=(0, 2), dark=side % 2 == 0))
        assert picks(root) == [f"{row}.{column}" for row in range(3) for column in range(3)]
        pressed = [part.attrib["data-pick"] for part in root.iter() if part.attrib.get("aria-pressed") == "true"]
        assert pressed == ["0.2"]
        for field in stack.fields[:-1]:
            assert str(field) in root.attrib["aria-label"]
    assert sum(map(scale.width, stacks)) <= kernels_stack.WIDTH + 1


@given(
    st.builds(
        Windows, st.integers(1, 300), st.integers(1, 40), st.integers(1, 40), st.integers(0, 20), st.integers(1, 4)
    )
)
def test_rows_of_windows(row: Windows) -> None:
    if row.count < 1:
        return
    root = parsed(windows.draw(row))
    words = "window" if row.count == 1 else "windows"
    assert f"{row.count:,} {words} over {row.size:,} pixels" in root.attrib["aria-label"]
    if windows_grid.fits(row):
        grid = parsed(windows_grid.draw(row, (0, row.count - 1), dark=True))
        assert len(picks(grid)) == row.count**2


def test_dropped_columns_are_marked() -> None:
    root = parsed(windows.draw(Windows(8, 3, 2)))
    lost = [
        box for box in root.iter(f"{SVG}rect") if box.attrib.get("fill-opacity") == "0.55" and "stroke" in box.attrib
    ]
    assert len(lost) == 2  # column 7, and the legend
    assert "in none, such as pixel 7: 1" in root.attrib["aria-label"]


def test_padding_is_hatched() -> None:
    root = parsed(windows.draw(Windows(5, 3, 1, 1)))
    hatched = [box for box in root.iter(f"{SVG}rect") if box.attrib.get("fill") == "url(#hatch)"]
    assert len(hatched) == 2 + 2 + 1  # cells at both ends, a tap of the first and last window, the legend


@pytest.mark.parametrize(
    "text", ["1", "3, 3, 3", "3/2, pool 2", "3d2, 3d4", "7/2," * 8 + "3", "255/60, 255", "3," * 63 + "3"]
)
def test_pyramids(text: str) -> None:
    layers = parse_layers(text)
    root = parsed(kernels_pyramid.draw(layers, dark=True))
    assert "One unit of the last map sees" in root.attrib["aria-label"]


@pytest.mark.parametrize(("width", "side"), [(1, 1), (64, 56), (4096, 4096)])
def test_residual_blocks(width: int, side: int) -> None:
    blocks = basic(width), bottleneck(width)
    most = max(conv.macs(side) for block in blocks for conv in block)
    for block in blocks:
        root = parsed(kernels_blocks.residual(block, side, max_macs=most))
        assert f"{width:,}×{side:,}×{side:,}" in "".join(root.itertext())


@pytest.mark.parametrize("name", inception_modules())
def test_inception_modules(name: str) -> None:
    module = inception_modules()[name]
    most = max(conv.macs(module.side) for branch in module.naive() for conv in branch)
    for branches in (module.naive(), module.reduced()):
        root = parsed(kernels_blocks.inception(module, branches, max_macs=most))
        assert f"{sum(module.outputs(branches)):,}×{module.side}×{module.side}" in "".join(root.itertext())


def test_figures_that_are_compared_have_one_height() -> None:
    small, large = basic(64), bottleneck(64)
    heights = {
        ElementTree.fromstring(kernels_blocks.residual(block, 56, max_macs=10**9, rows=len(large))).attrib["height"]
        for block in (small, large)
    }
    assert len(heights) == 1


def test_a_phone_shows_a_whole_module_with_readable_text() -> None:
    module = inception_modules()["3a"]
    figure = parsed(kernels_blocks.inception(module, module.reduced(), max_macs=10**9))
    least = 12 / kernels_blocks.TEXT  # of the figure's size, below which its text is too small
    assert float(figure.attrib["viewBox"].split()[2]) * least <= 358  # pixels between the margins of a phone


def test_two_equal_curves_are_both_seen() -> None:
    points = [(1.0, 0.2), (2.0, 0.6)]
    lines = [curves.Curve("one", points, 0), curves.Curve("same", points, 1), curves.Curve("other", points[:1], 2)]
    drawn = parsed(curves.draw(lines, label="Accuracy", styles=("", "")))
    dashes = [path.attrib.get("stroke-dasharray") for path in drawn.iter() if path.attrib.get("stroke-linejoin")]
    assert dashes == [None, "14 14", None]
