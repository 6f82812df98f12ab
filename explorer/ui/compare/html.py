"""Tables as HTML that Streamlit's own can't show: two lines a cell, rows coloured by what they say, folding parts."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from explorer.drawing.kinds import Group, colours
from explorer.drawing.theme import theme

TINTS = {"added": Group.ACTIVATION, "removed": Group.SHORTCUT, "changed": Group.POOLING}  # green, red, amber
CSS = (Path(__file__).parents[1] / "assets" / "compare.css").read_text(encoding="utf-8")


def show(body: str, *, dark: bool) -> None:
    """Show HTML that was made with the functions of this package; every text in it is escaped already."""
    look = theme(dark=dark)
    kinds = colours(dark=dark)
    strength = "33" if dark else "1F"
    properties = {
        **{name: getattr(look, name) for name in ("ink", "faint", "ground", "panel", "line", "accent")},
        **{name: kinds[tint] + strength for name, tint in TINTS.items()},
    }
    style = ";".join(f"--xc-{name}:{value}" for name, value in properties.items())
    st.html(f'<style>{CSS}</style><div class="xc" style="{style}">{body}</div>')


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of numbers whose first column names the rows.

    Args:
        caption: the text alternative.
        header: texts.
        rows: the first cell a text, the others HTML from :func:`cell`.
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
    """A table that is scrolled sideways, by keyboard too, where the window is too small for it.

    Args:
        caption: the text alternative.
        head: cells of the first row, HTML.
        body: the other rows, HTML.
    """
    name = escape(caption)
    return (
        f'<div class="frame" role="region" aria-label="{name}" tabindex="0"><table><caption class="sr">{name}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def cell(text: str, below: str = "", exact: str = "") -> str:
    """A number, smaller what it means below it, and to the last digit on hovering."""
    hover = f' title="{escape(exact)}"' if exact else ""
    return f"<span{hover}>{escape(text)}</span>" + (f'<br><span class="faint">{escape(below)}</span>' if below else "")
