"""SVG elements as text: escaped, indented by nothing, read by browsers, editors and screen readers."""

from collections.abc import Iterable
from html import escape

Attribute = str | float | None

FONT = "font-family:'Source Sans','Source Sans Pro','Helvetica Neue',Arial,'Liberation Sans',sans-serif"


def element(tag: str, *children: str, **attributes: Attribute) -> str:
    """``<tag …>children</tag>``; an attribute that is None is left out, ``stroke_width`` is ``stroke-width``.

    A trailing underscore keeps a Python word free (``class_``). Children are SVG already; text goes through
    :func:`text` or :func:`title`.
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
    """One line of text, its baseline at ``y``."""
    return element("text", escape(words), x=float(x), y=float(y), **attributes)


def title(words: str) -> str:
    """What hovering says, and the name of the element that it stands in."""
    return f"<title>{escape(words)}</title>"


def polygon(points: Iterable[tuple[float, float]], **attributes: Attribute) -> str:
    """A closed shape."""
    return element(
        "polygon", points=" ".join(f"{_short(float(x))},{_short(float(y))}" for x, y in points), **attributes
    )


def picture(width: float, height: float, *children: str, label: str, style: str = "") -> str:
    """A whole picture that stands alone; ``label`` is its text alternative, ``style`` its CSS."""
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
