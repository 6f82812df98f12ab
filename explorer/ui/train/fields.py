"""Widgets for the fields of a recipe."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, get_args

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.recipes.recipe import Augmentation, Recipe
from explorer.ui.shared.text import plain

PREFIX = "train.recipe."
BY_DATA = "train.augment-by-data"  # whether the data set determines the augmentation
MIN_WIDTH = 118  # pixels of a field
_FIELD = re.compile(r"(\w+)(\[\d+\])?:")


class Kind(Enum):
    """Kind of a field's widget."""

    NUMBER = auto()
    INTEGER = auto()
    CHOICE = auto()
    FLAG = auto()
    NUMBERS = auto()
    NAMES = auto()
    AUGMENTATIONS = auto()


@dataclass(frozen=True)
class Field:
    """A field of the recipe.

    Attributes:
        name: Name of the field.
        label: Label above the widget.
        help: Tooltip of the widget.
        kind: Kind of the widget.
        step: Step of a number's buttons.
        empty: Placeholder of an empty widget. Empty if the field needs a value.
        names: Labels of the values of a choice.
        is_used: Function that returns whether a recipe uses the field.
    """

    name: str
    label: str
    help: str
    kind: Kind = Kind.NUMBER
    step: float = 0.1
    empty: str = ""
    names: Mapping[Any, str] | None = None
    is_used: Callable[[Recipe], bool] = lambda _recipe: True

    @property
    def key(self) -> str:
        """Key of the widget."""
        return PREFIX + self.name


def clear() -> None:
    """Deletes the values of the widgets. Each widget takes the recipe's value when it is rendered next.

    Assigning the values here would not work: an assigned value would come back whenever Streamlit drops the widget's.
    """
    for key in (BY_DATA, *(PREFIX + name for name in Recipe.model_fields)):
        st.session_state.pop(key, None)


def read_widgets(recipe: Recipe) -> tuple[Recipe, dict[str, str]]:
    """Returns the recipe with the values of the widgets, and problems by field. Invalid fields keep their values."""
    values = {name: _widget_value(name) for name in Recipe.model_fields if PREFIX + name in st.session_state}
    if BY_DATA in st.session_state:
        values["augment"] = None if st.session_state[BY_DATA] else values.get("augment") or []
    problems: dict[str, str] = {}
    while True:
        try:
            return recipe.changed(**values), problems
        except InputError as error:
            match = _FIELD.match(str(error))
            name = match[1] if match else "recipe"
            problems.setdefault(name, str(error))
            if name not in values:  # two fields contradict each other
                return recipe, problems
            del values[name]


def render(field: Field, value: Any, changed: bool, problem: str | None) -> None:
    """Renders the widget of a field. ``changed`` marks a value that differs from the preset."""
    if field.kind is not Kind.AUGMENTATIONS:
        # Streamlit drops the value of a widget that is not rendered.
        st.session_state.setdefault(field.key, _to_widget(value))
    label = marked(field.label, changed=changed)
    match field.kind:
        case Kind.NUMBER | Kind.INTEGER:
            options: dict[str, Any] = {"value": None, "placeholder": field.empty} if field.empty else {}
            st.number_input(label, key=field.key, step=field.step, format="%.12g", help=field.help, **options)
        case Kind.CHOICE:
            names = dict(field.names or {})
            st.selectbox(
                label, list(names), key=field.key, help=field.help,
                format_func=lambda one: names.get(one, str(one)),
            )  # fmt: skip
        case Kind.FLAG:
            st.toggle(label, key=field.key, help=field.help)
        case Kind.NUMBERS | Kind.NAMES:
            st.text_input(label, key=field.key, help=field.help, placeholder=field.empty)
        case Kind.AUGMENTATIONS:
            _augmentations(field, label, value)
    if problem:
        show_problem(problem)


def marked(label: str, *, changed: bool) -> str:
    """Returns a label, with a mark if its value differs from the preset."""
    return _("{name} ●").format(name=label) if changed else label


def _augmentations(field: Field, label: str, value: Any) -> None:
    st.session_state.setdefault(BY_DATA, value is None)
    st.toggle(label, key=BY_DATA, help=field.help)
    if not st.session_state[BY_DATA]:
        st.session_state.setdefault(field.key, list(value or ()))
        names = dict(field.names or {})
        st.pills(
            _("Augmentations"), list(names), key=field.key, selection_mode="multi", label_visibility="collapsed",
            format_func=lambda name: str(names[name]),
        )  # fmt: skip


def show_problem(problem: str) -> None:
    """Renders an error message at this place."""
    st.caption(f":material/error: {plain(problem)}")


def as_integer(value: Any) -> Any:
    """Converts a number input's value to an integer. Returns other values unchanged; validation refuses them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _to_widget(value: Any) -> Any:
    """Converts a field's value to its widget's value."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return float(value)  # so that 1.5 can be typed and gets an error message
    if isinstance(value, tuple) and not (value and value[0] in get_args(Augmentation)):
        return ", ".join(map(str, value))
    return list(value) if isinstance(value, tuple) else value


def _widget_value(name: str) -> Any:
    """Converts a widget's value to the field's value."""
    value = st.session_state[PREFIX + name]
    annotation = str(Recipe.model_fields[name].annotation)
    if name == "augment":
        return value if isinstance(value, list) else None
    if name == "freeze":
        return [part for part in re.split(r"[\s,]+", value or "") if part]
    if name in ("mean", "std"):
        parts = [part for part in re.split(r"[\s,]+", value or "") if part]
        return [_number(part) for part in parts] or None
    if isinstance(value, float):
        return as_integer(value) if "int" in annotation else float(f"{value:.12g}")
    return value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
