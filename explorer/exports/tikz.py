"""The diagram as TikZ: a LaTeX document of one page whose picture can also be copied into a paper.

It translates the SVG that the product draws, element by element, so both always show the same.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from explorer.drawing.kinds import LIGHT
from explorer.drawing.theme import SMALL
from explorer.exports.figure import GREYS, SVG, FigureOptions, Network, analysed, drawn, name_of, rgb, size
from explorer.exports.svg_path import cubic_path
from explorer.exports.written_table import latex_text
from explorer.i18n import _

POINT = 0.75  # points (of 1/72 inch) of an SVG pixel
LONGEST = 12_000  # points; TeX's dimensions end at 16,383
INHERITED = ("font-size", "font-weight", "fill", "text-anchor")
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
HEAD = r"""% {note}
\documentclass{{article}}
\usepackage{{tikz}}
\usetikzlibrary{{arrows.meta,patterns}}
\usepackage[paperwidth={width}pt,paperheight={height}pt,margin=0pt]{{geometry}}
\pagestyle{{empty}}
\setlength{{\parindent}}{{0pt}}
\setlength{{\topskip}}{{0pt}}
\begin{{document}}%
"""

Style = dict[str, str]


def tikz(network: Network, options: FigureOptions | None = None) -> str:
    """Returns the diagram as a LaTeX document, which pdflatex compiles as it is.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    analysis = analysed(network)
    return _Picture(drawn(analysis, options)).document(name_of(analysis))


class _Picture:
    """The picture of a figure, with the colours that it uses."""

    def __init__(self, figure: ET.Element) -> None:
        self.figure = figure
        self.rules = list(_rules(figure))
        self.colours: dict[str, str] = {}  # names by colours
        self.names = {grey: group for group, grey in GREYS.items()} | {own: group for group, own in LIGHT.items()}
        self.gradients = {
            gradient.get("id"): [stop.get("stop-color", "") for stop in gradient]
            for gradient in figure.iter(f"{{{SVG}}}linearGradient")
        }

    def document(self, title: str) -> str:
        width, height = size(self.figure)
        scale = min(1.0, LONGEST / (POINT * width))
        lines = [line for child in self.figure for line in self.element(child, (0.0, 0.0), {})]
        unit = f"{POINT * scale:.4f}pt"
        note = _(
            "{name}, by CNN Architecture Explorer. For a paper, copy the tikzpicture and the preamble's two lines."
        )
        room = {"width": f"{POINT * scale * width + 1:.1f}", "height": f"{POINT * scale * height + 1:.1f}"}
        options = [
            f"x={unit}",
            f"y=-{unit}",
            "line join=round",
            rf"every node/.style={{inner sep=0pt,font=\sffamily,scale={scale:.4f}}}",
        ]
        return "\n".join(
            [
                HEAD.format(note=note.format(name=latex_text(title)), **room)
                + rf"\begin{{tikzpicture}}[{','.join(options)}]",
                *(rf"\definecolor{{{own}}}{{HTML}}{{{_hex(colour)}}}" for colour, own in self.colours.items()),
                rf"\useasboundingbox (0,0) rectangle ({width:.1f},{height:.1f});",
                *lines,
                r"\end{tikzpicture}%",
                r"\end{document}",
                "",
            ]
        )

    def element(self, element: ET.Element, at: tuple[float, float], inherited: Style) -> Iterator[str]:
        """Yields the lines of an element, whose parent's origin is ``at``."""
        tag = element.tag.removeprefix(f"{{{SVG}}}")
        if tag in ("defs", "style", "title") or element.get("display") == "none":
            return
        style = inherited | self.style(tag, element)
        if match := re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", "")):
            at = (at[0] + float(match[1]), at[1] + float(match[2]))
        if tag == "g":
            handed_down = {key: style[key] for key in INHERITED if key in style and key != "fill"}
            for child in element:
                yield from self.element(child, at, handed_down)
        elif tag == "text":
            yield self.text(element, at, style)
        elif (gradient := re.fullmatch(r"url\(#(\w+)\)", style.get("fill", ""))) and gradient[1] in self.gradients:
            yield from self.scale(element, at, self.gradients[gradient[1]], style)
        elif (way := _path(tag, element, at)) and (drawing := self.drawing(style)):
            yield rf"{drawing} {way};"

    def style(self, tag: str, element: ET.Element) -> Style:
        """Returns the properties of an element: its attributes, and the rules of the style sheet above them."""
        style = dict(element.attrib)
        classes = element.get("class", "").split()
        for selector, declarations in self.rules:
            if selector == tag or selector.removeprefix(".") in classes:
                style |= declarations
        return style | {key: element.attrib[key] for key in ("font-weight", "font-size") if key in element.attrib}

    def text(self, element: ET.Element, at: tuple[float, float], style: Style) -> str:
        x, y = at[0] + float(element.get("x", 0)), at[1] + float(element.get("y", 0))
        points = float(style.get("font-size", f"{SMALL}").removesuffix("px")) * POINT
        bold = r"\bfseries" if style.get("font-weight") in ("600", "700", "bold") else ""
        font = rf"\fontsize{{{points:g}}}{{{points:g}}}\selectfont{bold}"
        anchor = ANCHORS[style.get("text-anchor", "start")]
        colour = self.colour(style.get("fill", "#000"))
        return (
            rf"\node[anchor={anchor},text={colour}] at ({x:.1f},{y:.1f}) {{{font} {latex_text(element.text or '')}}};"
        )

    def scale(self, element: ET.Element, at: tuple[float, float], stops: list[str], style: Style) -> Iterator[str]:
        """Yields the steps of a scale of colours."""
        left, top, width, height = (float(element.get(key, 0)) for key in ("x", "y", "width", "height"))
        for step, colour in enumerate(stops[1:]):
            part = ET.Element("rect", {
                "x": f"{left + width * step / (len(stops) - 1)}", "y": f"{top}",
                "width": f"{width / (len(stops) - 1)}", "height": f"{height}",
            })  # fmt: skip
            yield rf"\fill[{self.colour(colour)}] {_path('rect', part, at)};"
        yield rf"{self.drawing(style | {'fill': 'none'})} {_path('rect', element, at)};"

    def drawing(self, style: Style) -> str:
        """Returns the command that draws and fills with a style; empty if nothing would be seen."""
        options = []
        fill, stroke = style.get("fill", "#000"), style.get("stroke", "none")
        if fill == "url(#none)":
            options.append(f"pattern=north east lines,pattern color={self.colour('#7F7F7F')}")
        elif fill not in ("none", "transparent"):
            options.append(f"fill={self.colour(fill)}")
        if stroke != "none":
            options.append(f"draw={self.colour(stroke)}")
            options.append(f"line width={POINT * float(style.get('stroke-width', 1)):.2f}pt")
            if dashes := style.get("stroke-dasharray"):
                words = ("on", "off")
                lengths = (
                    f"{words[index % 2]} {POINT * float(length):.1f}pt" for index, length in enumerate(dashes.split())
                )
                options.append(f"dash pattern={' '.join(lengths)}")
        if not options:
            return ""
        if "opacity" in style and style["opacity"] != "1":
            options.append(f"opacity={style['opacity']}")
        if style.get("marker-end"):
            options.append("-{Triangle[length=5.5pt,width=5.5pt]}")
        if "rx" in style:
            options.append(f"rounded corners={POINT * float(style['rx']):.1f}pt")
        return rf"\path[{','.join(options)}]"

    def colour(self, colour: str) -> str:
        if colour not in self.colours:
            group = self.names.get(colour)
            self.colours[colour] = f"c{group.name.lower()}" if group else f"c{len(self.colours)}"
        return self.colours[colour]


def _rules(figure: ET.Element) -> Iterator[tuple[str, Style]]:
    """Yields the rules of the style sheet: a selector of a tag or a class, and its declarations."""
    sheet = "".join(style.text or "" for style in figure.iter(f"{{{SVG}}}style"))
    for selectors, body in re.findall(r"([^{}]+)\{([^}]*)\}", sheet):
        pairs = (declaration.split(":", 1) for declaration in body.split(";") if ":" in declaration)
        declarations = {key.strip(): value.strip() for key, value in pairs}
        for selector in selectors.split(","):
            yield selector.strip(), declarations


def _path(tag: str, element: ET.Element, at: tuple[float, float]) -> str:
    """Returns the path of an element in TikZ; empty for elements that are none."""

    def point(x: float, y: float) -> str:
        return f"({at[0] + x:.1f},{at[1] + y:.1f})"

    def value(key: str) -> float:
        return float(element.get(key, 0))

    if tag == "rect":
        left, top, right, bottom = value("x"), value("y"), value("x") + value("width"), value("y") + value("height")
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        return f"{'--'.join(point(*corner) for corner in corners)}--cycle"
    if tag == "polygon":
        numbers = [float(number) for number in re.split(r"[ ,]+", element.get("points", "").strip())]
        return f"{'--'.join(point(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))}--cycle"
    if tag == "line":
        return f"{point(value('x1'), value('y1'))}--{point(value('x2'), value('y2'))}"
    if tag == "circle":
        return f"{point(value('cx'), value('cy'))} circle[x radius={value('r'):.1f},y radius={value('r'):.1f}]"
    return "".join(
        point(*points[0]) if len(points) == 1 and move else "--" + point(*points[0]) if len(points) == 1
        else f"..controls{point(*points[0])}and{point(*points[1])}..{point(*points[2])}"
        for move, points in cubic_path(element.get("d", ""))
    ) if tag == "path" else ""  # fmt: skip


def _hex(colour: str) -> str:
    return "{:02X}{:02X}{:02X}".format(*rgb(colour))
