"""The reader's progress, which only the browser stores: nothing about it is sent to the server."""

from pathlib import Path

import streamlit as st

from explorer.i18n import _

ASSETS = Path(__file__).parents[1] / "assets"

_progress = st.components.v2.component(
    "explorer_lesson_progress",
    css=".st-key-lesson-progress { display: none; }",
    js=(ASSETS / "lesson_progress.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def record(lesson: str, step: int, steps: int) -> None:
    """Let the browser remember the furthest step of a lesson.

    Args:
        lesson: Name of the lesson.
        step: Position of the step.
        steps: Number of steps. The position after the last one means that the lesson is done.
    """
    _progress(key="lesson-progress", data={"lesson": lesson, "step": step, "steps": steps})


def show() -> None:
    """Let the browser write the progress on the cards of the gallery."""
    words = {"done": _("Done"), "part": _("{share} done").format(share="{share}")}
    _progress(key="lesson-progress", data={"words": words})
