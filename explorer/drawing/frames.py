"""The backgrounds and names of a diagram's stages and open parts, cut into the segments that a page wraps into rows."""

from dataclasses import dataclass

from explorer.analysis import Analysis
from explorer.drawing.layout import HEADER, Frame, Layout, words_width
from explorer.drawing.segments import OVERHANG, Segment
from explorer.drawing.svg import Attribute, element, text, title
from explorer.drawing.theme import NAME, Theme
from explorer.drawing.tree import Node
from explorer.i18n import _


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of a diagram of a network, for a page with these colours and a figure of this height."""

    analysis: Analysis
    layout: Layout
    colours: Theme
    height: float

    def grounds(self, segment: Segment) -> str:
        """The backgrounds of stages, every second of which is shaded, and the frames of other open parts."""
        outer = [frame for frame in self.layout.frames if frame.nesting == 0]
        parts = [
            self.ground(frame, segment, 0.0, fill=self.colours.panel, opacity=1 if position % 2 == 0 else 0.45)
            for position, frame in enumerate(outer)
        ]
        inner = [frame for frame in self.layout.frames if frame.nesting > 0]
        parts += [self.ground(frame, segment, 3.0, fill="none", stroke=self.colours.line) for frame in inner]
        return element("g", *parts, class_="ground")

    def ground(self, frame: Frame, segment: Segment, margin: float, **style: Attribute) -> str:
        """The part of a frame in a segment; empty if there is none."""
        left, right = max(frame.left, segment.left), min(frame.right, segment.right)
        y = HEADER * frame.nesting
        across, down = right - left, self.height - y - margin
        open_sides = self.open_sides(frame, segment)
        # The dashes leave out open sides; a page that wraps the figure sets them anew.
        sides = [(across, 0.0), (0.0, down) if "right" in open_sides else (down, 0.0)]
        sides += [(across, 0.0), (0.0, down) if "left" in open_sides else (down, 0.0)]
        dashes = " ".join(f"{length:.1f}" for side in sides for length in side)
        return "" if across < OVERHANG else element(
            "rect", x=left, y=y, width=across, height=down, class_="frame-part", stroke_dasharray=dashes,
            data_margin=margin, data_open=open_sides, **style,
        )  # fmt: skip

    def open_sides(self, frame: Frame, segment: Segment) -> str:
        """The sides at which a frame goes on in another segment, where a page draws no outline."""
        left = "left" if frame.left < segment.left - OVERHANG else ""
        right = "right" if frame.right > segment.right + OVERHANG else ""
        return f"{left} {right}".strip()

    def names(self, segment: Segment) -> str:
        """The names of frames that begin in a segment; those of frames that go on are shown where a row begins."""
        left, right = segment.left - OVERHANG, segment.right - OVERHANG
        begin = [frame for frame in self.layout.frames if left <= frame.left < right]
        go_on = [frame for frame in self.layout.frames if frame.left < left and frame.right > segment.left + OVERHANG]
        return element(
            "g",
            *(self.header(frame) for frame in begin),
            *(self.name_again(frame, segment.left) for frame in go_on),
            class_="names",
        )

    def header(self, frame: Frame) -> str:
        """The name of an open part; a click on it closes the part."""
        y, width = HEADER * frame.nesting, frame.right - frame.left
        name = frame.node.key
        words = self.heading(frame.node)
        words = next(
            (short for short in (words, name, name.rpartition(".")[2]) if words_width(short, NAME) + 30 < width), ""
        )
        described = _("{name}: close").format(name=name)
        return element(
            "g",
            title(described),
            element("rect", x=frame.left, y=y, width=width, height=HEADER - 2, fill="transparent"),
            text(frame.left + 5, y + 16, f"▾ {words}".strip(), class_="name faint"),
            data_pick=f"fold:{name}",
            role="button",
            aria_expanded="true",
            aria_label=described,
        )

    def name_again(self, frame: Frame, left: float) -> str:
        """The name of a part that goes on, hidden until a row begins there; empty if there is no room."""
        words = frame.node.key if words_width(frame.node.key, NAME) + 8 < frame.right - left else ""
        y = HEADER * frame.nesting + 16
        return text(left + 5, y, words, class_="name faint again", display="none", aria_hidden="true")

    def heading(self, node: Node) -> str:
        """The name of a stage: its map, and the name of its module if all its layers are in one module."""
        modules = {self.analysis.layers[position].name.partition(".")[0] for position in node.layers}
        module = modules.pop() if len(modules) == 1 and len(node.layers) > 1 else ""
        named = node.level == "stage" and module not in ("", node.key, "features", "classifier")
        return f"{node.key} · {module}" if named else node.key
