"""What of the chosen runs is open: curves, sweep, test set, settings, log or files."""

from collections.abc import Sequence

import streamlit as st

from explorer.i18n import _
from explorer.jobs.compare import SEED, by_configuration
from explorer.jobs.store import Record
from explorer.ui.runs import state, words
from explorer.ui.runs.view import Section
from explorer.ui.shared.text import plain


def sweep_name(record: Record) -> str:
    """What the sweep is called that a run is of: without the values that are this run's own."""
    return record.name.rpartition(" · ")[0] or record.name


def heading(chosen: Sequence[Record]) -> None:
    """Name and gist of one run, or how many are chosen."""
    if len(chosen) == 1:
        record = chosen[0]
        st.header(plain(record.name), anchor=False)
        parts = (words.network(record), words.data(record), words.recipe(record), _seed(record))
        gist = plain(" · ".join(parts))
        st.caption(f"{words.status_with_icon(record.status)} · {gist}")
    elif _one_sweep(chosen):
        st.header(
            _("{count} runs of the sweep {name}").format(count=len(chosen), name=plain(sweep_name(chosen[0]))),
            anchor=False,
        )
    else:
        st.header(_("{count} runs").format(count=len(chosen)), anchor=False)


def _seed(record: Record) -> str:
    return _("seed {seed}").format(seed=record.recipe[SEED])


def _one_sweep(chosen: Sequence[Record]) -> bool:
    return len(chosen) > 1 and bool(chosen[0].sweep) and len({record.sweep for record in chosen}) == 1


def choose(chosen: Sequence[Record]) -> Section:
    """Let the user choose; a sweep shows itself first, everything else its curves."""
    names: dict[Section, str] = {
        "curves": _("Curves"),
        "test": _("Test set"),
        "settings": _("Settings") if len(chosen) == 1 else _("Differences"),
        "log": _("Log"),
        "files": _("Files"),
    }
    if _one_sweep(chosen):
        names = {"sweep": _("Sweep"), **names}
    key, first = state.VIEW + "show", next(iter(names))
    shown = state.watching().view.show
    section: Section = shown if shown in names else first
    st.session_state[key] = section

    def chosen_one() -> None:
        wanted = st.session_state[key]
        state.change(show=None if wanted == first else wanted)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            _("Show"), list(names), required=True, format_func=names.__getitem__, key=key, label_visibility="collapsed",
            on_change=chosen_one,
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
