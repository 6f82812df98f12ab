"""A window over a small image, its kernel, and the output cell that it computes, with all numbers."""

from collections.abc import Callable

from explorer.analysis.sliding import Matrix, Slide
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import theme
from explorer.drawing.windows import hatching
from explorer.i18n import _

CELL = 34.0
GAP = 40.0
TOP = 30.0
TEXT = 13
BRIGHTEST = 16.0
STRONGEST = 0.75  # opacity of the cell with the largest value


def number(value: float) -> str:
    """The text of a value in a cell."""
    return f"{value:.0f}".replace("-", "−") if float(value).is_integer() else f"{value:.1f}".replace("-", "−")


def draw(slide: Slide, *, dark: bool = False) -> str:
    """Image, kernel and output as SVG; output cells have the attribute ``data-pick="row.column"``.

    Args:
        slide: Window and image.
        dark: Whether the page is dark.
    """
    colours, inks = theme(dark=dark), kinds.colours(dark=dark)
    windows, (row, column) = slide.windows, slide.cell
    padding, side = windows.padding, windows.size
    taps = (set(windows.taps(row)), set(windows.taps(column)))
    parts = [hatching(colours)]

    def cells(
        values: Matrix, left: float, top: float, fill: Callable[[int, int, float], tuple[str, float]], *, pick: bool
    ) -> None:
        for y, line in enumerate(values):
            for x, value in enumerate(line):
                colour, opacity = fill(y, x, value)
                here = pick and (y, x) == slide.cell
                label = _("Output cell in row {row}, column {column}").format(row=y, column=x)
                chosen: dict[str, svg.Attribute] = (
                    {"data_pick": f"{y}.{x}", "role": "button", "aria_pressed": str(here).lower(),
                     "aria_label": f"{label}: {number(value)}"}
                    if pick else {}
                )  # fmt: skip
                parts.append(
                    svg.element(
                        "g",
                        svg.element(
                            "rect", x=left + x * CELL, y=top + y * CELL, width=CELL, height=CELL,
                            fill=colours.panel, stroke=colours.line,
                        ),
                        svg.element(
                            "rect", x=left + x * CELL, y=top + y * CELL, width=CELL, height=CELL, fill=colour,
                            fill_opacity=opacity,
                        ),
                        svg.text(
                            left + (x + 0.5) * CELL, top + (y + 0.5) * CELL + 5, number(value), text_anchor="middle",
                            fill=colours.ink,
                        ),
                        **chosen,
                    )
                )  # fmt: skip

    def shade(y: int, x: int, value: float) -> tuple[str, float]:
        read = y in taps[0] and x in taps[1]
        return (inks[Group.CONVOLUTION] if read else colours.ink), (0.15 if read else 0) + value / BRIGHTEST * 0.35

    extent = side + 2 * padding
    if padding:
        parts.append(
            svg.element("rect", x=4, y=TOP, width=extent * CELL, height=extent * CELL, fill="url(#hatch)",
                        stroke=colours.line)
        )  # fmt: skip
    left = 4 + padding * CELL
    cells(slide.image, left, TOP + padding * CELL, shade, pick=False)
    reach = windows.effective_kernel * CELL
    x, y = left + windows.start(column) * CELL, TOP + (padding + windows.start(row)) * CELL
    parts.append(svg.element("rect", x=x, y=y, width=reach, height=reach, fill="none", stroke=colours.mark,
                             stroke_width=3))  # fmt: skip
    middle = 4 + extent * CELL + GAP
    strongest = max((abs(value) for line in slide.output for value in line), default=1) or 1

    def signed(most: float) -> Callable[[int, int, float], tuple[str, float]]:
        return lambda _y, _x, value: (
            inks[Group.CONVOLUTION] if value >= 0 else inks[Group.SHORTCUT], STRONGEST * abs(value) / (most or 1) * 0.6
        )  # fmt: skip

    titles = [(4.0, _("image {size}×{size}").format(size=side))]
    if slide.kernel is not None:
        heaviest = max(abs(weight) for line in slide.kernel for weight in line)
        titles.append((middle, _("kernel")))
        cells(slide.kernel, middle, TOP, signed(heaviest), pick=False)
        middle += len(slide.kernel) * CELL + GAP
    titles.append((middle, _("output {size}×{size}").format(size=windows.count)))
    cells(slide.output, middle, TOP, signed(strongest), pick=True)
    parts.append(svg.element("rect", x=middle + column * CELL, y=TOP + row * CELL, width=CELL, height=CELL,
                             fill="none", stroke=colours.mark, stroke_width=3, pointer_events="none"))  # fmt: skip
    parts += [svg.text(start, 20, words, fill=colours.ink) for start, words in titles]
    label = _("The output cell in row {row}, column {column} is {value}").format(
        row=row, column=column, value=number(slide.value(row, column))
    )
    return svg.figure(
        middle + max(windows.count * CELL, 110) + 6, TOP + max(extent, 3, windows.count) * CELL + 8, *parts,
        label=label, style=f"text{{{svg.FONT};font-size:{TEXT}px}}",
    )  # fmt: skip
