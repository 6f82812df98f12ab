"""Finds the lessons: every file of ``catalogue/`` whose function ``lesson`` returns one."""

import pkgutil
from dataclasses import replace
from functools import cache
from importlib import import_module

from explorer.i18n import language
from explorer.lessons import catalogue
from explorer.lessons.lesson import Lesson


def lessons() -> dict[str, Lesson]:
    """Returns all lessons by name, in the order of the gallery, in the session's language."""
    return _lessons(language())


@cache
def _lessons(_language: str) -> dict[str, Lesson]:
    found = [
        replace(import_module(f"{catalogue.__name__}.{module.name}").lesson(), name=module.name.replace("_", "-"))
        for module in pkgutil.iter_modules(catalogue.__path__)
    ]
    return {lesson.name: lesson for lesson in sorted(found, key=lambda lesson: lesson.position)}


def find(name: str) -> Lesson | None:
    """Returns a lesson by its name; None if there is none."""
    return lessons().get(name)


def lessons_about(term: str) -> list[Lesson]:
    """Returns the lessons that explain a term of the glossary, by the term's key."""
    return [lesson for lesson in lessons().values() if term in lesson.terms]
