"""The parts of a lesson.

A lesson has one experiment. The result of the experiment is computed from its fields, which the reader can change. A
text with numbers is a function of the result, so no lesson contains a fixed number about a network.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Set
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
    """Returns a text without Markdown's signs for emphasis and code."""
    return EMPHASIS.sub(r"\2", text).replace("`", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a lesson: one screen.

    Attributes:
        text: Text for the reader.
        start: Initial values of fields at this step, as in a link. Other fields keep their values.
    """

    text: Text
    start: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Step):
    """Explains something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Step):
    """Asks for a prediction. Without it, the reader cannot open the steps up to the reveal.

    Attributes:
        name: Name in links.
        answer: Function that returns the right answer for the result: the key of an option, or a number.
        options: Texts of the options, by their keys. Empty if the answer is a number.
        unit: Unit of the number.
        ties: Function that returns further options that are right, because nothing tells them from the answer.
    """

    name: str
    answer: Callable[[Any], Answer]
    ties: Callable[[Any], Set[str]] = field(default=lambda _result: frozenset())
    options: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""

    def is_right(self, prediction: Answer, result: object) -> bool:
        """Whether a prediction is right. A number may differ by one percent."""
        answer = self.answer(result)
        if isinstance(answer, str) or isinstance(prediction, str):
            return prediction == answer or prediction in self.ties(result)
        return abs(prediction - answer) <= abs(answer) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Step):
    """Shows the experiment.

    Attributes:
        controls: Names of the fields that the reader can change.
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
        minutes: Duration of the lesson.
        experiment: Name of the experiment.
        steps: The steps in their order.
        terms: Keys of the glossary entries that the lesson explains.
        vignette: Function of :mod:`explorer.lessons.vignettes` that returns the picture of the card as SVG.
        links: Screens of the app that show more.
        papers: Publications.
        name: Name in links: the name of the file.
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

    def fields_at(self, step: int) -> Mapping[str, str]:
        """Returns the initial values of the fields at a step."""
        return {name: text for one in self.steps[: step + 1] for name, text in one.start.items()}

    def pending(self, step: int) -> Iterator[int]:
        """Yields the positions of the questions that the reader must answer before a step.

        These are the earlier questions whose answers are revealed at this step or later.
        """
        for position, step_before in enumerate(self.steps[:step]):
            if isinstance(step_before, Ask) and self.reveal_of(step_before.name) >= step:
                yield position

    def reveal_of(self, question: str) -> int:
        """Returns the position of the step that reveals the answer to a question."""
        return next(
            position for position, step in enumerate(self.steps) if isinstance(step, Reveal) and step.of == question
        )
