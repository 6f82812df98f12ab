"""The test of a network on a test set. A cached result is shown at once, other tests run on request."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.data import uploads
from explorer.data.catalogue import NAMES
from explorer.data.downloads import is_downloaded
from explorer.errors import InputError, shown
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.prediction import testing
from explorer.prediction.testing import Evaluation
from explorer.ui.predict import calibration, state
from explorer.ui.shared import address
from explorer.ui.shared.recent_set import RecentSet
from explorer.ui.shared.results import classes, confusion, mistakes, scores
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import UPLOADED, data_title, path_of
from explorer.weights import registry
from explorer.weights.files import Card
from explorer.weights.registry import Origin, RegistryEntry
from explorer.workers.progress import Progress

REQUESTED = "predict.requested-tests"  # in session_state: tests that this session waits for
STOPPED = "predict.stopped-tests"  # in session_state: tests that this user has stopped; they may go on for others
POLL_INTERVAL = 2.0  # seconds between two checks for a test that another session has started


def _run_test(key: str, progress: Progress) -> bool:
    name, data = json.loads(key)
    testing.run(registry.find(name, progress), data, progress)
    return True


_tests = TaskQueue(_run_test, max_finished=4, cancel_abandoned=True)  # one at a time: a test takes every core


def render(entry: RegistryEntry | None, *, dark: bool) -> None:
    """Render the test of a network."""
    if entry is None or entry.card is None:
        return
    try:
        data = _choose_data(entry, entry.card)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    with st.spinner(_("Looking for an earlier test…")):  # it reads the weights, which may be large
        evaluation = testing.load_cached(entry.path, data) if entry.is_there else None
    key, requested = json.dumps([entry.name, data]), st.session_state.setdefault(REQUESTED, RecentSet())
    if _is_running_for_others(key):
        requested.add(key)
    if evaluation is not None:
        requested.discard(key)
        _render_results(evaluation, data, dark=dark)
    elif key in requested:
        _render_progress(key, data)
    else:
        _render_offer(entry, data)
        st.button(
            _("Run the test"), icon=":material/play_arrow:", key="predict-test", on_click=_request, args=(key,),
            help=_(
                "Every image of the test set is classified once. The result is saved, so that later visitors see it "
                "at once."
            ),
        )  # fmt: skip
        _poll(key)


@st.fragment(run_every=POLL_INTERVAL)
def _poll(key: str) -> None:
    """Run the page again as soon as another session starts the test."""
    if _is_running_for_others(key):
        state.predict_state().refresh()


def _is_running_for_others(key: str) -> bool:
    """Return whether the test is running and this user has not stopped it."""
    stopped = st.session_state.setdefault(STOPPED, RecentSet())
    if not _tests.is_pending(key):
        stopped.discard(key)
        return False
    return key not in stopped


def _choose_data(entry: RegistryEntry, card: Card) -> str:
    """Let the user choose a data set. Return its name or path.

    Raises:
        InputError: If the data set of the link is missing.
    """
    own = testing.own_data(entry) or _uploaded_training_data(card)
    default = own or _closest_data_set(card)
    offered = [*NAMES, *(UPLOADED + name for name in uploads.names())]
    on = state.predict_state().view.on
    if on and on not in offered:
        offered.append(on)  # the data set of the link is shown in any case

    def label(option: str) -> str:
        if option:
            return data_title(option)
        name = data_title(default) if default in offered else Path(default).name
        return (_("{data}, on which it was trained") if own else _("{data}, the closest data set here")).format(
            data=name
        )

    select_box(
        _("Test set"), ["", *(name for name in offered if name != default or name == on)], on,
        lambda name: state.change(on=name), words=label, key="predict.on",
    )  # fmt: skip
    if own is None and card.data.get("name"):
        _explain_missing_data(str(card.data["name"]))
    chosen = on or default
    if chosen.startswith(UPLOADED):
        uploads.check(chosen.removeprefix(UPLOADED))
    elif chosen not in NAMES and chosen != own:
        raise InputError(_("on: there is no data set {value}").format(value=shown(chosen)))
    return path_of(chosen)


def _explain_missing_data(data: str) -> None:
    """Explain that the training data are missing, and link to their upload."""
    words = _("The data that it was trained on, {data}, are not on this server under this name.")
    can_upload = Path(data).suffix.lower() in uploads.SUFFIXES
    if can_upload:
        words = _(
            "The data that it was trained on, {data}, are not on this server; anyone who has the file can upload it."
        )
    st.caption(words.format(data=plain(data)))
    if can_upload:
        st.page_link(
            "../pages/train.py", label=_("Upload it on the Train page, under “Your own images”"), width="content",
            icon=":material/upload:", query_params=address.shared_parameters(),
        )  # fmt: skip


def _uploaded_training_data(card: Card) -> str | None:
    """Return the training data of a network if somebody has uploaded them."""
    upload = uploads.find(str(card.data.get("name", "")))
    return upload and UPLOADED + upload


def _closest_data_set(card: Card) -> str:
    """Return the data set that is closest to a network in classes, channels and image size."""
    spec = card.network_spec

    def distance(name: str) -> tuple[bool, bool, int]:
        entry = NAMES[name]
        return entry.classes != spec.num_classes, entry.channels != spec.in_channels, abs(entry.size - max(spec.sides))

    return min(NAMES, key=distance)


def _render_progress(key: str, data: str) -> None:
    """Render the progress of a test, or its error."""
    test = follow_task(_tests, key, _("Waiting: this server runs one test at a time."))
    if test.problem is not None:
        problem = str(test.problem)
        if Path(data).is_absolute():  # users must not see the server's folders
            problem = problem.replace(f"{Path(data).parent}/", "")
        st.error(plain(problem), icon=":material/error:")
        st.button(_("Try again"), icon=":material/refresh:", key="predict-test-again", on_click=_request, args=(key,))
    elif test.is_finished:  # just now, or weights or images have changed since
        st.session_state[REQUESTED].discard(key)
        state.predict_state().refresh()
    else:
        st.button(_("Stop"), icon=":material/stop_circle:", key="predict-test-stop", on_click=_stop, args=(key,))


def _request(key: str) -> None:
    """Request a test. Join a running one, but do not use the result of an earlier one."""
    st.session_state[REQUESTED].add(key)
    st.session_state[STOPPED].discard(key)
    if _tests.request(key).is_finished:
        _tests.invalidate(key)


def _stop(key: str) -> None:
    st.session_state[REQUESTED].discard(key)
    st.session_state[STOPPED].add(key)
    _tests.withdraw(key)


def _render_offer(entry: RegistryEntry, data: str) -> None:
    """Render what has to be downloaded before the test."""
    notes = []
    if data in NAMES and NAMES[data].source and not is_downloaded(NAMES[data]):
        notes.append(
            _("{title} is not on this server yet: {size} are downloaded first.").format(
                title=NAMES[data].title, size=bytes_short(NAMES[data].download)
            )
        )
    if not entry.is_there and entry.origin is Origin.TORCHVISION:
        notes.append(_("These weights are not on this server yet: torchvision downloads them first."))
    st.info(
        " ".join(
            [
                _("These weights have not been tested on these images since either was last changed."),
                *map(plain, notes),
            ]
        ),
        icon=":material/fact_check:",
    )


def _render_results(evaluation: Evaluation, data: str, *, dark: bool) -> None:
    result: dict[str, Any] = evaluation.result
    with st.container(horizontal=True, gap="large"):
        scores.render(result)
    for warning in result["warnings"]:
        st.warning(plain(warning), icon=":material/warning:")
    for note in result["notes"]:
        st.caption(f":material/info: {plain(note)}")
    if data not in NAMES and Path(data).is_dir():
        st.caption(
            _(
                ":material/info: Changes in a folder of images are not noticed: the result is for the images at the "
                "time of the test."
            )
        )
    matrix_side, class_side = st.columns([3, 2], gap="medium")
    with matrix_side:
        st.header(_("Confusion matrix"), anchor=False)
        confusion.render(evaluation.classes, result["confusion"], key="predict-confusion", dark=dark)
    with class_side:
        st.header(_("By class"), anchor=False)
        counts = enumerate(result["confusion"])
        shares = [row[place] / sum(row) if any(row) else None for place, row in counts]
        classes.render(evaluation.classes, [(Path(data).name, shares)], key="predict-classes", dark=dark)
    sure_side, wrong_side = st.columns([2, 3], gap="medium")
    with sure_side:
        st.header(_("Calibration"), anchor=False)
        calibration.render(result["calibration"], result["top1"], key="predict-calibration", dark=dark)
    with wrong_side:
        st.header(_("Surest mistakes"), anchor=False)
        mistakes.render(evaluation.mistakes, key="predict-mistakes")
