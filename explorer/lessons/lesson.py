"""The parts of a lesson.

A lesson is about one experiment, whose result is computed from the settings that the reader has chosen. A text with
numbers is a function of that result, so that no number about a network is written into a lesson.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Text = str | Callable[[Any], str]
"""Markdown, or a function that returns it for the result of the experiment."""

EMPHASIS = re.compile(r"(\*{1,2})(\S|\S.*?\S)\1", re.DOTALL)

Answer = str | float
"""The key of an option, or a number."""


def written(text: Text, result: object) -> str:
    """Returns a text for the result of the experiment."""
    return text if isinstance(text, str) else text(result)


def without_markdown(text: str) -> str:
    """Returns a text without the signs of emphasis and code, for places that show them as they are."""
    return EMPHASIS.sub(r"\2", text).replace("`", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a lesson: one screen.

    Attributes:
        text: What the reader is told.
        start: Settings with which the step begins, as in a link; others stay as they are.
    """

    text: Text
    start: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Step):
    """Explains something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Step):
    """Asks for a prediction. The steps up to the reveal stay closed until the reader has made one.

    Attributes:
        name: Name in links.
        answer: Function that returns the right answer for the result: the key of an option, or a number.
        options: Texts of the options, by their keys. Empty if the answer is a number.
        unit: Unit of the number.
    """

    name: str
    answer: Callable[[Any], Answer]
    options: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""

    def is_right(self, guess: Answer, result: object) -> bool:
        """Whether a prediction is right. A number may differ by one percent."""
        answer = self.answer(result)
        if isinstance(answer, str) or isinstance(guess, str):
            return guess == answer
        return abs(guess - answer) <= abs(answer) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Step):
    """Shows the experiment.

    Attributes:
        controls: Names of the settings that the reader can change.
        numbers: Whether the numbers of the experiment are shown, or only its figures.
    """

    controls: tuple[str, ...] = ()
    numbers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal(Try):
    """Compares the prediction with the result, and explains the result.

    Attributes:
        of: Name of the question.
    """

    of: str


class Link(NamedTuple):
    """A screen of the app that shows more.

    Attributes:
        page: Name of the page.
        label: Words of the link.
        parameters: Query parameters of the page.
    """

    page: str
    label: str
    parameters: Mapping[str, str]


class Paper(NamedTuple):
    """A publication, and its address on the internet. The page shows the address and does not open it by itself."""

    title: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson.

    Attributes:
        position: Place in the gallery.
        title: Title.
        question: The question on the card.
        minutes: Time that it takes.
        experiment: Name of the experiment.
        steps: The steps in their order.
        terms: Keys of the glossary entries that it explains.
        vignette: Function that returns the picture on the card as SVG, from :mod:`explorer.lessons.vignettes`.
        links: Screens of the app that show more.
        papers: Publications.
        name: Name in links, which is the name of the file.
    """

    position: int
    title: str
    question: str
    minutes: int
    experiment: str
    steps: tuple[Step, ...]
    terms: tuple[str, ...]
    vignette: Callable[..., str]
    links: tuple[Link, ...] = ()
    papers: tuple[Paper, ...] = ()
    name: str = ""

    @property
    def questions(self) -> dict[str, Ask]:
        """The questions by name."""
        return {step.name: step for step in self.steps if isinstance(step, Ask)}

    def settings_at(self, step: int) -> Mapping[str, str]:
        """Returns the settings at a step if the reader has changed none."""
        return {name: text for one in self.steps[: step + 1] for name, text in one.start.items()}

    def pending(self, step: int) -> Iterator[int]:
        """Yields the positions of the questions before a step whose answers a later step reveals, or the step itself.

        Until the reader has answered them, the step would give the answers away.
        """
        for position, step_before in enumerate(self.steps[:step]):
            if isinstance(step_before, Ask) and self.reveal_of(step_before.name) >= step:
                yield position

    def reveal_of(self, question: str) -> int:
        """Returns the position of the step that reveals the answer to a question."""
        return next(
            position for position, step in enumerate(self.steps) if isinstance(step, Reveal) and step.of == question
        )
