"""The choice of networks from the list of weights, and their cards."""

import streamlit as st

from explorer.errors import InputError, StoreError
from explorer.formatting import bytes_short, short
from explorer.i18n import _, ngettext
from explorer.jobs.store import store
from explorer.prediction import networks
from explorer.prediction.networks import Network
from explorer.specs.size import Size, picture_size, size_text
from explorer.ui.predict import state
from explorer.ui.predict.view import DEFAULT
from explorer.ui.shared import address, weights_options
from explorer.ui.shared.recent_set import RecentSet
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.size_input import size_input
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.text import plain
from explorer.weights import registry
from explorer.weights.files import Card

DOWNLOADS = "predict.fetch"  # in session_state: names of weights that the user downloads


def first_entry() -> registry.RegistryEntry | None:
    """Let the user choose a network. Return the default if the link's is missing, and None if both are."""
    entries = _readable_entries()
    name = state.predict_state().view.weights
    select_box(
        _("Network"), list(dict.fromkeys([*entries, name])), name, lambda one: state.change(weights=one),
        words=lambda one: weights_options.option_label(entries.get(one), one), key="predict.weights",
        help=_("Type to search among all weights."),
    )  # fmt: skip
    if name not in entries:
        st.warning(
            _("{name} is not among the weights of this server; you see {default} instead.").format(
                name=plain(name), default=DEFAULT
            ),
            icon=":material/link_off:",
        )
    return entries.get(name, entries.get(DEFAULT))


def second_entry() -> registry.RegistryEntry | None:
    """Let the user choose a second network. None at first."""
    entries = _readable_entries()
    name = state.predict_state().view.beside
    nothing = _("None")
    select_box(
        _("Compare with"), list(dict.fromkeys(["", *entries, name])), name, lambda one: state.change(beside=one),
        words=lambda one: weights_options.option_label(entries.get(one), one) if one else nothing, key="predict.beside",
    )  # fmt: skip
    if name and name not in entries:
        st.warning(
            _("{name} is not among the weights of this server.").format(name=plain(name)), icon=":material/link_off:"
        )
    return entries.get(name)


def image_size(card: Card) -> int | Size | None:
    """Let the user choose an image size for the network. None means the size of its card."""
    size_input(
        state.VIEW_PREFIX + "size", _("Image size"), placeholder=size_text(card.inputs.size),
        help=_(
            "Pixels per side, or height x width such as 224x160, instead of the size that the network was trained at. "
            "A head of convolutions slides over a larger image, and the scores of all places are averaged; other heads "
            "read a larger map as a whole."
        ),
    )  # fmt: skip
    return state.predict_state().view.size


def load_network(entry: registry.RegistryEntry, place: str, size: int | Size | None = None) -> Network | None:
    """Return the network of weights. If they are not downloaded or can't be read, show that and return None.

    Args:
        entry: Weights in the registry.
        place: Place on the page, as a part of the widgets' keys.
        size: Size of the images in pixels. None means the size of the card.
    """
    if not entry.is_there:
        _render_download(entry, place)
        return None
    try:
        return networks.at_size(networks.network(entry), size)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def render_card(entry: registry.RegistryEntry) -> None:
    """Render the main facts of weights, with links to their network and run."""
    card = entry.card
    if card is None:
        return
    spec = card.network_spec
    parts = [
        ngettext("{count:,} class", "{count:,} classes", len(card.classes)).format(count=len(card.classes)),
        _("{size} pixels, {colour}").format(
            size=picture_size(card.inputs.sides),
            colour=_("grey") if spec.in_channels == 1 else _("colour"),
        ),
        _("{count} parameters").format(count=short(weights_options.parameter_count(entry.name, spec))),
    ]
    if top1 := weights_options.accuracy(card):
        words = {
            "test/top1": _("top-1 {share:.2%} on its test set"),
            "torchvision/top1": _("top-1 {share:.2%} on ImageNet, by torchvision"),
            "validation/top1": _("top-1 {share:.2%} on validation images"),
            "": _("top-1 {share:.2%}, as its card says"),
        }
        parts.append(words[weights_options.accuracy_metric(entry)].format(share=top1))
    if data := card.data.get("name"):
        parts.insert(0, _("trained on {data}").format(data=plain(str(data)[:60])))
    if card.license:
        parts.append(plain(card.license[:200]))
    if entry.origin is registry.Origin.JOB:  # the box above may be too narrow for it
        name = _("{name}, written {moment}").format(
            name=f"**{plain(card.name)}**", moment=" ".join(weights_options.written_at(entry))
        )
        st.caption(f"{name}  \n{' · '.join(parts)}")
    else:
        st.caption(" · ".join(parts))
    with st.container(horizontal=True, gap="small"):
        st.page_link(
            "../pages/architecture.py", label=_("Architecture"), icon=":material/schema:", width="content",
            query_params={**card.network.link, **address.shared_parameters()},
        )  # fmt: skip
        if job := _job_id(entry):
            st.page_link(
                "../pages/runs.py", label=_("Its run"), icon=":material/monitoring:", width="content",
                query_params={"job": job, **address.shared_parameters()},
            )  # fmt: skip


def _readable_entries() -> dict[str, registry.RegistryEntry]:
    return {entry.name: entry for entry in registry.entries() if entry.card is not None}


def _job_id(entry: registry.RegistryEntry) -> str:
    """Return the id of the run that made the weights. Empty if this server does not have it."""
    job = entry.name if entry.origin is registry.Origin.JOB else entry.card and entry.card.made_by.get("job")
    try:
        return store().get(job).id if isinstance(job, str) else ""
    except (InputError, StoreError):
        return ""


def _render_download(entry: registry.RegistryEntry, place: str) -> None:
    if entry.name not in st.session_state.setdefault(DOWNLOADS, RecentSet()):
        size = bytes_short(weights_options.download_size(entry.name))
        st.caption(_("These weights of torchvision's are not on this server yet: {size}.").format(size=size))
        st.button(
            _("Download"), icon=":material/download:", key=f"predict.download.{place}", on_click=_request_download,
            args=(entry.name,),
        )  # fmt: skip
        return
    download = follow_task(weights_options.downloads, entry.name, _("Downloading…"))
    if download.problem:
        st.error(plain(str(download.problem)), icon=":material/error:")
        st.button(
            _("Try again"), icon=":material/refresh:", key=f"predict.again.{place}",
            on_click=weights_options.downloads.invalidate, args=(entry.name,),
        )  # fmt: skip
    elif download.is_finished:  # the file arrived after the list was read, or is missing again
        st.session_state[DOWNLOADS].discard(entry.name)
        weights_options.downloads.invalidate(entry.name)
        state.predict_state().refresh()


def _request_download(name: str) -> None:
    state.mark_user_action()
    st.session_state.setdefault(DOWNLOADS, RecentSet()).add(name)
