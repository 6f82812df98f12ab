"""The Train page: network, data and epochs, the cost of the run, and Train. Everything else is folded.

Every change is checked. An invalid value gets an error message next to its field. The link contains the form.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.shared import link_problems
from explorer.ui.train import data, network, recipe, run, state, submit, sweep

training = state.Training.of_session()
training.begin()
dark = st.context.theme.type == "dark"

st.title(_("Train"), anchor=False)
link_problems.render(training, _("Parts of this link can't be read: you see the default instead"))
widths = sweep.COLUMN_WIDTHS_WITH_TABLE if training.form.rows else (11, 14, 10)
data_side, recipe_side, run_side = st.columns(widths, gap="medium")

with data_side:
    network.render(training)
    changed_for_data = st.container()
    preview = data.render(training, dark=dark)
with recipe_side:
    recipe.render(training, preview)

jobs = sweep.planned_jobs(training)
with run_side:
    start_area = st.container()
    run.render_options(training)
    sweep.render(training)
with start_area:
    ready = False
    if preview:
        with changed_for_data:
            spec = network.render_fitted(training.form, preview)
        ready = spec is not None and bool(jobs) and run.render_cost(training, spec, preview, jobs)
    submit.render(training, len(jobs), ready=ready)
recipe.render_rate(training, dark=dark)

training.write_link()
