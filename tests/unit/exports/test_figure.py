"""The diagram as SVG, PDF, PNG and TikZ, read by the programs that they are for."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from explorer.drawing.appearance import Appearance
from explorer.drawing.kinds import LIGHT
from explorer.errors import InputError
from explorer.exports.figure import FigureOptions, Label, parse_labels, pdf_figure, png_figure, svg_figure
from explorer.exports.svg_path import cubic_path
from explorer.exports.tikz import tikz
from explorer.families import resolve
from tests.helpers.command import run
from tests.helpers.latex import compiled, needs_latex


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@needs_latex
@pytest.mark.process
@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("resnet18", FigureOptions()),
        ("googlenet", FigureOptions(is_grey=True, labels=frozenset([Label.SHAPES]))),
        ("lenet5", FigureOptions(Appearance(colour="macs", detail="all"))),
    ],
)
def test_tikz_compiles_unedited(network: str, options: FigureOptions, tmp_path: Path) -> None:
    source = tikz(resolve(network), options)
    pdf = compiled(source, tmp_path)
    assert pdf.startswith(b"%PDF-")
    assert "Overfull" not in (log := (tmp_path / "document.log").read_text(errors="replace"))
    assert "(1 page," in log
    assert ("0072B2" in source) == (network == "resnet18")


def test_chosen_labels_alone_are_drawn() -> None:
    everything = words(svg_figure(resolve("vgg16")))
    assert {"64", "224×224", "image", "Convolution", "head", "1,000"} <= set(everything)
    assert not any("▾" in word for word in everything)
    shapes = words(svg_figure(resolve("vgg16"), FigureOptions(labels=frozenset([Label.SHAPES]))))
    assert {"64", "224×224", "1,000"} <= set(shapes) < set(everything)
    assert not {"image", "Convolution", "head"} & set(shapes)
    assert words(svg_figure(resolve("vgg16"), FigureOptions(labels=frozenset()))) == []


def test_a_grey_figure_has_only_greys_and_tells_the_kinds_apart() -> None:
    grey = svg_figure(resolve("resnet18"), FigureOptions(is_grey=True))
    found = set(re.findall(r"#[0-9A-Fa-f]{6}", grey))
    assert all(colour[1:3] == colour[3:5] == colour[5:] for colour in found)
    legend = svg_figure(resolve("resnet18")).partition('class="legend"')[2]
    kinds = [colour for colour in LIGHT.values() if colour in legend]
    samples = re.findall(r'<rect[^>]* fill="(#\w+)"', grey.partition('class="legend"')[2])
    assert len(set(samples)) == len(samples) == len(kinds)


def test_png_has_the_chosen_resolution_and_the_colours_of_the_page() -> None:
    width, height = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg_figure(resolve("lenet5")))[0])
    for resolution in (96, 192):
        picture = Image.open(io.BytesIO(png_figure(resolve("lenet5"), FigureOptions(resolution=resolution))))
        assert picture.size == pytest.approx((width * resolution / 96, height * resolution / 96), abs=1)
    colours = {colour for _count, colour in picture.convert("RGB").getcolors(1 << 20) or []}
    assert (0x00, 0x72, 0xB2) in colours
    with pytest.raises(InputError, match="resolution: 5 is not from 36 to 2,400"):
        png_figure(resolve("lenet5"), FigureOptions(resolution=5))
    huge = FigureOptions(Appearance(detail="all"), resolution=2400)
    with pytest.raises(InputError, match="more than 100,000,000 in all"):
        png_figure(resolve("resnet50"), huge)


def test_pdf_has_its_fonts() -> None:
    pdf = pdf_figure(resolve("lenet5"))
    assert pdf.startswith(b"%PDF-")
    assert b"SourceSansPro" in pdf
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_paths_become_cubic_curves() -> None:
    steps = list(cubic_path("M1 2h3V5q3 0 3 3l1,-1Z"))
    assert steps == [
        (True, ((1.0, 2.0),)),
        (False, ((4.0, 2.0),)),
        (False, ((4.0, 5.0),)),
        (False, ((6.0, 5.0), (7.0, 6.0), (7.0, 8.0))),
        (False, ((8.0, 7.0),)),
        (False, ((1.0, 2.0),)),
    ]


def test_the_command_draws_with_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert parse_labels("none") == frozenset()
    arguments = ("export", "lenet5", "--format", "svg", "--labels", "shapes,legend", "--grey")
    _status, out, _err = run(capsys, monkeypatch, *arguments)
    assert {"Convolution", "6"} <= set(words(out))
    assert "image" not in words(out)
    path = tmp_path / "net.png"
    run(capsys, monkeypatch, "export", "lenet5", "--format", "png", "--resolution", "48", "-o", str(path))
    assert path.read_bytes().startswith(b"\x89PNG")
    for wrong in (["svg", "--labels", "all"], ["csv", "--grey"], ["pdf", "--resolution", "300"], ["png"]):
        assert run(capsys, monkeypatch, "export", "lenet5", "--format", *wrong)[0] == 2
