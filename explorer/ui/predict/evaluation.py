"""How good a network is on a test set. A test that somebody has made is there at once; others are made on request."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.data.catalogue import NAMES
from explorer.data.downloads import is_there
from explorer.errors import InputError, shown
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.prediction import testing
from explorer.prediction.testing import Evaluation
from explorer.ui.predict import state
from explorer.ui.results import calibration, classes, confusion, mistakes, scores
from explorer.ui.shared import address
from explorer.ui.shared.choice import choice
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.waiting import follow
from explorer.ui.train import uploads
from explorer.ui.train.data import title
from explorer.ui.train.form import UPLOADED, path_of
from explorer.weights import registry
from explorer.weights.files import Card
from explorer.weights.registry import Kind, RegistryEntry
from explorer.workers.progress import Progress

ASKED = "predict.asked"  # in session_state: the tests for which this page waits
LEFT = "predict.left"  # likewise: those that this user has stopped, which may go on for others
EVERY = 2.0  # seconds between two looks for a test that somebody else has begun


def _test(key: str, progress: Progress) -> bool:
    name, data = json.loads(key)
    testing.run(registry.find(name, progress), data, progress)
    return True


_testing = TaskQueue(_test, most=4, give_up=True)  # one at a time: a test takes every core


def render(entry: RegistryEntry | None, *, dark: bool) -> None:
    """The test of a network."""
    if entry is None or entry.card is None:
        return
    try:
        data = _choose(entry, entry.card)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    with st.spinner(_("Looking for an earlier test…")):  # large weights are read for it
        tested = testing.load_cached(entry.path, data) if entry.is_there else None
    key, asked = json.dumps([entry.name, data]), st.session_state.setdefault(ASKED, set())
    if _others(key):
        asked.add(key)
    if tested is not None:
        asked.discard(key)
        _results(tested, data, dark=dark)
    elif key in asked:
        _under_way(key, data)
    else:
        _offer(entry, data)
        st.button(
            _("Run the test"), icon=":material/play_arrow:", key="predict-test", on_click=_ask, args=(key,),
            help=_("Every image of the test set is classified once. Whoever comes later sees the result at once."),
        )  # fmt: skip
        _look_out(key)


@st.fragment(run_every=EVERY)
def _look_out(key: str) -> None:
    """Draw the page anew as soon as somebody else begins the test."""
    if _others(key):
        state.asking().refresh()


def _others(key: str) -> bool:
    """Whether a test is under way that this user has not stopped."""
    left = st.session_state.setdefault(LEFT, set())
    if not _testing.under_way(key):
        left.discard(key)
        return False
    return key not in left


def _choose(entry: RegistryEntry, card: Card) -> str:
    """The data set that the user chooses: its name, or a path.

    Raises:
        InputError: where the link names one that is not here.
    """
    own = testing.own_data(entry) or _upload(card)
    usual = own or _likely(card)
    offered = [*NAMES, *(UPLOADED + name for name in uploads.names())]
    on = state.asking().view.on
    if on and on not in offered:
        offered.append(on)  # shown as it stands in the link

    def label(option: str) -> str:
        if option:
            return title(option)
        name = title(usual) if usual in offered else Path(usual).name
        return (
            _("{data}, on which it was trained") if own else _("{data}, whose images are as large as these")
        ).format(data=name)

    choice(
        _("Test set"), ["", *(name for name in offered if name != usual or name == on)], on,
        lambda name: state.change(on=name), words=label, key="predict.on",
    )  # fmt: skip
    if own is None and card.data.get("name"):
        _missing(str(card.data["name"]))
    chosen = on or usual
    if chosen.startswith(UPLOADED):
        uploads.check(chosen.removeprefix(UPLOADED))
    elif chosen not in NAMES and chosen != own:
        raise InputError(_("on: there is no data set {value}").format(value=shown(chosen)))
    return path_of(chosen)


def _missing(data: str) -> None:
    """Say that the data that a network was trained on are not here, and where they can be brought."""
    words = _("The data that it was trained on, {data}, are not on this server under this name.")
    bring = Path(data).suffix.lower() in uploads.SUFFIXES
    if bring:
        words = _("The data that it was trained on, {data}, are not on this server; who has the file can upload it.")
    st.caption(words.format(data=plain(data)))
    if bring:
        st.page_link(
            "../pages/train.py", label=_("Upload it on the Train page, under “Your own images”"), width="content",
            icon=":material/upload:", query_params=address.everywhere(),
        )  # fmt: skip


def _upload(card: Card) -> str | None:
    """What a network was trained on, where somebody has uploaded it here."""
    name = uploads.called(str(card.data.get("name", "")))
    return name and UPLOADED + name


def _likely(card: Card) -> str:
    """The data set whose images are most like those that a network takes."""
    spec = card.network_spec

    def apart(name: str) -> tuple[bool, bool, int]:
        entry = NAMES[name]
        return entry.classes != spec.num_classes, entry.channels != spec.in_channels, abs(entry.size - spec.image_size)

    return min(NAMES, key=apart)


def _under_way(key: str, data: str) -> None:
    """How far a test is, or why nothing came of it."""
    piece = follow(_testing, key, _("Waiting: this server runs one test at a time."))
    if piece.problem is not None:
        problem = str(piece.problem)
        if Path(data).is_absolute():  # a path of the server's, which is no user's business
            problem = problem.replace(f"{Path(data).parent}/", "")
        st.error(plain(problem), icon=":material/error:")
        st.button(_("Try again"), icon=":material/refresh:", key="predict-test-again", on_click=_ask, args=(key,))
    elif piece.ended:  # just now; or it was of weights or images that are others by now
        st.session_state[ASKED].discard(key)
        state.asking().refresh()
    else:
        st.button(_("Stop"), icon=":material/stop_circle:", key="predict-test-stop", on_click=_stop, args=(key,))


def _ask(key: str) -> None:
    """Want a test: one that is under way, but none that ended without what is looked for."""
    st.session_state[ASKED].add(key)
    st.session_state[LEFT].discard(key)
    if _testing.ask(key).ended:
        _testing.invalidate(key)


def _stop(key: str) -> None:
    st.session_state[ASKED].discard(key)
    st.session_state[LEFT].add(key)
    _testing.leave(key)


def _offer(entry: RegistryEntry, data: str) -> None:
    """What the test costs beyond time."""
    needed = []
    if data in NAMES and NAMES[data].source and not is_there(NAMES[data]):
        needed.append(
            _("{title} is not on this server yet: {size} are downloaded first.").format(
                title=NAMES[data].title, size=bytes_short(NAMES[data].download)
            )
        )
    if not entry.is_there and entry.kind is Kind.TORCHVISION:
        needed.append(_("These weights are not on this server yet: torchvision downloads them first."))
    st.info(
        " ".join(
            [
                _("These weights have not been tested on these images since either was last changed."),
                *map(plain, needed),
            ]
        ),
        icon=":material/fact_check:",
    )


def _results(tested: Evaluation, data: str, *, dark: bool) -> None:
    result: dict[str, Any] = tested.result
    with st.container(horizontal=True, gap="large"):
        scores.render(result)
    for warning in result["warnings"]:
        st.warning(plain(warning), icon=":material/warning:")
    for note in result["notes"]:
        st.caption(f":material/info: {plain(note)}")
    if data not in NAMES and Path(data).is_dir():
        st.caption(
            _(":material/info: Images in a folder are not watched: this is how they were when the test was run.")
        )
    matrix_side, class_side = st.columns([3, 2], gap="medium")
    with matrix_side:
        st.header(_("Confusion matrix"), anchor=False)
        confusion.render(tested.classes, result["confusion"], key="predict-confusion", dark=dark)
    with class_side:
        st.header(_("By class"), anchor=False)
        counts = enumerate(result["confusion"])
        shares = [row[place] / sum(row) if any(row) else None for place, row in counts]
        classes.render(tested.classes, [(Path(data).name, shares)], key="predict-classes", dark=dark)
    sure_side, wrong_side = st.columns([2, 3], gap="medium")
    with sure_side:
        st.header(_("Calibration"), anchor=False)
        calibration.render(result["calibration"], result["top1"], key="predict-calibration", dark=dark)
    with wrong_side:
        st.header(_("Surest mistakes"), anchor=False)
        mistakes.render(tested.mistakes, key="predict-mistakes")
