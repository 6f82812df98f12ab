"""The list of weights: what each of them is, and what can be done with it."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.ui.compare.entries import title
from explorer.ui.predict import about, choose, importing, state
from explorer.ui.predict.state import Action
from explorer.ui.predict.view import DEFAULT
from explorer.ui.shared import address, weights_files
from explorer.ui.shared.selection import ticked
from explorer.ui.shared.text import plain
from explorer.weights import heads, registry, store
from explorer.weights.files import Card
from explorer.weights.registry import Kind, RegistryEntry

TABLE, PUBLISH, RENAME = "predict-shelf", "predict-shelf-publish", "predict-shelf-rename"
CONVOLVE = "predict-shelf-convolve"
ASKING = "predict.shelf.asking"  # in session_state: name of the weights that the user may want to delete
ROW, ROWS_SHOWN = 32, 12
COLUMNS = ("name", "kind", "network", "params", "data", "top1", "measured", "size", "date")


def render() -> None:
    """Import, the list, and the weights chosen in it."""
    asking = state.asking()
    if asking.deed:
        importing.computing(_("Writing the weights…"), asking.act)
    if asking.tidy:
        asking.tidy()
        asking.tidy = None
    importing.render()
    entries = registry.entries()
    names = [entry.name for entry in entries]
    chosen = asking.view.weights
    _table(entries, names.index(chosen) if chosen in names else None)
    if asking.told:
        _tell(asking.told)
    if chosen not in names:
        st.info(
            _("{name} is not among the weights of this server. Tick a row to see another one.").format(
                name=plain(chosen)
            ),
            icon=":material/link_off:",
        )
        return
    entry = entries[names.index(chosen)]
    st.header(plain(_called(entry)), anchor=False)
    _actions(entry)
    if entry.card is None:
        st.error(plain(entry.fault or ""), icon=":material/broken_image:")
    else:
        about.render(entry, entry.card)
    if st.session_state.get(ASKING) == entry.name:
        _confirm(entry)


def _tell(told: state.Told) -> None:
    """What came of the last change, until the user goes on to something else."""
    if not told.worked:
        st.error(plain(told.sentence), icon=":material/error:")
        return
    st.success(plain(told.sentence), icon=":material/check:")
    if told.notes:
        importing.note(told.notes)


def _called(entry: RegistryEntry) -> str:
    """The name for people, who know a run by its own."""
    if entry.kind is Kind.JOB and entry.card is not None:
        return f"{entry.card.name} · {entry.name}"
    return entry.name.removeprefix(registry.TORCHVISION)


def origin(entry: RegistryEntry) -> str:
    """Where weights come from, in a word."""
    if entry.card is None:
        return _("broken")
    return {
        Kind.PRETRAINED: _("pretrained"),
        Kind.IMPORTED: _("imported") if "job" not in entry.card.made_by else _("published"),
        Kind.JOB: _("run"),
        Kind.TORCHVISION: _("torchvision"),
    }[entry.kind]


def rows(entries: Sequence[RegistryEntry]) -> pd.DataFrame:
    """A row for each of the weights; of a broken file what is known without its card."""
    return pd.DataFrame([_row(entry) for entry in entries], columns=list(COLUMNS))


def _row(entry: RegistryEntry) -> tuple[object, ...]:
    try:
        status = entry.path.stat()
        size, date = bytes_short(status.st_size), datetime.fromtimestamp(status.st_mtime, UTC)
    except OSError:  # torchvision's that nobody has used yet, or gone since the list was made
        size, date = _("not downloaded"), None
    if entry.card is None:
        return entry.name, origin(entry), "", None, "", None, "", size, date
    spec = entry.card.network_spec
    top1 = choose.accuracy(entry.card)
    return (
        _called(entry),
        origin(entry),
        title(entry.card.network),
        short(choose.parameters(entry.name, spec)),
        str(entry.card.data.get("name", "")),
        None if top1 is None else 100 * top1,
        "" if top1 is None else _measured(entry, entry.card),
        size,
        date,
    )


def _measured(entry: RegistryEntry, card: Card) -> str:
    """On which images the top-1 of a card was measured, as far as that is known."""
    if entry.kind is Kind.IMPORTED and "job" not in card.made_by:  # it may state anything
        return _("as its card says")
    images = {"test": _("test set"), "validation": _("validation images"), "torchvision": _("ImageNet, by torchvision")}
    return next(images[key.partition("/")[0]] for key in choose.TOP1 if isinstance(card.metrics.get(key), float))


def _table(entries: Sequence[RegistryEntry], row: int | None) -> None:
    key = ticked(TABLE, [] if row is None else [row])
    names = [entry.name for entry in entries]

    def picked() -> None:
        chosen = [names[place] for place in st.session_state[key].selection.rows if place < len(names)]
        state.change(**({"weights": chosen[0]} if chosen else {}))

    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        rows(entries),
        hide_index=True,
        column_config={
            "name": text(_("Name"), pinned=True, width=230),
            "kind": text(_("From"), width=95),
            "network": text(_("Network"), width=165),
            "params": text(_("Parameters"), width=85),
            "data": text(_("Trained on"), width=110),
            "top1": number(_("Top-1"), format="%.2f%%", width=70),
            "measured": text(
                _("Measured on"), width=120,
                help=_("Only where a run has not been tested yet, on the validation images that chose its best epoch."),
            ),
            "size": text(_("Size"), width=120),
            "date": st.column_config.DatetimeColumn(_("Changed"), format="D MMM YYYY", width=95),
        },
        row_height=ROW,
        height=ROW * (min(len(entries), ROWS_SHOWN) + 1) + 2,
        on_select=picked,
        selection_mode="single-row",
        key=key,
        placeholder="–",
        alt=_("Weights with network, parameters, data, accuracy and size"),
    )  # fmt: skip


def _actions(entry: RegistryEntry) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="predict-shelf-actions"):
        if entry.card is not None:
            st.button(
                _("Predict with it"), icon=":material/image_search:", key="predict.shelf.use", on_click=state.change,
                kwargs={"show": "predict"},
            )  # fmt: skip
            st.button(
                _("Test it"), icon=":material/fact_check:", key="predict.shelf.test", on_click=state.change,
                kwargs={"show": "test"},
            )  # fmt: skip
            st.page_link(
                "../pages/train.py", label=_("Train from these"), icon=":material/model_training:", width="content",
                query_params={
                    **entry.card.network.link, "weights": entry.name, **address.everywhere()
                },
                help=_("Opens the Train page with this network, starting from these weights."),
            )  # fmt: skip
            _download(entry)
            if entry.is_there and heads.is_dense(entry.card.network_spec):
                _convolve(entry)
            if entry.kind is Kind.JOB:
                _publish(entry, entry.card.name)
        if reason := store.fixed(entry):
            st.caption(reason, width="content")
            return
        if entry.name == entry.path.stem:  # else it goes by its path, as the name is another's
            _rename(entry)
        st.button(_("Delete"), icon=":material/delete:", key="predict.shelf.delete", on_click=_ask, args=(entry.name,))


def _download(entry: RegistryEntry) -> None:
    with st.popover(
        _("Download"), icon=":material/download:", key="predict-shelf-download", on_change=state.acted
    ) as menu:
        if not menu.open:
            return
        if entry.is_there:
            stem = entry.name.replace(":", "-") if entry.kind is not Kind.IMPORTED else entry.path.stem
            weights_files.render(entry.path, stem, "predict.shelf")
        else:
            st.caption(_("They are not on this server yet: they are downloaded when they are first used."))


def _publish(entry: RegistryEntry, called: str) -> None:
    with st.popover(_("Publish"), icon=":material/publish:", key=_shown(PUBLISH), on_change=state.acted) as menu:
        if not menu.open:
            return
        st.caption(_("A copy under a name of its own, which stays when the run is deleted."))
        key = f"predict.shelf.publish-name.{entry.name}"
        st.text_input(_("Name"), value=store.suggested(called), max_chars=store.LONGEST, key=key)
        st.checkbox(
            _("In half precision"), key="predict.shelf.half",
            help=_("Half the size; for nearly all networks the same answers. Computed is in float32 all the same."),
        )  # fmt: skip
        st.text_input(_("License"), max_chars=200, key="predict.shelf.license")

        def publish(name: str) -> None:
            half, terms = st.session_state["predict.shelf.half"], st.session_state["predict.shelf.license"]
            store.publish(entry.name, name, half=half, terms=terms.strip() or None)

        said = _("{name} is published: everybody who uses this server finds it here.")
        st.button(_("Publish"), key="predict.shelf.publish", on_click=_ask_for, args=(publish, key, PUBLISH, said))


def _convolve(entry: RegistryEntry) -> None:
    with st.popover(
        _("For any image size"), icon=":material/photo_size_select_large:", key=_shown(CONVOLVE), on_change=state.acted
    ) as menu:
        if not menu.open:
            return
        st.caption(
            _(
                "A copy whose dense layers are convolutions with the same numbers: the same scores at {size} pixels, "
                "and on larger images the mean of the scores of all places."
            ).format(size=entry.card.inputs.size if entry.card else "")
        )
        key = f"predict.shelf.convolve-name.{entry.name}"
        st.text_input(
            _("Name"), value=store.suggested(f"{entry.name.rpartition(':')[2]}-conv"), max_chars=store.LONGEST, key=key
        )

        def convolve(name: str) -> None:
            store.convolve(entry.path, name)

        said = _("{name} takes images of any size.")
        st.button(_("Make it"), key="predict.shelf.convolve", on_click=_ask_for, args=(convolve, key, CONVOLVE, said))


def _rename(entry: RegistryEntry) -> None:
    with st.popover(_("Rename"), icon=":material/edit:", key=_shown(RENAME), on_change=state.acted) as menu:
        if not menu.open:
            return
        key = f"predict.shelf.name.{entry.name}"
        st.text_input(_("New name"), value=entry.name, max_chars=store.LONGEST, key=key)

        def rename(name: str) -> None:
            store.rename(entry.name, name)

        said = _("The weights are called {name} now.")
        st.button(_("Rename"), key="predict.shelf.rename", on_click=_ask_for, args=(rename, key, RENAME, said))


def _ask_for(action: Callable[[str], object], key: str, menu: str, said: str) -> None:
    """Want weights to get a name.

    Args:
        action: takes the name.
        key: of the widget that holds it: what was typed last may have come with the click.
        menu: the popover that is closed then.
        said: in the end.
    """
    name = st.session_state[key].strip()

    def work(_on_wait: Callable[[int], None]) -> list[str]:
        action(name)
        return []

    state.asking().deed = Action(work, name, said.format(name=name), lambda: _close(menu))
    state.acted()


def _shown(menu: str) -> str:
    """Key of a popover: the one after the last closing."""
    key: str = st.session_state.get(f"{menu}.shown", menu)
    return key


def _close(menu: str) -> None:
    """Put a new popover in its place: a browser that has not heard that this one is closed would open it again."""
    st.session_state[f"{menu}.shown"] = f"{menu}.{secrets.token_hex(4)}"


def _ask(name: str) -> None:
    st.session_state[ASKING] = name
    state.acted()


def _answered() -> None:
    _ask("")


@st.dialog(_("Delete weights?"), icon=":material/delete:", on_dismiss=_answered)
def _confirm(entry: RegistryEntry) -> None:
    st.markdown(
        _("**{name}** is deleted for everybody and for good. Download it first if you want to keep it.").format(
            name=plain(entry.name)
        )
    )
    with st.container(horizontal=True):
        if st.button(_("Delete for good"), icon=":material/delete_forever:", key="predict.shelf.really"):

            def work(_on_wait: Callable[[int], None]) -> list[str]:
                store.delete(entry.name)
                return []

            said = _("{name} is deleted.").format(name=entry.name)
            state.asking().deed = Action(work, DEFAULT, said, lambda: None)
            _answered()
            state.asking().refresh()
        if st.button(_("Keep"), key="predict.shelf.keep"):
            _answered()
            state.asking().refresh()
