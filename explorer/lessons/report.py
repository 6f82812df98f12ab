"""A lesson's experiment as one HTML file, which loads nothing from the network.

The file is light or dark, as the reader's browser prefers. Each figure is drawn for both. Colours that differ become
variables of the style sheet.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from explorer.drawing.theme import DARK, LIGHT
from explorer.i18n import _, language
from explorer.lessons.lesson import Lesson, without_markdown

STYLE = """
body { font: 16px/1.5 "Source Sans", "Helvetica Neue", Arial, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.8rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td, li { overflow-wrap: anywhere; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
figure { display: inline-block; margin: 1rem 0; max-width: 100%; overflow-x: auto; vertical-align: top; }
svg { max-width: 100%; height: auto; }
p.faint { color: var(--faint); }
"""
COLOUR = re.compile(r"(#[0-9a-fA-F]{6}|rgb\([\d, ]+\))")


class Chapter(NamedTuple):
    """The content of a saved experiment.

    Attributes:
        settings: Values of the experiment's fields, by their labels.
        numbers: Label, value and formula of each number.
        figures: Figures as SVG, each for light and for dark pages.
        predictions: Question, prediction and result, for each answered question.
    """

    settings: dict[str, str]
    numbers: Sequence[tuple[str, str, str]]
    figures: Sequence[tuple[str, str]]
    predictions: Sequence[tuple[str, str, str]]


def report(lesson: Lesson, chapter: Chapter) -> str:
    """Returns the HTML file of an experiment."""
    parts = [f"<h1>{escape(lesson.title)}</h1>", f'<p class="faint">{escape(lesson.question)}</p>']
    colours = {name: (getattr(LIGHT, name), getattr(DARK, name)) for name in ("ink", "faint", "ground", "line")}
    parts += [f"<figure>{_themed(light, dark, colours)}</figure>" for light, dark in chapter.figures]
    parts += _table(_("Numbers"), [], chapter.numbers)
    header = [_("Question"), _("You said"), _("In your run")]
    parts += _table(_("Your predictions"), header, [tuple(map(without_markdown, row)) for row in chapter.predictions])
    parts += _table(_("Settings"), [], list(chapter.settings.items()))
    if lesson.papers:
        papers = "".join(f"<li>{escape(paper.title)}: {escape(paper.address)}</li>" for paper in lesson.papers)
        parts.append(f"<h2>{escape(_('Read more'))}</h2><ul>{papers}</ul>")
    parts.append(f'<p class="faint">{escape(_("Saved from CNN Architecture Explorer."))}</p>')
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(lesson.title)}</title>'
        f"<style>{_variables(colours)}{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _themed(light: str, dark: str, colours: dict[str, tuple[str, str]]) -> str:
    """Returns a figure whose colours follow the page. Adds the variables that it needs.

    A figure that differs in more than its colours stays as it is on light pages.
    """
    parts, others = COLOUR.split(light), COLOUR.split(dark)
    if parts[::2] != others[::2]:
        return light
    names = {pair: name for name, pair in colours.items()}
    for place in range(1, len(parts), 2):
        pair = parts[place], others[place]
        if pair[0] != pair[1]:
            name = names.setdefault(pair, f"c{len(names)}")
            colours[name] = pair
            parts[place] = f"var(--{name})"
    return "".join(parts)


def _variables(colours: dict[str, tuple[str, str]]) -> str:
    """Returns the style sheet that gives each variable its colour on light and on dark pages."""
    light, dark = ("".join(f"--{name}: {pair[place]}; " for name, pair in colours.items()) for place in (0, 1))
    return (
        f":root {{ color-scheme: light dark; {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n"
    )


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    return [f"<h2>{escape(title)}</h2><table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"]
