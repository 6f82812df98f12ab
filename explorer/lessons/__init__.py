"""Lessons as data: texts, questions and answers about an experiment. Pages render them; there are no widgets here.

Every ``.py`` file of ``catalogue/`` is a lesson. CONTRIBUTING.md has the recipe for another one.
"""

from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Step, Text, Try
from explorer.lessons.registry import find, lessons, lessons_about

__all__ = [
    "Ask", "Lesson", "Link", "Paper", "Reveal", "Say", "Step", "Text", "Try", "find", "lessons", "lessons_about",
]  # fmt: skip
