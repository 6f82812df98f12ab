"""SVG elements as text: escaped, without indentation, readable by browsers, editors and screen readers."""

from collections.abc import Iterable
from html import escape

Attribute = str | float | None

FONT = "font-family:'Source Sans','Source Sans Pro','Helvetica Neue',Arial,'Liberation Sans',sans-serif"


def element(tag: str, *children: str, **attributes: Attribute) -> str:
    """An element ``<tag …>children</tag>``.

    Args:
        tag: Name of the element.
        children: SVG inside the element; use :func:`text` or :func:`title` for plain text.
        attributes: Attributes of the element; None leaves one out. Underscores in names become dashes
            (``stroke_width``), and a trailing one is removed (``class_``).
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(children)}</{tag}>" if children else f"<{tag}{written}/>"


def _short(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text(x: float, y: float, words: str, **attributes: Attribute) -> str:
    """One line of text with its baseline at ``y``."""
    return element("text", escape(words), x=float(x), y=float(y), **attributes)


def title(words: str) -> str:
    """The tooltip and accessible name of the element around it."""
    return f"<title>{escape(words)}</title>"


def polygon(points: Iterable[tuple[float, float]], **attributes: Attribute) -> str:
    """A closed polygon through points (x, y)."""
    return element(
        "polygon", points=" ".join(f"{_short(float(x))},{_short(float(y))}" for x, y in points), **attributes
    )


def figure(width: float, height: float, *children: str, label: str, style: str = "") -> str:
    """A complete SVG figure.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        children: SVG of the content.
        label: Text alternative.
        style: CSS.
    """
    return element(
        "svg",
        title(label),
        f"<style>{style}</style>" if style else "",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_short(float(width))} {_short(float(height))}",
        width=float(width),
        height=float(height),
        role="group",
        aria_label=label,
    )
