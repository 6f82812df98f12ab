"""Import in the page: a checkpoint is dropped, read beside the page, asked about, and put into the store."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import streamlit as st

from explorer.errors import ExplorerError, InputError
from explorer.families import NamedNetwork
from explorer.families.recognition.guess import Question
from explorer.families.registry import titles
from explorer.i18n import _, ngettext
from explorer.ui.compare.entries import offered, read, title
from explorer.ui.predict import state
from explorer.ui.predict.state import Action
from explorer.ui.shared import address
from explorer.ui.shared.choice import choice
from explorer.ui.shared.questions import parsed, written
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.waiting import follow
from explorer.weights import store
from explorer.weights.importing import class_names
from explorer.weights.importing.drafts import MAX_FILE, Draft
from explorer.weights.importing.importing import Proposal
from explorer.workers.progress import Progress

DRAFT = "predict.import"  # in session_state: names this session's draft
DROP = "predict.import.drop"  # number of the uploader: a used one would hold its file in memory
REFUSED = "predict.import.refused"
NETWORK = "predict.import.network"
MEGABYTE = 2**20

T = TypeVar("T")

_drafts: "WeakValueDictionary[str, Draft]" = WeakValueDictionary()


@st.cache_resource(scope="session", max_entries=1, show_spinner=False, on_release=Draft.close)
def _held(token: str) -> Draft:
    """A session's draft, which Streamlit releases when the session ends.

    Raises:
        InputError: where it has gone with a connection that broke.
    """
    try:
        return _drafts[token]
    except KeyError:
        raise InputError(_("The connection broke and the file is gone: drop it once more.")) from None


def _read(token: str, progress: Progress) -> bool:
    draft = _drafts.get(token)
    if draft is None:
        raise InputError(_("The connection broke and the file is gone: drop it once more."))
    draft.read(progress)
    return True


_reading = TaskQueue(_read)  # one at a time: several large files would fill the machine's memory


def render() -> None:
    """An uploader, and after that what the file is taken for and what it doesn't say."""
    token = st.session_state.get(DRAFT)
    if token is None:
        with st.expander(_("Import a checkpoint"), icon=":material/upload:", key="predict-import"):
            _uploader()
        _told()
        return
    with st.container(border=True, key="predict-import-draft"):
        try:
            draft = _held(token)
        except InputError as error:
            _failed(error)
            return
        st.header(_("Import {file}").format(file=plain(draft.name)), anchor=False)
        piece = follow(_reading, token, _("Waiting: this server reads one checkpoint at a time."))
        if piece.problem:
            _failed(piece.problem)
        elif draft.proposal or draft.fault:
            _taken(token, draft)
        else:
            st.button(_("Cancel"), icon=":material/close:", key="predict.import.leave", on_click=_leave)


def _uploader() -> None:
    st.file_uploader(
        _("A .safetensors, .pth, .pt, .th or .ckpt file that anybody trained"),
        key=f"{DROP}.{st.session_state.get(DROP, 0)}",
        on_change=_take,
        max_upload_size=MAX_FILE // MEGABYTE,
        help=_(
            "{families}, their relatives, and torchvision's classification models, under any names. "
            "Nothing in the file is run: a process of its own reads the numbers. Everybody who uses this server can "
            "see and use the weights."
        ).format(families=titles()),
    )


def _take() -> None:
    number = st.session_state.get(DROP, 0)
    file = st.session_state[f"{DROP}.{number}"]
    if file is None:
        return
    st.session_state[DROP] = number + 1
    state.asking().told = None
    state.acted()
    try:
        draft = Draft(file.name, file, file.size)
    except InputError as error:
        st.session_state[REFUSED] = str(error)
        return
    token = secrets.token_hex(16)
    _drafts[token] = draft
    _held(token)  # from now on the session's
    st.session_state[DRAFT] = token


def _told() -> None:
    """Why the last file was not taken."""
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(plain(refused), icon=":material/error:")


def note(notes: Sequence[str]) -> None:
    """A list of remarks."""
    st.caption("\n".join(f"- {plain(one)}" for one in notes))


def _failed(error: ExplorerError) -> None:
    st.error(plain(str(error)), icon=":material/error:")
    st.button(_("Choose another file"), icon=":material/upload:", key="predict.import.leave", on_click=_leave)


def _leave() -> None:
    """Forget the draft."""
    token = st.session_state.get(DRAFT)
    if token is None:
        return
    del st.session_state[DRAFT]
    st.session_state.pop(f"{NETWORK}.{token}", None)
    _reading.invalidate(token)
    if draft := _drafts.get(token):
        draft.close()
    state.acted()


def _taken(token: str, draft: Draft) -> None:
    """The network that the file is taken for: found, or named by its owner."""
    networks, key = offered(), f"{NETWORK}.{token}"
    named = st.session_state.get(key, "")
    try:
        spec = read(named).spec if named else None
        if spec != draft.spec:
            computing(_("Looking whether it fits…"), lambda wait: draft.take(spec, wait))
    except InputError as error:  # saved, and deleted since
        st.error(plain(str(error)), icon=":material/error:")
    if draft.proposal is not None:
        _told_of(draft.proposal)
    elif draft.fault is not None:
        st.error(plain(str(draft.fault)), icon=":material/error:")

    def choose(text: str | None) -> None:
        st.session_state[key] = text
        state.acted()

    choice(
        _("Taken for"), list(dict.fromkeys(["", *networks, named])), named, choose, key=NETWORK, width=520,
        words=lambda text: networks.get(text, text) or _("The network that is found"),
        help=_(
            "If the file is of another network, name it: a preset, one that is saved on this server, or the one that "
            "you edit on the Architecture page."
        ),
    )  # fmt: skip
    if draft.proposal is not None:
        _form(token, draft, draft.proposal)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Choose another file"), icon=":material/upload:", key="predict.import.leave", on_click=_leave)
        st.page_link(
            "../pages/architecture.py", label=_("Build its network on the Architecture page"), width="content",
            icon=":material/schema:", query_params=address.everywhere(), help=_("The file stays here meanwhile."),
        )  # fmt: skip


def _told_of(proposal: Proposal) -> None:
    spec = proposal.guess.spec
    words = (
        _("It fits: **{network}**, {classes:,} classes, images of {size} pixels.")
        if proposal.told
        else _("Found: **{network}**, {classes:,} classes, images of {size} pixels.")
    )
    st.markdown(words.format(network=plain(title(NamedNetwork(spec))), classes=spec.num_classes, size=spec.image_size))


def _form(token: str, draft: Draft, proposal: Proposal) -> None:
    note([*proposal.checkpoint.notes, *proposal.notes, *proposal.guess.notes])
    st.caption(
        _("What the file does not say; the likely answers are filled in.")
        if proposal.checkpoint.card is None
        else _("What its card says is filled in; figures that other answers make untrue are left out.")
    )
    answers: dict[str, Any] = {}
    sound = True
    with st.grid(2, min_column_width=320, gap="small"):
        while left := proposal.questions(answers):
            with st.container(gap="small"):
                answer, fault = _asked(token, proposal, answers, left[0])
            answers[left[0].key] = answer
            sound = sound and not fault
    name = st.text_input(
        _("Name of the weights"), value=_suggested(token, Path(proposal.name).stem), max_chars=store.LONGEST,
        key=f"{DRAFT}.{token}.name",
    ).strip()  # fmt: skip
    with st.container(horizontal=True):
        pressed = st.button(
            _("Import"), icon=":material/download_done:", key="predict.import.write", disabled=not sound
        )
        st.button(_("Cancel"), icon=":material/close:", key="predict.import.leave", on_click=_leave)
    if pressed:
        asking = state.asking()
        asking.deed = Action(
            partial(_write, draft, answers, name), name, _("{name} is imported.").format(name=name), _leave
        )
        computing(_("Trying and writing the network…"), asking.act)
        if asking.tidy:
            asking.refresh()
        elif asking.told:  # beside the form
            st.error(plain(asking.told.sentence), icon=":material/error:")
            asking.told = None


@st.cache_data(scope="session", max_entries=1, show_spinner=False)
def _suggested(token: str, name: str) -> str:  # noqa: ARG001  part of the key
    return store.suggested(name)


def _write(draft: Draft, answers: dict[str, Any], name: str, on_wait: Callable[[int], None]) -> list[str]:
    done = draft.write(answers, name, on_wait)
    return [*done.notes, *([_("Left out: {names}").format(names=", ".join(done.ignored))] if done.ignored else [])]


def computing(title: str, work: Callable[[Callable[[int], None]], T]) -> T:
    """Do what takes a turn, and tell meanwhile how many are before."""
    with st.spinner(title):
        note = st.empty()

        def wait(ahead: int) -> None:
            note.caption(
                ngettext("Waiting: {ahead} other computes.", "Waiting: {ahead} others compute.", ahead).format(
                    ahead=ahead
                )
            )

        return work(wait)


def _asked(token: str, proposal: Proposal, given: dict[str, Any], question: Question) -> tuple[Any, bool]:
    """The user's answer to a question, or the likely one where it can't be, which is said beside the field."""
    # Where another answer has changed what is likely, the field begins anew with that.
    key = f"{DRAFT}.{token}.{question.key}.{written(question.likely)}"
    try:
        answer = _field(question, key)
        proposal.check({**given, question.key: answer})
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return question.likely, True
    return answer, False


def _field(question: Question, key: str) -> Any:
    """The widget of a question, and what it says.

    Raises:
        InputError: where that can't be read.
    """
    label, likely = question.text, question.likely  # a sentence of ours: escapes would be read out
    if question.choices:
        choices = list(question.choices)
        words = {True: _("yes"), False: _("no")}
        return st.selectbox(
            label, choices, index=choices.index(likely), key=key, help=question.cost or None,
            format_func=lambda choice: words[choice] if isinstance(choice, bool) else written(choice),
        )  # fmt: skip
    if question.key == "classes":
        return _classes(label, likely, key)
    if question.offers:
        usual = list(dict.fromkeys([written(likely), *map(written, question.offers)]))
        return parsed(
            question, st.selectbox(label, usual, key=key, accept_new_options=True, help=question.cost or None) or ""
        )
    if question.key == "resize" or isinstance(likely, int):
        none = _("straight to the square") if question.key == "resize" else None
        return st.number_input(label, value=likely, min_value=1, step=1, placeholder=none, key=key)
    return parsed(question, st.text_input(label, value=written(likely), max_chars=2000, key=key))


def _classes(label: str, likely: list[str], key: str) -> list[str]:
    text = st.text_area(
        label, value="\n".join(likely), height=140, key=key,
        help=_("A line each, or all on one line with commas between; or a file, which counts more."),
    )  # fmt: skip
    file = st.file_uploader(
        _("Names from a file: a line each, or JSON"),
        key=f"{key}.file",
        max_upload_size=class_names.MAX_LIST // MEGABYTE,
    )
    if file is None:
        return class_names.typed(text)
    if file.size > class_names.MAX_LIST:  # the uploader's limit binds browsers alone
        raise InputError(_("classes: the file is too long"))
    return class_names.typed(class_names.of_file(file.getvalue()))
