"""Train: a form with network, data, recipe and resources, the cost of the run, and the queue.

Every change of the form is checked. If a field breaks a rule, the page shows the error next to it and keeps the last
valid form. The link contains the whole form.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.shared.text import plain
from explorer.ui.train import data, network, recipe, run, state, submit, sweep

training = state.Training.of_session()
training.begin()
dark = st.context.theme.type == "dark"

st.title(_("Train"), anchor=False)
if training.link_problems:
    st.error(
        "\n".join(f"- {plain(problem)}" for problem in training.link_problems),
        title=_("Parts of this link can't be read: you see the default instead"),
        icon=":material/error:",
    )
given_side, recipe_side, run_side = st.columns(sweep.WITH_TABLE if training.form.rows else [11, 14, 10], gap="medium")

with given_side:
    network.render(training)
    changed_for_data = st.container()
    found = data.render(training, dark=dark)
with recipe_side:
    recipe.render(training, found, dark=dark)

jobs = sweep.planned(training)
with run_side:
    run.name(training)
    run.resources(training)
    sweep.render(training)
    ready = False
    if found:
        with changed_for_data:
            spec = network.fitted(training.form, found)
        ready = spec is not None and bool(jobs) and run.price(training, spec, found, jobs)
    submit.render(training, len(jobs), ready=ready)

training.write_link()
