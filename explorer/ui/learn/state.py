"""The state of the Learn page: lesson, step, predictions, and the fields of the experiment.

The link contains all of them. A teacher can add ``controls``, the fields that the reader may change, and start at any
step. The link contains only fields that differ from their initial values at the step.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, ClassVar

import streamlit as st

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.lessons import Ask, Lesson, find, lessons
from explorer.lessons.lesson import Answer, Step
from explorer.specs.link_text import ListText, check_length, write
from explorer.ui.learn.experiments import experiments
from explorer.ui.page_state import Link, PageFields, PageState
from explorer.ui.shared.sections.section import PREFIX, Section, widget_key

log = logging.getLogger("explorer.ui")

LESSON, STEP, CONTROLS, PREDICTION = "lesson", "step", "controls", "guess-"
WIDGET = "learn.guess."  # beginning of the keys of widgets for predictions
NAMES = ListText(empty="none")  # names of fields
MAX_LINK = 4_000
MAX_GUESS = 1e15


@dataclass
class LearnState(PageState):
    """The Learn page's state.

    Attributes:
        name: Name of the open lesson; empty for the gallery.
        step: Position of the step. The position after the last step is the summary.
        predictions: Predictions, by the names of the questions.
        only: Names of the fields that the reader may change; None for those of each step.
        view: Fields of the experiment; None in the gallery.
        problem: Error of the last edit.
        settings_of: Fields of the experiment when each question was answered, by its name.
        seen: Answers that were revealed, by the names of the questions.
    """

    NAME: ClassVar[str] = "learn"
    PAGE: ClassVar[str] = "learn"
    PREFIXES: ClassVar[tuple[str, ...]] = ("learn.", PREFIX)
    EMPTY_LINK: ClassVar[bool] = True

    name: str = ""
    step: int = 0
    predictions: dict[str, Answer] = field(default_factory=dict)
    only: tuple[str, ...] | None = None
    view: PageFields | None = None
    problem: str = ""
    settings_of: dict[str, PageFields | None] = field(default_factory=dict)
    seen: dict[str, Answer] = field(default_factory=dict)

    @property
    def lesson(self) -> Lesson:
        """The open lesson."""
        return lessons()[self.name]

    @property
    def section(self) -> Section:
        """The experiment of the open lesson."""
        return experiments()[self.lesson.experiment]

    @property
    def current(self) -> Step | None:
        """The step; None for the summary."""
        steps = self.lesson.steps
        return steps[self.step] if self.step < len(steps) else None

    def initial_view(self, step: int) -> PageFields:
        """Return the initial fields at a step."""
        return self.section.view.parse(self.lesson.fields_at(step))

    def open_link(self, link: Link) -> list[str]:
        """Open the lesson of a link, or the gallery. Parts that can't be read get their defaults."""
        self.name, self.step, self.predictions, self.only, self.view, self.problem = "", 0, {}, None, None, ""
        self.settings_of, self.seen = {}, {}
        if LESSON not in link:
            return [_("link, {name}: there is no lesson with such a setting").format(name=shown(key)) for key in link]
        rest = dict(link)
        name = rest.pop(LESSON)
        try:
            check_length(link, MAX_LINK)
        except InputError as error:
            return [str(error)]
        if find(name) is None:
            return [_("link, lesson: {value} is not one of {names}").format(
                value=shown(name), names=", ".join(lessons()))]  # fmt: skip
        self.name = name
        problems = self._read_step(rest.pop(STEP, "1"))
        problems += self._read_predictions({key: rest.pop(key) for key in link if key.startswith(PREDICTION)})
        problems += self._read_controls(rest.pop(CONTROLS, ""))
        self.go(self.step)
        if rest:
            self.view, more = self.section.view.read(rest, name)
            problems += more
        else:
            self.view = self.initial_view(self.step)
        try:
            self.section.compute(self.view)
        except InputError as error:  # each value is valid, but together they are not
            problems.append(_("link: {problem}").format(problem=error))
            self.view = self.initial_view(self.step)
        return problems

    def _read_step(self, text: str) -> list[str]:
        count = len(self.lesson.steps) + 1
        if text.isdecimal() and 1 <= int(text) <= count:
            self.step = int(text) - 1
            return []
        return [_("link, step: {value} is not a number from 1 to {count}").format(value=shown(text), count=count)]

    def _read_predictions(self, texts: Link) -> list[str]:
        problems = []
        for key, text in texts.items():
            question = self.lesson.questions.get(key.removeprefix(PREDICTION))
            prediction = None if question is None else _read_prediction(question, text)
            if question is None or prediction is None:
                problems.append(_("link, {name}: {value} is no answer").format(name=shown(key), value=shown(text)))
            else:
                self.predictions[question.name] = prediction
        return problems

    def _read_controls(self, text: str) -> list[str]:
        """Read the names of the fields that the reader may change, or the word for none."""
        if not text:
            return []
        names, known = NAMES.read(text), self.section.labels()
        self.only = tuple(name for name in names if name in known)
        if unknown := [name for name in names if name not in known]:
            return [_("link, controls: {value} is not one of {names}").format(
                value=shown(unknown[0]), names=", ".join([*known, NAMES.empty]))]  # fmt: skip
        return []

    def to_link(self) -> Link:
        """Return the query parameters that open this step."""
        if not self.name or self.view is None:
            return {}
        link = {LESSON: self.name}
        if self.step:
            link[STEP] = str(self.step + 1)
        link |= {PREDICTION + name: write(prediction) for name, prediction in self.predictions.items()}
        if self.only is not None:
            link[CONTROLS] = NAMES.write(self.only)
        return link | self.fields_link()

    def fields_link(self) -> Link:
        """Return the query parameters of the fields; none if all have their initial values."""
        initial = self.initial_view(self.step)
        if self.view is None or self.view == initial:
            return {}
        if link := self.view.to_link():
            return link
        changed = next(name for name, value in self.view if value != getattr(initial, name))
        return {changed: write(getattr(self.view, changed))}  # all fields have their defaults: say so with one

    def widget_values(self) -> dict[str, Any]:
        """Return the fields and the prediction in the form that their widgets take."""
        if not self.name or self.view is None:
            return {}
        values: dict[str, Any] = {widget_key(self.section.name, name): value for name, value in self.view}
        if isinstance(self.current, Ask):
            values[WIDGET + self.current.name] = self.predictions.get(self.current.name)
        return values

    def read_widgets(self) -> None:
        """Set the prediction from its widget. ``compute`` reads the others."""
        if not self.name or not isinstance(self.current, Ask):
            return
        prediction = st.session_state.get(WIDGET + self.current.name)
        if prediction is None:
            self.predictions.pop(self.current.name, None)
        else:
            self.predictions[self.current.name] = _whole(prediction)
            self.link_problems = []

    def compute(self, values: dict[str, Any] | None = None) -> Any:
        """Return the result of the experiment.

        Args:
            values: Values of the widgets; if they are invalid, the last valid fields are used. None for the fields.
        """
        if values is not None:
            try:
                view = self.section.view.parse(values)
                result = self.section.compute(view)
            except InputError as error:
                if self.problem != str(error):
                    log.warning("refused: %s", error)
                self.problem = str(error)
            else:
                if view != self.view:
                    self.link_problems = []
                self.problem, self.view = "", view
                return result
        return self.section.compute(self.view)

    def go(self, step: int) -> None:
        """Go to a step, or to the first question before it that must be answered first."""
        blocked = (one for one in self.lesson.pending(step) if self.question_at(one) not in self.predictions)
        self.step = next(blocked, step)

    def question_at(self, step: int) -> str:
        """Return the name of the question that a step asks."""
        question = self.lesson.steps[step]
        return question.name if isinstance(question, Ask) else ""

    def move(self, by: int) -> None:
        """Go some steps forwards or backwards, in a callback. A step begins with its own initial fields."""
        self.mark_user_action()
        self.read_widgets()
        before = self.step
        self.go(self.step + by)
        if self.view is not None and self.step > before:
            start = self.lesson.steps[self.step].start if self.step < len(self.lesson.steps) else {}
            if start:
                self.view = self.section.view.parse({**dict(self.view), **start})
        elif self.step < before and self.lesson.fields_at(self.step) != self.lesson.fields_at(before):
            self.view = self.initial_view(self.step)
        self.link_problems, self.problem = [], ""
        self.fill()


def _read_prediction(question: Ask, text: str) -> Answer | None:
    """Return the prediction that a link contains; None if it is not one."""
    if question.options:
        return text if text in question.options else None
    try:
        number = float(text)
    except ValueError:
        return None
    return _whole(number) if abs(number) < MAX_GUESS else None


def _whole(prediction: Answer) -> Answer:
    """Return a whole number as an integer, which links write without a decimal point."""
    return int(prediction) if isinstance(prediction, float) and prediction.is_integer() else prediction
