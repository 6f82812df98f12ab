"""Colours and sizes of text of figures. The colours are equal to those in .streamlit/config.toml."""

from dataclasses import dataclass

# Sizes of text in pixels. Nothing on a page is smaller than SMALL.
SMALL = 12
NAME = 13


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a page.

    Attributes:
        ink: Text and outlines.
        faint: Secondary text and edges.
        ground: Background of the page.
        panel: Background of panels.
        line: Thin lines.
        accent: Accent of the page.
        mark: Marks of chosen elements.
    """

    ink: str
    faint: str
    ground: str
    panel: str
    line: str
    accent: str
    mark: str


LIGHT = Theme("#0D1217", "#56616B", "#FFFFFF", "#F3F5F7", "#AAB4BD", "#0B62A4", "#C2185B")
DARK = Theme("#E6EBF0", "#A9B4BF", "#11161B", "#1B222A", "#4A5763", "#4FA3DB", "#FF6FA5")


def theme(*, dark: bool) -> Theme:
    """The colours for a page."""
    return DARK if dark else LIGHT
