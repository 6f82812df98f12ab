"""What can be done with the network as a whole: undo, redo, reset, save, open, export."""

from pathlib import Path

import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError
from explorer.families import NamedNetwork, Spec, from_layers, parse_json, saved
from explorer.i18n import _
from explorer.ui.architecture import state
from explorer.ui.shared import address
from explorer.ui.shared.text import plain
from explorer.ui.train import state as train_state

TRAIN = str(Path(__file__).parents[3] / "pages" / "train.py")
MAX_FILE = 1_000_000  # bytes
NAME = "library.name"
CHOSEN = "library.chosen"
UPLOAD = "library.upload"
REPLY = "library.reply"  # what the last action led to: (worked, sentence)


def history(editing: state.Editing) -> None:
    """Undo, redo, reset."""
    past, future = editing.history.past, editing.history.future
    st.button(
        _("Undo"), icon=":material/undo:", key="undo", on_click=state.undo, disabled=not (past or editing.fault),
        help=_("Back to the network before the last change"),
    )  # fmt: skip
    st.button(
        _("Redo"), icon=":material/redo:", key="redo", on_click=state.redo, disabled=not future,
        help=_("Forward to the network that was undone"),
    )  # fmt: skip
    st.button(
        _("Reset"), icon=":material/restart_alt:", key="reset", on_click=state.reset,
        disabled=not editing.is_changed(), help=_("Back to {name}").format(name=editing.base),
    )  # fmt: skip


def train(editing: state.Editing) -> None:
    """On to the Train page, with this network; what was chosen there before stays."""
    st.page_link(
        TRAIN, label=_("Train"), icon=":material/model_training:", help=_("Train this network"),
        query_params={**train_state.link_with(editing.network), **address.everywhere()},
    )  # fmt: skip


def library() -> None:
    """Save under a name, open what was saved, open a file."""
    menu = st.popover(_("Save and open"), icon=":material/folder_open:", key="library", on_change="rerun")
    if not menu.open:
        return
    with menu:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(_("Save this network as"), key=NAME, max_chars=60, placeholder=_("a name"))
            st.button(_("Save"), key="library.save", on_click=_save, args=(False,))
        name = (st.session_state[NAME] or "").strip()
        known = saved.names()
        if name in known:
            st.button(_("Replace {name}").format(name=plain(name)), key="library.replace", on_click=_save, args=(True,))
        if known:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.selectbox(_("Saved on this server"), known, index=None, key=CHOSEN, placeholder=_("choose"))
                nothing = st.session_state[CHOSEN] not in known
                st.button(_("Open"), key="library.open", on_click=_open, disabled=nothing)
                with st.popover(_("Delete"), disabled=nothing, key="library.delete"):
                    st.write(_("Delete {name} for everybody?").format(name=plain(str(st.session_state[CHOSEN]))))
                    st.button(_("Yes, delete"), key="library.really", on_click=_delete)
        else:
            st.caption(_("Nothing is saved on this server yet."))
        st.file_uploader(
            _("Open a file"), key=UPLOAD, on_change=_upload, max_upload_size=1,
            help=_("Spec JSON, or a text file with a cfg list such as 64, M, 128, M."),
        )  # fmt: skip
        worked, sentence = st.session_state.get(REPLY, (True, ""))
        if sentence:
            (st.success if worked else st.error)(plain(sentence))


def _reply(sentence: str, *, worked: bool = True) -> None:
    st.session_state[REPLY] = (worked, sentence)


def _save(replace: bool) -> None:  # Streamlit passes callbacks' arguments by position
    name = (st.session_state[NAME] or "").strip()
    if not name:
        _reply(_("Give the network a name first."), worked=False)
        return
    try:
        saved.save(name, st.session_state["editing"].spec, replace=replace)
    except InputError as error:
        _reply(str(error), worked=False)
    else:
        _reply(_("Saved as {name}.").format(name=name))


def _open() -> None:
    name = st.session_state[CHOSEN]
    try:
        _show(saved.load(name))
    except InputError as error:
        _reply(str(error), worked=False)
    else:
        _reply(_("{name} is open.").format(name=name))


def _delete() -> None:
    name = st.session_state[CHOSEN]
    try:
        saved.delete(name)
    except InputError as error:
        _reply(str(error), worked=False)
        return
    st.session_state[CHOSEN] = None
    _reply(_("{name} is deleted.").format(name=name))


def _upload() -> None:
    file = st.session_state[UPLOAD]
    if file is None:
        return
    try:
        if file.size > MAX_FILE:
            raise InputError(_("{file}: larger than {limit:,} bytes").format(file=file.name, limit=MAX_FILE))
        _show(read_file(file.getvalue(), st.session_state["editing"].spec))
    except InputError as error:
        _reply(_("{file}: {problem}").format(file=file.name, problem=error), worked=False)
    else:
        _reply(_("{name} is open.").format(name=file.name))


def read_file(content: bytes, current: Spec) -> Spec:
    """The network in a file: spec JSON, or a cfg list that takes everything else from the current network.

    Raises:
        InputError: naming the rule that the content breaks.
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError(_("not UTF-8 text")) from None
    if text.startswith("{"):
        return parse_json(text)
    return from_layers(text, current)


def _show(spec: Spec) -> None:
    analyse(spec)  # torchvision may not know the name, or not run at the size
    state.show(NamedNetwork(spec))
