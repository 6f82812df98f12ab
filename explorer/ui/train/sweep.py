"""A sweep: several values for some fields, and a job for each combination."""

from functools import lru_cache

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.recipes import Recipe
from explorer.recipes.changes import MAX_SWEEP, SPEC
from explorer.ui.text import plain
from explorer.ui.train import state
from explorer.ui.train.fields import complain
from explorer.ui.train.form import MAX_ROWS, Form
from explorer.ui.train.state import Training

FIRST = ("lr", "batch_size", "weight_decay", "optimizer", "epochs", "seed")  # that people vary most
NETWORK_FIRST = ("spec.dropout", "spec.classifier")
# Hidden width, dropout and rate, as in R0's table.
EXAMPLE = (("spec.classifier", "[64], [256], [512]"), ("spec.dropout", "0.2, 0.4, 0.6"), ("lr", "1e-3, 1e-4"))


def draw(training: Training) -> None:
    """The rows of the sweep."""
    form = training.form
    with st.expander(
        _("Sweep: several values at once"), icon=":material/tune:", key="train-sweep", expanded=bool(form.sweep)
    ):
        st.caption(
            _(
                "A job for each combination of the values, at most {limit}. Commas stand between values, brackets "
                "around lists."
            ).format(limit=MAX_SWEEP)
        )
        options = _options(form)
        for row in range(len(form.sweep)):
            _row(row, form, options)
        with st.container(horizontal=True):
            st.button(
                _("Add a field"), icon=":material/add:", key="train-sweep-add", on_click=_add, args=(options,),
                disabled=len(form.sweep) == MAX_ROWS,
            )  # fmt: skip
            st.button(
                _("Example"), icon=":material/table:", key="train-sweep-example", on_click=_example, type="tertiary",
                help=_("Hidden width × dropout × learning rate: the table of the VGG notes."),
            )  # fmt: skip
        if "sweep" in training.problems:
            complain(training.problems["sweep"])


def _row(row: int, form: Form, options: list[str]) -> None:
    key, _values = form.sweep[row]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.session_state.setdefault(f"{state.SWEEP}{row}.key", key)
        st.session_state.setdefault(f"{state.SWEEP}{row}.values", _values)
        st.selectbox(
            _("Field"), options if key in options else [*options, key], key=f"{state.SWEEP}{row}.key", width=150,
            label_visibility="visible" if row == 0 else "collapsed",
        )  # fmt: skip
        st.text_input(
            _("Values"), key=f"{state.SWEEP}{row}.values", max_chars=400, placeholder=_hint(form, key),
            label_visibility="visible" if row == 0 else "collapsed",
        )  # fmt: skip
        st.button(
            _("Remove"), icon=":material/close:", key=f"train-sweep-remove-{row}", on_click=_drop, args=(row,),
            type="tertiary",
        )  # fmt: skip


def planned(training: Training) -> list[Job]:
    """The jobs that would be submitted; where the sweep breaks a rule that is said, and there are none."""
    try:
        return list(_planned(training.form))
    except InputError as error:
        training.problems["sweep"] = str(error)
        return []


@lru_cache(maxsize=32)
def _planned(form: Form) -> tuple[Job, ...]:
    """Remembered, for a hundred jobs take longer to make than a page may wait."""
    return tuple(form.jobs())


def _options(form: Form) -> list[str]:
    """Fields of the recipe and of the network, what people vary most first; those of lists that need a table last."""
    of_spec = [SPEC + key for key in form.spec.to_dict() if key != "family"]
    first = [*FIRST, *(key for key in NETWORK_FIRST if key in of_spec)]
    rest = [key for key in (*Recipe.model_fields, *of_spec) if key not in first and key != "weights"]
    return first + rest


def _hint(form: Form, key: str) -> str:
    value = (form.spec.to_dict() if key.startswith(SPEC) else form.recipe.to_dict()).get(key.removeprefix(SPEC))
    return plain(_("now {value}").format(value=value))


def _add(options: list[str]) -> None:
    rows = _rows()
    used = {key for key, _values in rows}
    state.change(sweep=(*rows, (next(key for key in options if key not in used), "")))


def _drop(row: int) -> None:
    rows = _rows()
    state.change(sweep=rows[:row] + rows[row + 1 :])


def _example() -> None:
    fields = st.session_state["training"].form.spec.to_dict()
    rows = [(key, values) for key, values in EXAMPLE if not key.startswith(SPEC) or key.removeprefix(SPEC) in fields]
    state.change(sweep=tuple(rows))


def _rows() -> tuple[tuple[str, str], ...]:
    """As the widgets have them now."""
    training: Training = st.session_state["training"]
    rows = training.form.sweep
    return tuple(
        (
            st.session_state.get(f"{state.SWEEP}{row}.key", key),
            st.session_state.get(f"{state.SWEEP}{row}.values", values),
        )
        for row, (key, values) in enumerate(rows)
    )
