"""The Runs page: a table of all jobs, and below it the details of the chosen ones.

The link contains the filters and the chosen runs. The table and the details are fragments that poll the store while one
of their runs is active. The whole page runs again when a run changes its status.
"""

import streamlit as st

from explorer import access
from explorer.errors import StoreError
from explorer.i18n import _
from explorer.jobs.store import ACTIVE, Status
from explorer.ui.runs import actions, disk, live, preview, results, run_settings, sections, shared, state, sweep, table
from explorer.ui.runs import files as files_section
from explorer.ui.shared import job_status, link_problems
from explorer.ui.shared.class_run import offer_jobs
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.store_errors import wait_for_store
from explorer.ui.shared.text import plain

page = state.RunsState.of_session()
page.begin()
try:
    listed = shared.list_runs(state.query())
    if not listed.records and listed.matching:  # runs were removed since the link was made
        page.set_view(page.view.changed(sheet=1))
        listed = shared.list_runs(state.query())
except StoreError as error:
    st.title(_("Runs"), anchor=False)
    st.error(
        plain(str(error)),
        title=_("The runs can't be listed; those that are training go on"),
        icon=":material/database_off:",
    )
    st.button(_("Try again"), icon=":material/refresh:", key="runs.again")
    wait_for_store(error)
    st.stop()
page.note(listed)
dark = st.context.theme.type == "dark"

with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    st.title(_("Runs"), anchor=False, width="content")
    if listed.overview.total and not access.refusal():
        st.button(
            _("Disk space"),
            icon=":material/hard_drive:",
            key="runs.disk",
            on_click=actions.open_dialog,
            args=(disk.CLEAR,),
        )
link_problems.render(page, _("Parts of this link can't be read: you see the rest"))
if page.error:
    st.error(plain(page.error), icon=":material/error:")
    page.error = ""

by_id = {record.id: record for record in listed.chosen}
if missing := [job for job in page.view.job if job not in by_id]:
    st.warning(
        _("These runs of the link are not here any more: {ids}").format(ids=", ".join(missing)),
        icon=":material/link_off:",
    )
if not listed.overview.total:
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(_("**No runs yet.** A network that you train appears here, and can be followed from any browser."))
        st.page_link("../pages/train.py", label=_("Train a network"), icon=":material/model_training:", width="content")
    st.stop()

sweeps = listed.overview.sweeps
with st.container(horizontal=True, key="runs-filters"):
    st.text_input(
        _("Find"), placeholder=_("Name, network or data"), icon=":material/search:", max_chars=100, width=220,
        key=state.VIEW + "text", persist_state="page",
    )  # fmt: skip
    select_box(
        _("Sweep"), list(dict.fromkeys(["", *sweeps, page.view.sweep])), page.view.sweep,
        lambda sweep: state.change(sweep=sweep, sheet=1), width=260, key="runs.sweep",
        words=lambda sweep: sections.sweep_name(sweeps[sweep]) if sweep in sweeps else sweep or _("Any"),
    )  # fmt: skip
    present = [status for status in Status if status in {*listed.overview.statuses, *page.view.status}]
    st.pills(
        _("Status"), present, selection_mode="multi", format_func=job_status.status_with_icon,
        key=state.VIEW + "status", persist_state="page",
    )  # fmt: skip

view = page.read_widgets()
table.render(listed)

chosen = listed.chosen
preview.render(dark=dark)
with st.container(key="runs-details"):
    if not chosen:
        st.info(_("Choose a run to see it close up, or tick several to compare them."), icon=":material/arrow_upward:")
    else:
        st.html(actions.STYLE)
        with st.container(horizontal=True, vertical_alignment="bottom", key="runs-head"):
            with st.container(key="runs-heading"):
                sections.render_heading(chosen)
            actions.render(chosen, listed)
        offer_jobs([record.id for record in chosen])
        section = sections.render(chosen)
        live.render([record.id for record in chosen], section, active=any(record.status in ACTIVE for record in chosen))
        match section:
            case "sweep":
                sweep.render(chosen, listed, dark=dark)
            case "test":
                results.render(chosen, view, dark=dark)
            case "settings":
                run_settings.render(chosen, dark=dark)
            case "files":
                files_section.render(chosen, listed)
preview.mark_answered()

if page.dialog[0] == disk.CLEAR:
    disk.render()
page.read_widgets()
page.write_link()
