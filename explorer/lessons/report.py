"""A lesson's experiment as one HTML file. It asks for nothing from the network."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from explorer.drawing.theme import LIGHT
from explorer.i18n import _, language
from explorer.lessons.lesson import Lesson

STYLE = f"""
body {{ font: 16px/1.5 "Source Sans", "Helvetica Neue", Arial, sans-serif; color: {LIGHT.ink}; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.8rem; margin-bottom: 0; }} h2 {{ font-size: 1.2rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; }} th, td {{ text-align: left; padding: .3rem 1rem .3rem 0; vertical-align: top;
  border-bottom: 1px solid {LIGHT.line}; }}
figure {{ margin: 1rem 0; overflow-x: auto; }} svg {{ max-width: 100%; height: auto; }}
p.faint {{ color: {LIGHT.faint}; }}
"""


class Chapter(NamedTuple):
    """What a saved experiment contains.

    Attributes:
        settings: Values of the settings, by their labels.
        numbers: Label, value and formula of each number.
        figures: Figures as SVG.
        predictions: Question, prediction and result, for each answered question.
    """

    settings: dict[str, str]
    numbers: Sequence[tuple[str, str, str]]
    figures: Sequence[str]
    predictions: Sequence[tuple[str, str, str]]


def report(lesson: Lesson, chapter: Chapter) -> str:
    """Returns the HTML file of an experiment."""
    parts = [f"<h1>{escape(lesson.title)}</h1>", f'<p class="faint">{escape(lesson.question)}</p>']
    parts += [f"<figure>{figure}</figure>" for figure in chapter.figures]
    parts += _table(_("Numbers"), [], chapter.numbers)
    header = [_("Question"), _("You said"), _("In your run")]
    parts += _table(_("Your predictions"), header, [tuple(map(_without_markdown, row)) for row in chapter.predictions])
    parts += _table(_("Settings"), [], list(chapter.settings.items()))
    if lesson.papers:
        papers = "".join(f"<li>{escape(paper.title)}: {escape(paper.address)}</li>" for paper in lesson.papers)
        parts.append(f"<h2>{escape(_('Read more'))}</h2><ul>{papers}</ul>")
    parts.append(f'<p class="faint">{escape(_("Saved from CNN Architecture Explorer."))}</p>')
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(lesson.title)}</title>'
        f"<style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _without_markdown(text: str) -> str:
    return text.replace("**", "").replace("`", "")


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    return [f"<h2>{escape(title)}</h2><table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"]
