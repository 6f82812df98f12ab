"""Widgets of a sweep: a grid with a job for each combination, or a table with a job for each row."""

import json
from functools import lru_cache

import pandas as pd
import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.recipes import Recipe
from explorer.recipes.changes import MAX_SWEEP, SPEC
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import MAX_COLUMNS, MAX_ROWS, Form
from explorer.ui.train import state
from explorer.ui.train.fields import show_problem
from explorer.ui.train.state import Training

COLUMN_WIDTHS_WITH_TABLE = (9, 12, 14)  # of the page, if the last column has a table

COMMON_FIELDS = ("lr", "batch_size", "weight_decay", "optimizer", "epochs", "seed")  # fields that people vary most
COMMON_NETWORK_FIELDS = ("spec.dropout", "spec.classifier")
# Hidden width, dropout and learning rate in all combinations.
EXAMPLE = (("spec.classifier", "[64], [256], [512]"), ("spec.dropout", "0.2, 0.4, 0.6"), ("lr", "1e-3, 1e-4"))
MAX_VALUES = 8_000  # characters: as many values as a sweep may have jobs
CELL_WIDTH = 78  # pixels: four columns fit next to the recipe
# A table like that of the VGG notes: two hidden layers, dropout, batch size and rate. Its rows form no grid.
EXAMPLE_KEYS = ("spec.classifier", "spec.dropout", "batch_size", "lr")
EXAMPLE_ROWS = (
    ("[50, 50]", "0.4", "32", "1e-4"),
    ("[50, 50]", "0.5", "64", "1e-3"),
    ("[70, 70]", "0.4", "32", "1e-4"),
    ("[70, 70]", "0.5", "128", "1e-3"),
    ("[256, 256]", "0.4", "32", "1e-4"),
    ("[256, 256]", "0.5", "64", "1e-4"),
    ("[512, 512]", "0.4", "32", "1e-4"),
    ("[512, 512]", "0.5", "64", "1e-3"),
    ("[512, 512]", "0.2", "128", "1e-4"),
)


def render(training: Training) -> None:
    """Renders the grid and the table of the sweep."""
    form = training.form
    with st.expander(
        _("Sweep: several values at once"), icon=":material/tune:", key="train-sweep",
        expanded=bool(form.sweep or form.rows),
    ):  # fmt: skip
        st.caption(
            _(
                "A job for each combination of the values, at most {limit}. Separate values with commas, and put "
                "lists in brackets. 1..10 stands for the whole numbers from 1 to 10."
            ).format(limit=MAX_SWEEP)
        )
        options = _field_names(form)
        for row in range(len(form.sweep)):
            _render_row(row, form, options)
        with st.container(horizontal=True):
            st.button(
                _("Add a field"), icon=":material/add:", key="train-sweep-add", on_click=_add_field, args=(options,),
                disabled=len(form.sweep) == MAX_ROWS,
            )  # fmt: skip
            st.button(
                _("Example"), icon=":material/table:", key="train-sweep-example", on_click=_example, type="tertiary",
                help=_("Hidden width × dropout × learning rate: the table of the VGG notes."),
            )  # fmt: skip
        _render_table(training, options)
        if "sweep" in training.problems:
            show_problem(training.problems["sweep"])


def _render_table(training: Training, options: list[str]) -> None:
    """Renders the table: a column for each field, a job for each row."""
    form = training.form
    keys = form.rows[0] if form.rows else ()
    st.caption(
        _("Or a table: each row is a job, and an empty cell leaves the field as it is.")
        if not form.sweep
        else _("Or a table: each row is trained with each combination from above. An empty cell leaves the field.")
    )
    if not keys:
        with st.container(horizontal=True):
            st.button(
                _("Make a table"), icon=":material/table_rows:", key="train-rows-new", on_click=_new_table,
                args=(options[0],),
            )  # fmt: skip
            st.button(
                _("Nine rows"), icon=":material/table:", key="train-rows-example", on_click=_example_rows,
                type="tertiary",
                help=_("A table like that of the VGG notes: two hidden layers, dropout, batch size and learning rate."),
            )  # fmt: skip
        return
    key = f"train-rows-keys.{training.revision}"
    st.multiselect(
        _("Columns"), list(dict.fromkeys([*keys, *options])), list(keys), key=key, max_selections=MAX_COLUMNS,
        on_change=_change_columns, args=(key,),
    )  # fmt: skip
    _keys, *rows = training.table
    st.data_editor(
        pd.DataFrame(rows, columns=list(keys), dtype=object),
        key=state.table_key(training),
        num_rows="dynamic",
        hide_index=True,
        row_height=30,
        column_config={
            name: st.column_config.TextColumn(
                name.removeprefix(SPEC), max_chars=200, help=_current_value_hint(form, name), width=CELL_WIDTH
            )
            for name in keys
        },
        alt=_("Rows of the sweep: one job each"),
    )
    st.button(_("Remove the table"), icon=":material/close:", key="train-rows-remove", on_click=state.change,
              kwargs={"rows": ()}, type="tertiary")  # fmt: skip


def _new_table(key: str) -> None:
    value = _current_text(key)
    state.change(rows=((key,), (value,)))


def _current_text(key: str) -> str:
    value = _current_value(Training.of_session().form, key)
    return "" if value is None else json.dumps(value) if not isinstance(value, str) else value


def _current_value(form: Form, key: str) -> object:
    fields = form.spec.to_dict() if key.startswith(SPEC) else form.recipe.to_dict()
    return fields.get(key.removeprefix(SPEC))


def _change_columns(key: str) -> None:
    """Callback of the choice of columns. The remaining columns keep their values."""
    training = Training.of_session()
    state.change()  # reads the edits of the table first
    keys: list[str] = st.session_state[key]
    before = training.form.rows
    rows = [dict(zip(before[0], row, strict=True)) for row in before[1:]]
    table = (tuple(keys), *(tuple(row.get(name, "") for name in keys) for row in rows))
    state.change(rows=table if keys else ())


def _example_rows() -> None:
    """Opens the example table without fields that the network does not have, and without duplicate rows."""
    fields = Training.of_session().form.spec.to_dict()
    places = [
        place for place, key in enumerate(EXAMPLE_KEYS) if not key.startswith(SPEC) or key.removeprefix(SPEC) in fields
    ]
    table = dict.fromkeys(tuple(row[place] for place in places) for row in (EXAMPLE_KEYS, *EXAMPLE_ROWS))
    state.change(rows=tuple(table))


def _render_row(row: int, form: Form, options: list[str]) -> None:
    key, _values = form.sweep[row]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.session_state.setdefault(f"{state.SWEEP}{row}.key", key)
        st.session_state.setdefault(f"{state.SWEEP}{row}.values", _values)
        st.selectbox(
            _("Field"), options if key in options else [*options, key], key=f"{state.SWEEP}{row}.key", width=150,
            label_visibility="visible" if row == 0 else "collapsed",
        )  # fmt: skip
        st.text_input(
            _("Values"), key=f"{state.SWEEP}{row}.values", max_chars=MAX_VALUES,
            placeholder=_current_value_hint(form, key), label_visibility="visible" if row == 0 else "collapsed",
        )  # fmt: skip
        st.button(
            _("Remove"), icon=":material/close:", key=f"train-sweep-remove-{row}", on_click=_remove_row, args=(row,),
            type="tertiary",
        )  # fmt: skip


def planned_jobs(training: Training) -> list[Job]:
    """Returns the jobs of the form. If the sweep is invalid, adds its problem and returns no jobs."""
    try:
        return list(_cached_jobs(training.form))
    except InputError as error:
        if str(error) not in training.problems.values():  # a problem of weights or frozen parts is shown there
            training.problems["sweep"] = str(error)
        return []


@lru_cache(maxsize=32)
def _cached_jobs(form: Form) -> tuple[Job, ...]:
    """Caches the jobs, because a page can't wait for a hundred new jobs in every run."""
    return tuple(form.jobs())


def _field_names(form: Form) -> list[str]:
    """Returns the fields of recipe and network that a sweep can vary, most common first."""
    of_spec = [SPEC + key for key in form.spec.to_dict() if key != "family"]
    first = [*COMMON_FIELDS, *(key for key in COMMON_NETWORK_FIELDS if key in of_spec)]
    rest = [key for key in (*Recipe.model_fields, *of_spec) if key not in first and key != "weights"]
    return first + rest


def _current_value_hint(form: Form, key: str) -> str:
    return plain(_("now {value}").format(value=_current_value(form, key)))


def _add_field(options: list[str]) -> None:
    rows = state.sweep_rows(Training.of_session().form)
    used = {key for key, _values in rows}
    state.change(sweep=(*rows, (next(key for key in options if key not in used), "")))


def _remove_row(row: int) -> None:
    rows = state.sweep_rows(Training.of_session().form)
    state.change(sweep=rows[:row] + rows[row + 1 :])


def _example() -> None:
    fields = Training.of_session().form.spec.to_dict()
    rows = [(key, values) for key, values in EXAMPLE if not key.startswith(SPEC) or key.removeprefix(SPEC) in fields]
    state.change(sweep=tuple(rows))
