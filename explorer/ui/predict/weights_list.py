"""The list of weights, and the actions on selected weights."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from explorer import access
from explorer.analysis.measures import Measure
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.ui.predict import about, importing, state
from explorer.ui.predict.selection import selection_key
from explorer.ui.predict.state import Action
from explorer.ui.predict.view import DEFAULT
from explorer.ui.shared import address, weights_files, weights_options
from explorer.ui.shared.networks import title
from explorer.ui.shared.text import plain
from explorer.weights import heads, registry, store
from explorer.weights.registry import Origin, RegistryEntry

TABLE, PUBLISH, RENAME = "predict-stored", "predict-stored-publish", "predict-stored-rename"
CONVOLVE = "predict-stored-convolve"
TO_DELETE = "predict.stored.to-delete"  # in session_state: name of the weights in the confirmation dialog
ROW, ROWS_SHOWN = 32, 12
LETTER, MARGIN = 6.2, 20  # pixels: a letter of the table, and the room beside the text of a cell
WIDEST = 480  # pixels of a column
COLUMNS = ("name", "kind", "top1", "network", "params", "data", "measured", "size", "date")


def render() -> None:
    """Render the import, the list and the selected weights."""
    predict_state = state.predict_state()
    if predict_state.action:
        importing.run_with_spinner(_("Writing the weights…"), predict_state.run_action)
    if predict_state.cleanup:
        predict_state.cleanup()
        predict_state.cleanup = None
    importing.render()
    entries = registry.entries()
    names = [entry.name for entry in entries]
    chosen = predict_state.view.weights
    _render_table(entries, names.index(chosen) if chosen in names else None)
    if predict_state.notice:
        _render_notice(predict_state.notice)
    if chosen not in names:
        st.info(
            _("{name} is not among the weights of this server. Tick a row to see another one.").format(
                name=plain(chosen)
            ),
            icon=":material/link_off:",
        )
        return
    entry = entries[names.index(chosen)]
    st.header(plain(display_name(entry)), anchor=False)
    _render_actions(entry)
    if entry.card is None:
        st.error(plain(entry.fault or ""), icon=":material/broken_image:")
    else:
        about.render(entry, entry.card)
    if st.session_state.get(TO_DELETE) == entry.name:
        _confirm_deletion(entry)


def _render_notice(notice: state.Notice) -> None:
    """Render the result of the last action, until the user changes the view."""
    if not notice.succeeded:
        st.error(plain(notice.message), icon=":material/error:")
        return
    st.success(plain(notice.message), icon=":material/check:")
    if notice.notes:
        importing.render_notes(notice.notes)


def display_name(entry: RegistryEntry) -> str:
    """Return the name for users: of a run, the run's name."""
    if entry.origin is Origin.JOB and entry.card is not None:
        return entry.card.name
    return entry.name.removeprefix(registry.TORCHVISION)


def origin(entry: RegistryEntry) -> str:
    """Return the origin of weights in a word."""
    if entry.card is None:
        return _("broken")
    return {
        Origin.PRETRAINED: _("pretrained"),
        Origin.IMPORTED: _("imported") if "job" not in entry.card.made_by else _("published"),
        Origin.JOB: _("run"),
        Origin.TORCHVISION: _("torchvision"),
    }[entry.origin]


def rows(entries: Sequence[RegistryEntry]) -> pd.DataFrame:
    """Return the table of weights. A broken file has only the columns that need no card."""
    return pd.DataFrame([_row(entry) for entry in entries], columns=list(COLUMNS))


def _row(entry: RegistryEntry) -> tuple[object, ...]:
    try:
        status = entry.path.stat()
        size, date = bytes_short(status.st_size), datetime.fromtimestamp(status.st_mtime, UTC)
    except OSError:  # torchvision's that is not downloaded, or removed after the list was made
        size, date = _("not downloaded"), None
    if entry.card is None:
        return entry.name, origin(entry), None, "", None, "", "", size, date
    spec = entry.card.network_spec
    top1 = weights_options.accuracy(entry.card)
    return (
        display_name(entry),
        origin(entry),
        None if top1 is None else 100 * top1,
        title(entry.card.network),
        short(weights_options.parameter_count(entry.name, spec)),
        str(entry.card.data.get("name", "")),
        "" if top1 is None else _measured_on(entry),
        size,
        date,
    )


def _measured_on(entry: RegistryEntry) -> str:
    """Return the images on which the top-1 accuracy of a card was measured."""
    metric = weights_options.accuracy_metric(entry)
    if not metric:
        return _("as its card says")
    images = {"test": _("test set"), "validation": _("validation images"), "torchvision": _("ImageNet, by torchvision")}
    return images[metric.partition("/")[0]]


def _render_table(entries: Sequence[RegistryEntry], row: int | None) -> None:
    key = selection_key(TABLE, [] if row is None else [row])
    names = [entry.name for entry in entries]

    def select() -> None:
        chosen = [names[place] for place in st.session_state[key].selection.rows if place < len(names)]
        state.change(**({"weights": chosen[0]} if chosen else {}))

    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    table = rows(entries)

    def width(column: str, least: int) -> int:
        longest = max(map(len, table[column]), default=0)
        return min(max(round(LETTER * longest) + MARGIN, least), WIDEST)

    st.space("small")  # for the table's toolbar, which would cover what stands above
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "name": text(_("Name"), pinned=True, width=width("name", 160)),
            "kind": text(_("From"), width=width("kind", 80)),
            "network": text(_("Network"), width=width("network", 140)),
            "params": text(Measure.PARAMS.label, width=85),
            "data": text(_("Trained on"), width=width("data", 95)),
            "top1": number(_("Top-1"), format="%.2f%%", width=70),
            "measured": text(
                _("Measured on"), width=width("measured", 100),
                help=_("Validation images, which chose the best epoch, only if a run has not been tested yet."),
            ),
            "size": text(_("Size"), width=width("size", 80)),
            "date": st.column_config.DatetimeColumn(_("Changed"), format="D MMM YYYY", width=95),
        },
        row_height=ROW,
        height=ROW * (min(len(entries), ROWS_SHOWN) + 1) + 2,
        on_select=select,
        selection_mode="single-row",
        key=key,
        placeholder="–",
        alt=_("Weights with network, parameters, data, accuracy and size"),
    )  # fmt: skip


def _render_actions(entry: RegistryEntry) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="predict-stored-actions"):
        if entry.card is not None:
            st.button(
                _("Predict with it"), icon=":material/image_search:", key="predict.stored.use", on_click=state.change,
                kwargs={"show": "predict"},
            )  # fmt: skip
            st.button(
                _("Test it"), icon=":material/fact_check:", key="predict.stored.test", on_click=state.change,
                kwargs={"show": "test"},
            )  # fmt: skip
            st.page_link(
                "../pages/train.py", label=_("Train from these"), icon=":material/model_training:", width="content",
                query_params={
                    **entry.card.network.link, "weights": entry.name, **address.shared_parameters()
                },
                help=_("Opens the Train page with this network, starting from these weights."),
            )  # fmt: skip
            _render_download(entry)
            may_add = not access.refusal()
            if may_add and entry.is_there and heads.has_dense_head(entry.card.network_spec):
                _render_convolve(entry)
            if may_add and entry.origin is Origin.JOB:
                _render_publish(entry, entry.card.name)
        if reason := store.immutable_reason(entry) or access.refusal(access.owner_of(entry.path)):
            st.caption(plain(reason), width="content")
            return
        if entry.name == entry.path.stem:  # otherwise other weights have this name, and its path identifies it
            _render_rename(entry)
        st.button(
            _("Delete"), icon=":material/delete:", key="predict.stored.delete", on_click=_ask_to_delete,
            args=(entry.name,),
        )  # fmt: skip


def _render_download(entry: RegistryEntry) -> None:
    with st.popover(
        _("Download"), icon=":material/download:", key="predict-stored-download", on_change=state.mark_user_action
    ) as menu:
        if not menu.open:
            return
        if entry.is_there:
            stem = entry.name.replace(":", "-") if entry.origin is not Origin.IMPORTED else entry.path.stem
            weights_files.render(entry.path, stem, "predict.stored")
        else:
            st.caption(_("They are not on this server yet: they are downloaded when they are first used."))


def _render_publish(entry: RegistryEntry, suggestion: str) -> None:
    with st.popover(
        _("Publish"), icon=":material/publish:", key=_popover_key(PUBLISH), on_change=state.mark_user_action
    ) as menu:
        if not menu.open:
            return
        st.caption(_("A copy under a name of its own, which stays when the run is deleted."))
        key = f"predict.stored.publish-name.{entry.name}"
        st.text_input(_("Name"), value=store.suggest_name(suggestion), max_chars=store.MAX_NAME_LENGTH, key=key)
        st.checkbox(
            _("In half precision"), key="predict.stored.half",
            help=_("Half the size; for nearly all networks the same answers. The computation stays in float32."),
        )  # fmt: skip
        st.text_input(_("License"), max_chars=200, key="predict.stored.license")

        def publish(name: str) -> None:
            half, terms = (
                st.session_state["predict.stored.half"],
                st.session_state["predict.stored.license"],
            )
            store.publish(entry.name, name, half=half, terms=terms.strip() or None)

        message = _("{name} is published: everybody who uses this server finds it here.")
        st.button(_("Publish"), key="predict.stored.publish", on_click=_request, args=(publish, key, PUBLISH, message))


def _render_convolve(entry: RegistryEntry) -> None:
    with st.popover(
        _("For any image size"), icon=":material/photo_size_select_large:", key=_popover_key(CONVOLVE),
        on_change=state.mark_user_action,
    ) as menu:  # fmt: skip
        if not menu.open:
            return
        st.caption(
            _(
                "A copy whose dense layers are convolutions with the same numbers: the same scores at {size} pixels, "
                "and on larger images the mean of the scores of all places."
            ).format(size=entry.card.inputs.size if entry.card else "")
        )
        key = f"predict.stored.convolve-name.{entry.name}"
        st.text_input(
            _("Name"),
            value=store.suggest_name(f"{entry.name.rpartition(':')[2]}-conv"),
            max_chars=store.MAX_NAME_LENGTH,
            key=key,
        )
        message = _("{name} takes images of any size.")
        st.button(
            _("Make it"), key="predict.stored.convolve", on_click=_request,
            args=(lambda name: store.convert_head(entry.path, name), key, CONVOLVE, message),
        )  # fmt: skip


def _render_rename(entry: RegistryEntry) -> None:
    with st.popover(
        _("Rename"), icon=":material/edit:", key=_popover_key(RENAME), on_change=state.mark_user_action
    ) as menu:
        if not menu.open:
            return
        key = f"predict.stored.name.{entry.name}"
        st.text_input(_("New name"), value=entry.name, max_chars=store.MAX_NAME_LENGTH, key=key)
        message = _("The weights are called {name} now.")
        st.button(
            _("Rename"), key="predict.stored.rename", on_click=_request,
            args=(lambda name: store.rename(entry.name, name), key, RENAME, message),
        )  # fmt: skip


def _request(action: Callable[[str], object], key: str, menu: str, message: str) -> None:
    """Request an action that gives weights a name.

    Args:
        action: Function that does it. Its argument is the name.
        key: Key of the widget with the name. Its last value may have arrived with the click.
        menu: Popover to close afterwards.
        message: Message after success.
    """
    name = st.session_state[key].strip()

    def work(_on_wait: Callable[[int], None]) -> list[str]:
        action(name)
        return []

    state.predict_state().action = Action(work, name, message.format(name=name), lambda: _renew_popover(menu))
    state.mark_user_action()


def _popover_key(menu: str) -> str:
    """Return the current key of a popover."""
    key: str = st.session_state.get(f"{menu}.shown", menu)
    return key


def _renew_popover(menu: str) -> None:
    """Replace a popover by a closed one. A browser that does not know yet that it is closed would open it again."""
    st.session_state[f"{menu}.shown"] = f"{menu}.{secrets.token_hex(4)}"


def _ask_to_delete(name: str) -> None:
    st.session_state[TO_DELETE] = name
    state.mark_user_action()


def _close_dialog() -> None:
    _ask_to_delete("")


@st.dialog(_("Delete weights?"), icon=":material/delete:", on_dismiss=_close_dialog)
def _confirm_deletion(entry: RegistryEntry) -> None:
    st.markdown(
        _("**{name}** is deleted for everybody and for good. Download it first if you want to keep it.").format(
            name=plain(entry.name)
        )
    )
    with st.container(horizontal=True):
        if st.button(_("Delete for good"), icon=":material/delete_forever:", key="predict.stored.really"):

            def work(_on_wait: Callable[[int], None]) -> list[str]:
                store.delete(entry.name)
                return []

            message = _("{name} is deleted.").format(name=entry.name)
            state.predict_state().action = Action(work, DEFAULT, message, lambda: None)
            _close_dialog()
            state.predict_state().refresh()
        if st.button(_("Keep"), key="predict.stored.keep"):
            _close_dialog()
            state.predict_state().refresh()
