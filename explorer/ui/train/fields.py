"""The fields of a recipe as widgets: which there are, when they matter, and what they say."""

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
BY_DATA = "train.augment-by-data"  # whether augmentation is left to the data
LEAST = 118  # pixels of a field
_PLACE = re.compile(r"(\w+)(\[\d+\])?:")


class Kind(Enum):
    """How a field is typed."""

    NUMBER = auto()
    WHOLE = auto()
    CHOICE = auto()
    FLAG = auto()
    NUMBERS = auto()
    NAMES = auto()
    AUGMENTATIONS = auto()


@dataclass(frozen=True)
class Field:
    """A field of the recipe.

    Attributes:
        name: of the field.
        label: above the widget.
        help: on hover.
        kind: of the widget.
        step: of a number's buttons.
        empty: what an empty widget means, where it may be empty.
        names: of the values of a choice.
        matters: whether the rest of the recipe has a use for it.
    """

    name: str
    label: str
    help: str
    kind: Kind = Kind.NUMBER
    step: float = 0.1
    empty: str = ""
    names: Mapping[Any, str] | None = None
    matters: Callable[[Recipe], bool] = lambda _recipe: True

    @property
    def key(self) -> str:
        """Of the widget."""
        return PREFIX + self.name


def clear() -> None:
    """Forget what the widgets say: each takes the recipe's value when it is drawn next.

    A value that is assigned here and drawn later would come back whenever Streamlit drops the widget's own.
    """
    for key in (BY_DATA, *(PREFIX + name for name in Recipe.model_fields)):
        st.session_state.pop(key, None)


def settle(recipe: Recipe) -> tuple[Recipe, dict[str, str]]:
    """The recipe as the widgets say it; what breaks a rule is left as it was, with its problem by field."""
    said = {name: _said(name) for name in Recipe.model_fields if PREFIX + name in st.session_state}
    if BY_DATA in st.session_state:
        said["augment"] = None if st.session_state[BY_DATA] else said.get("augment") or []
    problems: dict[str, str] = {}
    while True:
        try:
            return recipe.changed(**said), problems
        except InputError as error:
            place = _PLACE.match(str(error))
            name = place[1] if place else "recipe"
            problems.setdefault(name, str(error))
            if name not in said:  # two fields that don't go together
                return recipe, problems
            del said[name]


def render(field: Field, value: Any, changed: bool, problem: str | None) -> None:
    """A field's widget; ``changed`` marks what differs from the preset."""
    if field.kind is not Kind.AUGMENTATIONS:
        st.session_state.setdefault(field.key, _shown(value))  # it was not drawn, and Streamlit has dropped it
    label = _("{name} ●").format(name=field.label) if changed else field.label
    match field.kind:
        case Kind.NUMBER | Kind.WHOLE:
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
        complain(problem)


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


def complain(problem: str) -> None:
    """Say what is wrong, at this place."""
    st.caption(f":material/error: {plain(problem)}")


def whole(value: Any) -> Any:
    """A number input's value as a whole number, where it is one; else for a rule to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> Any:
    """A recipe's value as its widget holds it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return float(value)  # so that the widget can refuse 1.5 in words
    if isinstance(value, tuple) and not (value and value[0] in get_args(Augmentation)):
        return ", ".join(map(str, value))
    return list(value) if isinstance(value, tuple) else value


def _said(name: str) -> Any:
    """What a widget says, as the recipe takes it."""
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
        return whole(value) if "int" in annotation else float(f"{value:.12g}")
    return value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
