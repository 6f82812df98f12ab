"""The import of a checkpoint: upload, recognition, questions, and the new weights."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import streamlit as st

from explorer import access
from explorer.errors import ExplorerError, InputError
from explorer.families import NamedNetwork
from explorer.families.recognition.guess import Question
from explorer.families.registry import titles
from explorer.i18n import _, ngettext
from explorer.specs.base import read_size
from explorer.specs.size import size_text
from explorer.ui.predict import state
from explorer.ui.predict.state import Action
from explorer.ui.shared import address
from explorer.ui.shared.networks import network_options, read_network, title
from explorer.ui.shared.questions import parse_answer
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.weights import store
from explorer.weights.importing import class_names
from explorer.weights.importing.drafts import MAX_FILE, Draft
from explorer.weights.importing.importing import Proposal
from explorer.weights.importing.questions import format_answer
from explorer.workers.progress import Progress

DRAFT = "predict.import"  # in session_state: token of this session's draft
UPLOADER = "predict.import.drop"  # in session_state: number of the uploader. A used one would keep its file in memory.
REFUSED = "predict.import.refused"
NETWORK = "predict.import.network"
MEGABYTE = 2**20

T = TypeVar("T")

_drafts: "WeakValueDictionary[str, Draft]" = WeakValueDictionary()


def _find_draft(token: str) -> Draft:
    """Return a draft.

    Raises:
        InputError: If the draft is gone because the connection broke.
    """
    try:
        return _drafts[token]
    except KeyError:
        raise InputError(_("The connection was lost, and the file with it: upload it again.")) from None


# Streamlit releases a session's draft when the session ends.
_cache_draft = st.cache_resource(scope="session", max_entries=1, show_spinner=False, on_release=Draft.close)
_session_draft = _cache_draft(_find_draft)


def _read_draft(token: str, progress: Progress) -> bool:
    _find_draft(token).read(progress)
    return True


_read_queue = TaskQueue(_read_draft)  # one at a time, because several large files would fill the memory


def render() -> None:
    """Render the uploader. After an upload, render the recognised network and the open questions."""
    token = st.session_state.get(DRAFT)
    if token is None and access.refusal():
        return
    if token is None:
        with st.expander(_("Import a checkpoint"), icon=":material/upload:", key="predict-import"):
            _render_uploader()
        _render_refusal()
        return
    with st.container(border=True, key="predict-import-draft"):
        try:
            draft = _session_draft(token)
        except InputError as error:
            _render_failure(error)
            return
        st.header(_("Import {file}").format(file=plain(draft.name)), anchor=False)
        reading = follow_task(_read_queue, token, _("Waiting: this server reads one checkpoint at a time."))
        if reading.problem:
            _render_failure(reading.problem)
        elif draft.proposal or draft.fault:
            _render_draft(token, draft)
        else:
            st.button(_("Cancel"), icon=":material/close:", key="predict.import.leave", on_click=_discard)


def _render_uploader() -> None:
    number = st.session_state.get(UPLOADER, 0)
    st.file_uploader(
        _("A .safetensors, .pth, .pt, .th or .ckpt file that anybody trained"),
        key=f"{UPLOADER}.{number}",
        on_change=_open_upload,
        args=(number,),
        max_upload_size=MAX_FILE // MEGABYTE,
        help=_(
            "{families}, their relatives, and torchvision's classification models, under any names. "
            "Nothing in the file is run: a process of its own reads the numbers. Everybody who uses this server can "
            "see and use the weights."
        ).format(families=titles()),
    )


def _open_upload(number: int) -> None:
    file = st.session_state.get(f"{UPLOADER}.{number}")
    # Streamlit calls again if a newer request has ended the run that followed the first call.
    if file is None or number != st.session_state.get(UPLOADER, 0):
        return
    st.session_state[UPLOADER] = number + 1
    state.predict_state().notice = None
    state.mark_user_action()
    try:
        draft = Draft(file.name, file, file.size)
    except InputError as error:
        st.session_state[REFUSED] = str(error)
        return
    token = secrets.token_hex(16)
    _drafts[token] = draft
    _session_draft(token)  # Streamlit releases it from now on
    st.session_state[DRAFT] = token


def _render_refusal() -> None:
    """Render the reason why the last file was refused."""
    if message := st.session_state.pop(REFUSED, ""):
        st.error(plain(message), icon=":material/error:")


def render_notes(notes: Sequence[str]) -> None:
    """Render notes as a list."""
    st.caption("\n".join(f"- {plain(one)}" for one in notes))


def _render_failure(error: ExplorerError) -> None:
    st.error(plain(str(error)), icon=":material/error:")
    st.button(_("Choose another file"), icon=":material/upload:", key="predict.import.leave", on_click=_discard)


def _discard() -> None:
    """Discard the draft."""
    token = st.session_state.get(DRAFT)
    if token is None:
        return
    del st.session_state[DRAFT]
    st.session_state.pop(f"{NETWORK}.{token}", None)
    _read_queue.invalidate(token)
    if draft := _drafts.get(token):
        draft.close()
    state.mark_user_action()


def _render_draft(token: str, draft: Draft) -> None:
    """Render the network of the file: the recognised one, or the one that the user chooses."""
    networks, key = network_options(), f"{NETWORK}.{token}"
    chosen = st.session_state.get(key, "")
    try:
        spec = read_network(chosen).spec if chosen else None
        if spec != draft.spec:
            run_with_spinner(_("Checking whether it fits…"), lambda wait: draft.find_network(spec, wait))
    except InputError as error:  # the saved network was deleted
        st.error(plain(str(error)), icon=":material/error:")
    if draft.proposal is not None:
        _render_proposal(draft.proposal)
    elif draft.fault is not None:
        st.error(plain(str(draft.fault)), icon=":material/error:")

    def choose(text: str | None) -> None:
        st.session_state[key] = text
        state.mark_user_action()

    select_box(
        _("Imported as"), list(dict.fromkeys(["", *networks, chosen])), chosen, choose, key=NETWORK, width=520,
        words=lambda text: networks.get(text, text) or _("The recognised network"),
        help=_(
            "If the file is of another network, choose that one: a preset, a network saved on this server, or "
                "the one that you edit on the Architecture page."
        ),
    )  # fmt: skip
    if draft.proposal is not None:
        _render_form(token, draft, draft.proposal)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Choose another file"), icon=":material/upload:", key="predict.import.leave", on_click=_discard)
        st.page_link(
            "../pages/architecture.py", label=_("Build its network on the Architecture page"), width="content",
            icon=":material/schema:", query_params=address.shared_parameters(),
            help=_("The file stays here meanwhile."),
        )  # fmt: skip


def _render_proposal(proposal: Proposal) -> None:
    spec = proposal.guess.spec
    words = (
        ngettext(
            "It fits: **{network}**, {classes:,} class, images of {size} pixels.",
            "It fits: **{network}**, {classes:,} classes, images of {size} pixels.",
            spec.num_classes,
        )
        if proposal.is_named
        else ngettext(
            "Found: **{network}**, {classes:,} class, images of {size} pixels.",
            "Found: **{network}**, {classes:,} classes, images of {size} pixels.",
            spec.num_classes,
        )
    )
    st.markdown(words.format(network=plain(title(NamedNetwork(spec))), classes=spec.num_classes, size=spec.image_size))


def _render_form(token: str, draft: Draft, proposal: Proposal) -> None:
    render_notes([*proposal.checkpoint.notes, *proposal.notes, *proposal.guess.notes])
    st.caption(
        _("What the file does not say; the likely answers are filled in.")
        if proposal.checkpoint.card is None
        else _("The answers of its card are filled in; figures that no longer hold after other answers are left out.")
    )
    answers: dict[str, Any] = {}
    valid = True
    with st.grid(2, min_column_width=320, gap="small"):
        while open_questions := proposal.questions(answers):
            with st.container(gap="small"):
                answer, fault = _render_question(token, proposal, answers, open_questions[0])
            answers[open_questions[0].key] = answer
            valid = valid and not fault
    name = st.text_input(
        _("Name of the weights"), value=_suggested_name(token, Path(proposal.name).stem),
        max_chars=store.MAX_NAME_LENGTH, key=f"{DRAFT}.{token}.name",
    ).strip()  # fmt: skip
    with st.container(horizontal=True):
        pressed = st.button(
            _("Import"), icon=":material/download_done:", key="predict.import.write", disabled=not valid
        )
        st.button(_("Cancel"), icon=":material/close:", key="predict.import.leave", on_click=_discard)
    if pressed:
        predict_state = state.predict_state()
        predict_state.action = Action(
            partial(_write, draft, answers, name), name, _("{name} is imported.").format(name=name), _discard
        )
        run_with_spinner(_("Testing and writing the network…"), predict_state.run_action)
        if predict_state.cleanup:
            predict_state.refresh()
        elif predict_state.notice:  # shown next to the form
            st.error(plain(predict_state.notice.message), icon=":material/error:")
            predict_state.notice = None


@st.cache_data(scope="session", max_entries=1, show_spinner=False)
def _suggested_name(token: str, name: str) -> str:  # noqa: ARG001  part of the key
    return store.suggest_name(name)


def _write(draft: Draft, answers: dict[str, Any], name: str, on_wait: Callable[[int], None]) -> list[str]:
    done = draft.save(answers, name, on_wait)
    return [*done.notes, *([_("Left out: {names}").format(names=", ".join(done.ignored))] if done.ignored else [])]


def run_with_spinner(title: str, work: Callable[[Callable[[int], None]], T]) -> T:
    """Do work that waits for a slot, and show the number of sessions ahead."""
    with st.spinner(title):
        note = st.empty()

        def wait(ahead: int) -> None:
            note.caption(
                ngettext(
                    "Waiting: {ahead} other is computing.", "Waiting: {ahead} others are computing.", ahead
                ).format(ahead=ahead)
            )

        return work(wait)


def _render_question(
    token: str, proposal: Proposal, answers_so_far: dict[str, Any], question: Question
) -> tuple[Any, bool]:
    """Return the answer to a question and whether it is invalid. Instead of an invalid answer return the likely one."""
    # A new likely answer gets a new widget.
    key = f"{DRAFT}.{token}.{question.key}.{format_answer(question.likely)}"
    try:
        answer = _question_widget(question, key)
        proposal.check({**answers_so_far, question.key: answer})
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return question.likely, True
    return answer, False


def _question_widget(question: Question, key: str) -> Any:
    """Render the widget of a question, and return the answer.

    Raises:
        InputError: If the answer can't be read.
    """
    # Our own texts are not escaped, because escapes are read aloud.
    label, likely = _short_labels().get(question.key, question.text), question.likely
    explanation = "\n\n".join(filter(None, (question.text if label != question.text else "", question.cost))) or None
    if question.choices:
        choices = list(question.choices)
        words = {True: _("yes"), False: _("no")}
        return st.selectbox(
            label, choices, index=choices.index(likely), key=key, help=explanation,
            format_func=lambda choice: words[choice] if isinstance(choice, bool) else format_answer(choice),
        )  # fmt: skip
    if question.key == "classes":
        return _class_names_widget(label, explanation or "", likely, key)
    if question.offers:
        options = list(dict.fromkeys([format_answer(likely), *map(format_answer, question.offers)]))
        return parse_answer(
            question, st.selectbox(label, options, key=key, accept_new_options=True, help=explanation) or ""
        )
    if question.key == "image_size":
        return read_size(st.text_input(label, value=size_text(likely), max_chars=20, key=key, help=explanation))
    if question.key == "resize" or isinstance(likely, int):
        none = _("straight to the size") if question.key == "resize" else None
        return st.number_input(label, value=likely, min_value=1, step=1, placeholder=none, key=key, help=explanation)
    return parse_answer(
        question, st.text_input(label, value=format_answer(likely), max_chars=2000, key=key, help=explanation)
    )


def _short_labels() -> dict[str, str]:
    """Return labels for the questions of nearly every import, whose texts are long."""
    return {
        "image_size": _("Input size"),
        "epsilon": _("Epsilon of the batch norms"),
        "mean": _("Mean"),
        "std": _("Standard deviation"),
        "resize": _("Shorter side before the crop"),
        "classes": _("Class names"),
    }


def _class_names_widget(label: str, explanation: str, likely: list[str], key: str) -> list[str]:
    form = _("One per line, or all on one line separated by commas; or a file, which takes precedence.")
    text = st.text_area(
        label, value="\n".join(likely), height=140, key=key, help="\n\n".join(filter(None, (explanation, form)))
    )
    file = st.file_uploader(
        _("Names from a file: one per line, or JSON"),
        key=f"{key}.file",
        max_upload_size=class_names.MAX_LIST // MEGABYTE,
    )
    if file is None:
        return class_names.parse(text)
    if file.size > class_names.MAX_LIST:  # only browsers respect the uploader's limit
        raise InputError(_("classes: the file is too long"))
    return class_names.parse(class_names.decode_file(file.getvalue()))
