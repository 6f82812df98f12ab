"""The sections of the chosen runs: curves, sweep, test set, settings, log and files."""

from collections.abc import Sequence

import streamlit as st

from explorer.i18n import _, ngettext
from explorer.jobs.compare import SEED, by_configuration
from explorer.jobs.store import Record
from explorer.ui.runs import state, words
from explorer.ui.runs.view import MAX_CHOSEN, Section
from explorer.ui.shared import job_status
from explorer.ui.shared.text import plain


def sweep_name(name: str) -> str:
    """Returns the name of a sweep: the name of one of its runs without the values."""
    return name.rpartition(" · ")[0] or name


def render_heading(chosen: Sequence[Record]) -> None:
    """Renders name and summary of one run, or the number of the chosen runs."""
    if len(chosen) == 1:
        record = chosen[0]
        st.header(plain(record.name), anchor=False)
        parts = (words.network(record), words.data(record), words.recipe(record), _seed(record))
        gist = plain(" · ".join(parts))
        st.caption(f"{job_status.status_with_icon(record.status)} · {gist}")
    elif _one_sweep(chosen):
        st.header(
            ngettext("{count} run of the sweep {name}", "{count} runs of the sweep {name}", len(chosen)).format(
                count=len(chosen), name=plain(sweep_name(chosen[0].name))
            ),
            anchor=False,
        )
        if len(chosen) == MAX_CHOSEN:
            st.caption(
                _("At most {count} runs are shown at once; of a larger sweep, the newest.").format(count=MAX_CHOSEN)
            )
    else:
        st.header(ngettext("{count} run", "{count} runs", len(chosen)).format(count=len(chosen)), anchor=False)


def _seed(record: Record) -> str:
    return _("seed {seed}").format(seed=record.recipe[SEED])


def _one_sweep(chosen: Sequence[Record]) -> bool:
    return len(chosen) > 1 and bool(chosen[0].sweep) and len({record.sweep for record in chosen}) == 1


def render(chosen: Sequence[Record]) -> Section:
    """Renders the choice of the section and its options, and returns the section. A sweep has its own first section."""
    names: dict[Section, str] = {
        "curves": _("Curves"),
        "gradients": _("Gradients"),
        "test": _("Test set"),
        "settings": _("Settings") if len(chosen) == 1 else _("Differences"),
        "log": _("Log"),
        "files": _("Files"),
    }
    if _one_sweep(chosen):
        names = {"sweep": _("Sweep"), **names}
    key, first = state.VIEW + "show", next(iter(names))
    shown = state.RunsState.of_session().view.show
    section: Section = shown if shown in names else first
    st.session_state[key] = section

    def select() -> None:
        selected = st.session_state[key]
        state.change(show=None if selected == first else selected)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            _("Show"), list(names), required=True, format_func=names.__getitem__, key=key, label_visibility="collapsed",
            on_change=select,
        )  # fmt: skip
        if section == "curves" and len(by_configuration(chosen)) < len(chosen):
            seeds = {"together": _("Mean of seeds"), "apart": _("Each seed")}
            st.segmented_control(
                _("Seeds"), list(seeds), required=True, format_func=seeds.__getitem__, key=state.VIEW + "seeds",
                label_visibility="collapsed", persist_state="page",
            )  # fmt: skip
        if section == "curves":
            axes = {"loss": _("Loss"), "rate": _("Learning rate"), "grad_norm": _("Gradient")}
            st.pills(
                _("Logarithmic axis"), list(axes), selection_mode="multi", format_func=axes.__getitem__,
                key=state.VIEW + "log", persist_state="page",
            )  # fmt: skip
    return section
