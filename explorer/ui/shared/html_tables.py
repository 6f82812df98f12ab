"""HTML tables with features that Streamlit's tables lack: two lines in a cell, coloured rows, foldable parts."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from explorer.drawing.kinds import Group, colours
from explorer.drawing.theme import theme

TINTS = {"added": Group.ACTIVATION, "removed": Group.SHORTCUT, "changed": Group.POOLING}  # green, red, amber
CSS = (Path(__file__).parents[1] / "assets" / "compare.css").read_text(encoding="utf-8")


def show(body: str, *, dark: bool) -> None:
    """Show HTML from the functions of this package, which escape all texts."""
    page_theme = theme(dark=dark)
    kinds = colours(dark=dark)
    strength = "33" if dark else "1F"
    properties = {
        **{name: getattr(page_theme, name) for name in ("ink", "faint", "ground", "panel", "line", "accent")},
        **{name: kinds[tint] + strength for name, tint in TINTS.items()},
    }
    style = ";".join(f"--xc-{name}:{value}" for name, value in properties.items())
    st.html(f'<style>{CSS}</style><div class="xc" style="{style}">{body}</div>')


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of numbers. The first column has the names of the rows.

    Args:
        caption: Text alternative.
        header: Texts of the header.
        rows: Cells of the rows: the first cell is a text, the others are HTML from :func:`cell`.
    """
    head = "".join(
        f'<th scope="col"{" class=number" if position else ""}>{escape(text)}</th>'
        for position, text in enumerate(header)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td class=number>{each}</td>" for each in cells)}</tr>'
        for name, *cells in rows
    )
    return framed(caption, head, body)


def framed(caption: str, head: str, body: str) -> str:
    """Return a table in a frame that scrolls sideways, also by keyboard, if the window is too narrow.

    Args:
        caption: Text alternative.
        head: HTML of the cells of the header.
        body: HTML of the other rows.
    """
    name = escape(caption)
    return (
        f'<div class="frame" role="region" aria-label="{name}" tabindex="0"><table><caption class="sr">{name}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def cell(text: str, below: str = "", exact: str = "") -> str:
    """Return the content of a cell.

    Args:
        text: The number.
        below: Small text below the number.
        exact: The exact number, shown on hover.
    """
    hover = f' title="{escape(exact)}"' if exact else ""
    return f"<span{hover}>{escape(text)}</span>" + (f'<br><span class="faint">{escape(below)}</span>' if below else "")
