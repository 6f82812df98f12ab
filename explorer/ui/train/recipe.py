"""The recipe: its preset, its fields, and the learning rate over the run."""

import streamlit as st
import torch

from explorer.analysis import analyse
from explorer.data.preview import Preview
from explorer.i18n import _
from explorer.recipes import RECIPES, Recipe
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import Form
from explorer.ui.train import fields, rates, state, weights
from explorer.ui.train.groups import groups, main_fields
from explorer.ui.train.state import Training

NO_TOOLBAR = {"displayModeBar": False}
RATE = "rate"  # name of the chart's place among the containers of the fields


def render(training: Training, preview: Preview | None) -> None:
    """Renders the widgets of the recipe, and reserves the place of :func:`render_rate`.

    ``preview`` describes the data, if it has been read.
    """
    form = training.form
    preset = RECIPES[form.preset]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Recipe"), list(RECIPES), key=state.PRESET, on_change=state.open_preset,
            format_func=lambda name: f"{RECIPES[name].title} · {name}",
        )  # fmt: skip
        st.button(
            _("Reset"), icon=":material/restart_alt:", key="train-reset", on_click=state.open_preset,
            disabled=not (form.changes or training.problems),
            help=_("Back to the recipe {name}").format(name=preset.name),
        )  # fmt: skip
    st.caption(
        _("{source}. Changed, marked ●: {fields}").format(source=plain(preset.source), fields=_changes_text(form))
        if form.changes
        else _("{source}.").format(source=plain(preset.source))
    )
    if "recipe" in training.problems:
        fields.show_problem(training.problems["recipe"])
    _render_group(training, main_fields())
    hidden = groups(
        auxiliary=analyse(form.spec).totals.aux_params > 0, gpu=torch.cuda.is_available(),
        trained=form.recipe.weights is not None,
    )  # fmt: skip
    main = {field.name for field in main_fields()}
    with st.expander(
        _("More settings"), icon=":material/tune:", key="train-more",
        expanded=not main.issuperset({*form.changes, *training.problems.keys() & Recipe.model_fields.keys()}),
    ):  # fmt: skip
        for title, members in hidden.items():
            st.header(title, anchor=False)
            if any(field.name == "init" for field in members):
                weights.render(training, preview)
            _render_group(training, members)
            if any(field.name == "schedule" for field in members):
                training.containers[RATE] = st.container()


def _render_group(training: Training, members: tuple[fields.Field, ...]) -> None:
    wide = [field for field in members if field.kind is fields.Kind.AUGMENTATIONS]
    for field in wide:
        _render_field(training, field)
    with st.grid(3, min_column_width=fields.MIN_WIDTH, gap="xsmall"):
        for field in members:
            if field not in wide:
                _render_field(training, field)


def _render_field(training: Training, field: fields.Field) -> None:
    form, problem = training.form, training.problems.get(field.name)
    if field.is_used(form.recipe) or problem:
        with st.container(gap="xxsmall"):
            fields.render(field, getattr(form.recipe, field.name), field.name in form.changes, problem)
            training.containers[field.name] = st.container()


def render_rate(training: Training, *, dark: bool) -> None:
    """Renders the learning rate over the run in its place. Comes last, so that the costs of the run don't wait."""
    recipe = training.form.recipe
    with training.containers[RATE]:
        st.plotly_chart(
            rates.chart(recipe, dark=dark), key="train-rate", config=NO_TOOLBAR,
            alt=rates.description(recipe),
        )  # fmt: skip
        if recipe.schedule == "plateau":
            st.caption(
                _(
                    "This curve assumes that the loss falls in every epoch; each plateau multiplies the rate by "
                    "{factor:g}."
                ).format(factor=recipe.gamma)
            )


def _changes_text(form: Form) -> str:
    before = RECIPES[form.preset].recipe.to_dict()
    return ", ".join(
        _("{field} {before} → {after}").format(
            field=plain(key), before=plain(_value_text(before[key])), after=plain(_value_text(value))
        )
        for key, value in form.changes.items()
    )


def _value_text(value: object) -> str:
    if value is None:
        return _("auto")
    if isinstance(value, list):
        return " ".join(map(str, value)) or _("none")
    return f"{value:g}" if isinstance(value, float) else str(value)
