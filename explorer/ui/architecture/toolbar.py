"""Actions on the whole network: undo, redo, reset, train, save and open."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer import access
from explorer.analysis import analyse
from explorer.errors import InputError
from explorer.families import NamedNetwork, Spec, from_layers, parse_json, saved
from explorer.graphs import SUFFIX
from explorer.i18n import _
from explorer.ui.architecture import state
from explorer.ui.shared import address, network_files, train_form
from explorer.ui.shared.text import plain

TRAIN = str(Path(__file__).parents[3] / "pages" / "train.py")
MAX_FILE_SIZE = 1_000_000  # bytes
LIBRARY = "library"  # the menu
NAME = "library.name"
CHOSEN = "library.chosen"
UPLOAD = "library.upload"
RESULT = "library.reply"  # session_state key: result of the last action, (is_success, message)
DROP_PROBLEM = "library.drop"  # session_state key: why a dropped file is not open, and the link of the page then


def history(page_state: state.ArchitectureState) -> None:
    """Render the buttons for undo, redo and reset."""
    past, future = page_state.history.past, page_state.history.future
    st.button(
        _("Undo"), icon=":material/undo:", key="undo", on_click=state.undo, disabled=not (past or page_state.problem),
        help=_("Back to the network before the last change"),
    )  # fmt: skip
    st.button(
        _("Redo"), icon=":material/redo:", key="redo", on_click=state.redo, disabled=not future,
        help=_("Forward to the network that was undone"),
    )  # fmt: skip
    st.button(
        _("Reset"), icon=":material/restart_alt:", key="reset", on_click=state.reset,
        disabled=not page_state.is_changed(), help=_("Back to {name}").format(name=page_state.base),
    )  # fmt: skip


def close_file() -> None:
    """Render the button that leaves a file."""
    st.button(
        _("Close the file"), icon=":material/close:", key="close-file", on_click=state.close_file,
        help=_("Back to the network that you edited before"),
    )  # fmt: skip


def train(page_state: state.ArchitectureState) -> None:
    """Render a link to the Train page with this network. The other choices on the Train page stay.

    While an edit breaks a rule, there is no link: it would train the last valid network instead of the one on the page.
    """
    is_valid = not page_state.edit_problem and (page_state.is_opened or not page_state.link_problems)
    with st.container(key="train-link", width="content"):
        st.page_link(
            TRAIN,
            label=_("Train"),
            icon=":material/model_training:",
            disabled=not is_valid,
            help=_("Train this network") if is_valid else _("Not a network yet: correct the marked field first."),
            query_params={**train_form.link_with(page_state.network), **address.shared_parameters()},
        )


def library() -> None:
    """Render the menu to save the network, open a saved one, or open a file."""
    menu = st.popover(_("Save and open"), icon=":material/folder_open:", key=LIBRARY, on_change="rerun")
    if not menu.open:
        return
    with menu:
        reason = access.refusal()
        if reason:
            st.caption(plain(reason))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(_("Save this network as"), key=NAME, max_chars=60, placeholder=_("a name"))
            st.button(_("Save"), key="library.save", on_click=_save, args=(False,), disabled=bool(reason))
        name = (st.session_state[NAME] or "").strip()
        names = saved.names()
        if name in names and not access.refusal(saved.owner(name)):
            st.button(_("Replace {name}").format(name=plain(name)), key="library.replace", on_click=_save, args=(True,))
        if names:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.selectbox(_("Saved on this server"), names, index=None, key=CHOSEN, placeholder=_("choose"))
                is_none_chosen = st.session_state[CHOSEN] not in names
                st.button(_("Open"), key="library.open", on_click=_open, disabled=is_none_chosen)
                belongs = "" if is_none_chosen else access.refusal(saved.owner(str(st.session_state[CHOSEN])))
                with st.popover(
                    _("Delete"), disabled=is_none_chosen or bool(belongs), key="library.delete", help=belongs or None
                ):
                    st.write(_("Delete {name} for everybody?").format(name=plain(str(st.session_state[CHOSEN]))))
                    st.button(_("Yes, delete"), key="library.really", on_click=_delete)
        else:
            st.caption(_("Nothing is saved on this server yet."))
        st.file_uploader(
            _("Open a file"), key=UPLOAD, on_change=_upload, max_upload_size=network_files.MAX_UPLOAD,
            help=_(
                "Any network as ONNX, which is read and never run; spec JSON; or a text file with a cfg list such as "
                "64, M, 128, M."
            ),
        )  # fmt: skip
        is_success, message = st.session_state.get(RESULT, (True, ""))
        if message:
            (st.success if is_success else st.error)(plain(message))


def _set_result(message: str, *, is_success: bool = True) -> None:
    st.session_state[RESULT] = (is_success, message)


def _save(replace: bool) -> None:  # Streamlit passes arguments of callbacks by position
    name = (st.session_state[NAME] or "").strip()
    if not name:
        _set_result(_("Give the network a name first."), is_success=False)
        return
    try:
        saved.save(name, state.ArchitectureState.of_session().spec, replace=replace)
    except InputError as error:
        _set_result(str(error), is_success=False)
    else:
        _set_result(_("Saved as {name}.").format(name=name))


def _open() -> None:
    name = st.session_state[CHOSEN]
    try:
        _open_spec(saved.load(name))
    except InputError as error:
        _set_result(str(error), is_success=False)
    else:
        _set_result(_("{name} is open.").format(name=name))


def _delete() -> None:
    name = st.session_state[CHOSEN]
    try:
        saved.delete(name)
    except InputError as error:
        _set_result(str(error), is_success=False)
        return
    st.session_state[CHOSEN] = None
    _set_result(_("{name} is deleted.").format(name=name))


def _upload() -> None:
    file = st.session_state[UPLOAD]
    if file is None:
        return
    try:
        _open_file(file)
    except InputError as error:
        _set_result(str(error), is_success=False)
    else:
        _set_result(_("{name} is open.").format(name=file.name))


def open_dropped(file: UploadedFile) -> None:
    """For callbacks: open a file that was dropped on the page. If that fails, :func:`drop_problem` shows the reason."""
    try:
        _open_file(file)
    except InputError as error:
        st.session_state[DROP_PROBLEM] = (str(error), state.ArchitectureState.of_session().link)
    else:
        st.session_state.pop(DROP_PROBLEM, None)


def drop_problem(page_state: state.ArchitectureState) -> None:
    """Render why the last dropped file is not open, until the page shows something else."""
    problem, link = st.session_state.get(DROP_PROBLEM, ("", {}))
    if problem and link == page_state.link:
        st.error(plain(problem))


def _open_file(file: UploadedFile) -> None:
    """Open a file.

    Raises:
        InputError: If that fails; names file and rule.
    """
    try:
        if file.name.lower().endswith(SUFFIX):
            state.open_file(network_files.open_file(file.name, file.getbuffer()))
            st.session_state[LIBRARY] = False  # the page itself shows the file
        elif file.size > MAX_FILE_SIZE:
            raise InputError(_("larger than {limit:,} bytes").format(limit=MAX_FILE_SIZE))
        else:
            _open_spec(read_file(file.getvalue(), state.ArchitectureState.of_session().spec))
    except InputError as error:
        raise InputError(_("{file}: {problem}").format(file=file.name, problem=error)) from None


def read_file(content: bytes, current: Spec) -> Spec:
    """Read a network from a file.

    Args:
        content: Spec as JSON, or a cfg list.
        current: Network that supplies everything that a cfg list leaves open.

    Raises:
        InputError: If the content breaks a rule; names the rule.
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError(_("not UTF-8 text")) from None
    if text.startswith("{"):
        return parse_json(text)
    return from_layers(text, current)


def _open_spec(spec: Spec) -> None:
    analyse(spec)  # torchvision may not know the name, or the model may not run at the size
    state.open_network(NamedNetwork(spec))
