"""The diagram as a figure for papers and slides: SVG, PDF and PNG, in colour or in grey, with chosen labels."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import as_file, files
from typing import Literal

from explorer.analysis import Analysis, SpecAnalysis, analyse
from explorer.drawing.appearance import Appearance
from explorer.drawing.diagram import draw
from explorer.drawing.kinds import LIGHT, Group
from explorer.drawing.legend import TOP
from explorer.errors import InputError, shown
from explorer.families import PRESETS, Spec, nearest, resolve
from explorer.families.naming import title
from explorer.i18n import _

SVG = "http://www.w3.org/2000/svg"
RESOLUTION = 300  # pixels per inch
MIN_RESOLUTION, MAX_RESOLUTION = 36, 2400
MAX_PIXELS = 100_000_000
PIXELS_PER_INCH = 96  # of SVG and CSS
# Greys of the kinds of layers, lighter or darker than those of the kinds that are often next to them.
GREYS = dict(
    zip(Group, ("#8C8C8C", "#E2E2E2", "#C4C4C4", "#2E2E2E", "#6E6E6E", "#404040", "#AAAAAA", "#575757"), strict=True)
)
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}|#[0-9A-Fa-f]{3}\b|rgb\((\d+), ?(\d+), ?(\d+)\)")
ET.register_namespace("", SVG)  # otherwise each element would be written with a prefix
FOLD_SIGN = "▾ "  # says on a page that a click closes the part


class Label(StrEnum):
    """A kind of labels of the diagram."""

    NAMES = "names"
    SHAPES = "shapes"
    STAGES = "stages"
    LEGEND = "legend"

    @property
    def heading(self) -> str:
        """The name of the labels on pages."""
        return {
            Label.NAMES: _("Names of layers"),
            Label.SHAPES: _("Shapes"),
            Label.STAGES: _("Stages"),
            Label.LEGEND: _("Legend"),
        }[self]


def parse_labels(text: str) -> frozenset[Label]:
    """Returns the labels that a text lists, separated by commas; ``none`` or an empty text means none.

    Raises:
        InputError: If one is unknown.
    """
    words = [word for part in text.split(",") if (word := part.strip()) and word != "none"]
    if unknown := [word for word in words if word not in set(Label)]:
        raise InputError(
            _("labels: {value} is not one of {known}").format(value=shown(unknown[0]), known=", ".join(Label))
        )
    return frozenset(map(Label, words))


@dataclass(frozen=True, slots=True)
class FigureOptions:
    """The options of a figure.

    Attributes:
        appearance: Colours and open parts of the diagram.
        labels: Labels that are drawn.
        is_grey: Whether the figure is in black, white and grey.
        resolution: Pixels per inch, for PNG.
    """

    appearance: Appearance = field(default_factory=Appearance)
    labels: frozenset[Label] = frozenset(Label)
    is_grey: bool = False
    resolution: int = RESOLUTION


def name(spec: Spec, base: str) -> str:
    """Returns the name of a network that was made from the preset or own name ``base``."""
    return title(spec, base) if base in PRESETS or resolve(base) != spec else base


Network = Spec | Analysis  # an analysis also of a network without a spec


def analysed(network: Network) -> Analysis:
    """Returns the analysis of a network.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    return network if isinstance(network, Analysis) else analyse(network)


def name_of(analysis: Analysis) -> str:
    """Returns the name of an analysed network."""
    return name(analysis.spec, nearest(analysis.spec)) if isinstance(analysis, SpecAnalysis) else analysis.name


def svg_figure(network: Network, options: FigureOptions | None = None) -> str:
    """Returns the diagram as SVG.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    return ET.tostring(drawn(network, options), encoding="unicode")


def pdf_figure(network: Network, options: FigureOptions | None = None) -> bytes:
    """Returns the diagram as a PDF of one page, with its fonts.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    return _typeset(drawn(network, options), "pdf")


def png_figure(network: Network, options: FigureOptions | None = None) -> bytes:
    """Returns the diagram as PNG.

    Raises:
        InputError: If the resolution is out of its limits, or the picture would be too large.
        SpecError: If torchvision can't build or run the model.
    """
    resolution = options.resolution if options else RESOLUTION
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        raise InputError(
            _("resolution: {value:,} is not from {least} to {most:,} pixels per inch").format(
                value=resolution, least=MIN_RESOLUTION, most=MAX_RESOLUTION
            )
        )
    figure = drawn(network, options)
    width, height = (side * resolution / PIXELS_PER_INCH for side in size(figure))
    if width * height > MAX_PIXELS:
        raise InputError(
            _(
                "resolution: the picture would have {width:,} × {height:,} pixels, more than {most:,} in all; take a "
                "lower resolution, or PDF"
            ).format(width=round(width), height=round(height), most=MAX_PIXELS)
        )
    return _typeset(figure, "png", resolution)


def size(figure: ET.Element) -> tuple[float, float]:
    """Returns width and height of a figure in SVG's pixels."""
    _left, _top, width, height = map(float, figure.attrib["viewBox"].split())
    return width, height


def drawn(network: Network, options: FigureOptions | None = None) -> ET.Element:
    """Returns the diagram as an SVG element, on a light page and without signs for clicks.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    options = options or FigureOptions()
    analysis = analysed(network)
    text = draw(analysis, name_of(analysis), options.appearance)
    if options.is_grey:
        text = COLOUR.sub(_grey, text)
    figure = ET.fromstring(text.replace(FOLD_SIGN, ""))  # noqa: S314  drawn above
    _remove_labels(figure, options.labels)
    return figure


def _grey(match: re.Match[str]) -> str:
    """Returns the grey of a kind of layers, or the grey that is as bright as a colour (ITU-R BT.709)."""
    colour = match[0]
    for group, own in LIGHT.items():
        if own == colour:
            return GREYS[group]
    red, green, blue = rgb(colour)
    brightness = round(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    return f"#{brightness:02X}{brightness:02X}{brightness:02X}"


def rgb(colour: str) -> tuple[int, int, int]:
    """Returns red, green and blue of a colour of the diagram, from 0 to 255."""
    if match := re.fullmatch(r"rgb\((\d+), ?(\d+), ?(\d+)\)", colour):
        return int(match[1]), int(match[2]), int(match[3])
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _remove_labels(figure: ET.Element, shown_labels: frozenset[Label]) -> None:
    for parent in list(figure.iter()):
        for child in list(parent):
            if (label := _label(parent, child)) is not None and label not in shown_labels:
                parent.remove(child)
                if label is Label.LEGEND:
                    _cut_off(figure, child)


def _label(parent: ET.Element, child: ET.Element) -> Label | None:
    """Returns the kind of label that an element is; None if it is none."""
    tag, classes = child.tag.removeprefix(f"{{{SVG}}}"), child.get("class", "").split()
    if tag == "g":
        return {"names": Label.STAGES, "legend": Label.LEGEND}.get(" ".join(classes))
    if tag != "text":
        return None
    if "shape" in classes or (parent.get("class") == "segment" and "name" in classes):
        return Label.SHAPES
    return Label.NAMES if "faint" in classes and parent.get("class") not in ("names", "branch") else None


def _cut_off(figure: ET.Element, legend: ET.Element) -> None:
    """Removes the room for the legend, which is below the diagram."""
    tops = [float(entry.get("transform", "").rstrip(")").split()[-1]) for entry in legend]
    width, _height = size(figure)
    height = f"{min(tops) - TOP:.1f}"
    figure.set("viewBox", f"0 0 {width:g} {height}")
    figure.set("height", height)


def _typeset(figure: ET.Element, file_format: Literal["pdf", "png"], resolution: int | None = None) -> bytes:
    import typst  # imported here because only these formats need it

    width, height = size(figure)
    # The SVG is data: no text of a network is read as source.
    document = (
        b"#set page(width: float(sys.inputs.width) * 0.75pt, height: float(sys.inputs.height) * 0.75pt, margin: 0pt)\n"
        b'#image(bytes(sys.inputs.figure), format: "svg", width: 100%, height: 100%)'
    )
    inputs = {"figure": ET.tostring(figure, encoding="unicode"), "width": f"{width}", "height": f"{height}"}
    with as_file(files("font_source_sans_pro") / "files") as fonts:
        return typst.compile(
            document,
            format=file_format,
            ppi=resolution,
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[fonts]),
            sys_inputs=inputs,
            timestamp=0,  # so that the same figure gives the same file
        )
