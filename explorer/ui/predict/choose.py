"""Which network is asked: the list of weights, and the card of the one chosen."""

from functools import lru_cache

import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError, StoreError
from explorer.families import Spec
from explorer.formatting import bytes_short, short
from explorer.i18n import _, ngettext
from explorer.jobs.store import store
from explorer.prediction import networks
from explorer.prediction.networks import Network
from explorer.specs.base import MAX_IMAGE
from explorer.ui.predict import state
from explorer.ui.predict.view import DEFAULT
from explorer.ui.shared import address
from explorer.ui.shared.choice import choice
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.waiting import follow
from explorer.weights import registry
from explorer.weights.files import Card
from explorer.weights.torchvision import catalogue
from explorer.workers.progress import Progress

TOP1 = ("test/top1", "torchvision/top1", "validation/top1")  # in a card's metrics, the best evidence first
FETCH = "predict.fetch"  # names that the user has asked to download


def _fetched(name: str, progress: Progress) -> registry.RegistryEntry:
    registry.find(name, progress)
    return next(one for one in registry.entries() if one.name == name)


fetching = TaskQueue(_fetched)


def entry() -> registry.RegistryEntry | None:
    """Let the user choose; the default where the name of the link is gone, none where that is, too."""
    listed = _listed()
    name = state.asking().view.weights
    choice(
        _("Network"), list(dict.fromkeys([*listed, name])), name, lambda one: state.change(weights=one),
        words=lambda one: label(listed.get(one), one), key="predict.weights",
        help=_("Type to search among all weights."),
    )  # fmt: skip
    if name not in listed:
        st.warning(
            _("{name} is not among the weights of this server; you see {default} instead.").format(
                name=plain(name), default=DEFAULT
            ),
            icon=":material/link_off:",
        )
    return listed.get(name, listed.get(DEFAULT))


def beside() -> registry.RegistryEntry | None:
    """Let the user choose a second network; none is chosen first."""
    listed = _listed()
    name = state.asking().view.beside
    nothing = _("None")
    choice(
        _("Compare with"), list(dict.fromkeys(["", *listed, name])), name, lambda one: state.change(beside=one),
        words=lambda one: label(listed.get(one), one) if one else nothing, key="predict.beside",
    )  # fmt: skip
    if name and name not in listed:
        st.warning(
            _("{name} is not among the weights of this server.").format(name=plain(name)), icon=":material/link_off:"
        )
    return listed.get(name)


def size(about: Card) -> int | None:
    """Let the user choose the size of the images that the network is asked at; none is its own."""
    st.number_input(
        _("Image size"), min_value=1, max_value=MAX_IMAGE, step=1, placeholder=str(about.inputs.size),
        key=state.VIEW + "size", persist_state="page",
        help=_(
            "Pixels of a side, in place of the size that the network was trained at. A head of convolutions slides "
            "over a larger image, and the scores of all places are averaged; other heads read a larger map as a whole."
        ),
    )  # fmt: skip
    return state.asking().view.size


def loaded(chosen: registry.RegistryEntry, place: str, size: int | None = None) -> Network | None:
    """The network of an entry; none where it must be downloaded first, or can't be read, which is said here.

    Args:
        chosen: the entry.
        place: of the page, for the keys of its widgets.
        size: side of the images in pixels; none is that of the card.
    """
    if not chosen.is_there:
        _download(chosen, place)
        return None
    try:
        return networks.at_size(networks.network(chosen), size)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def card(chosen: registry.RegistryEntry) -> None:
    """What the weights are, with links to the network and the run that made them."""
    about = chosen.card
    if about is None:
        return
    spec = about.network_spec
    parts = [
        ngettext("{count:,} class", "{count:,} classes", len(about.classes)).format(count=len(about.classes)),
        _("{size} × {size} pixels, {colour}").format(
            size=about.inputs.size, colour=_("grey") if spec.in_channels == 1 else _("colour")
        ),
        _("{count} parameters").format(count=short(parameters(chosen.name, spec))),
    ]
    if top1 := accuracy(about):
        words = {
            "test/top1": _("top-1 {share:.2%} on its test set"),
            "torchvision/top1": _("top-1 {share:.2%} on ImageNet, by torchvision"),
            "validation/top1": _("top-1 {share:.2%} on validation images"),
            "": _("top-1 {share:.2%}, as its card says"),
        }
        parts.append(words[_evidence(chosen)].format(share=top1))
    if data := about.data.get("name"):
        parts.insert(0, _("trained on {data}").format(data=plain(str(data)[:60])))
    if about.license:
        parts.append(plain(about.license[:200]))
    st.caption(" · ".join(parts))
    with st.container(horizontal=True, gap="small"):
        st.page_link(
            "../pages/architecture.py", label=_("Architecture"), icon=":material/schema:", width="content",
            query_params={**about.network.link, **address.everywhere()},
        )  # fmt: skip
        if job := _job(chosen):
            st.page_link(
                "../pages/runs.py", label=_("Its run"), icon=":material/monitoring:", width="content",
                query_params={"job": job, **address.everywhere()},
            )  # fmt: skip


def _listed() -> dict[str, registry.RegistryEntry]:
    return {one.name: one for one in registry.entries() if one.card is not None}


def label(chosen: registry.RegistryEntry | None, name: str, called: str = "") -> str:
    """Weights in a list to choose from; ``called`` is what people call their run by now."""
    if chosen is None or chosen.card is None:
        return _("{name} (not here)").format(name=name)
    parts = [f"{_icon(chosen.kind)} {name.removeprefix(registry.TORCHVISION)}"]
    if chosen.kind is registry.Kind.JOB:
        parts = [f"{_icon(chosen.kind)} {called or chosen.card.name}", name]
    if top1 := accuracy(chosen.card):
        words = {"validation/top1": _("{share:.2%} on validation images"), "": _("{share:.2%}, as its card says")}
        parts.append(words.get(_evidence(chosen), "{share:.2%}").format(share=top1))
    parts.append(short(parameters(name, chosen.card.network_spec)))
    if not chosen.is_there:
        parts.append(_("download of {size}").format(size=bytes_short(download_size(name))))
    return " · ".join(parts)


def _icon(kind: registry.Kind) -> str:
    # A select's options are plain text, where Material icons have no place.
    return {
        registry.Kind.PRETRAINED: "★",
        registry.Kind.IMPORTED: "⇥",
        registry.Kind.JOB: "▶",
        registry.Kind.TORCHVISION: "◆",
    }[kind]


def accuracy(about: Card) -> float | None:
    """Top-1, from 0 to 1, by the best evidence that there is."""
    return next((about.metrics[key] for key in TOP1 if isinstance(about.metrics.get(key), float)), None)


def _evidence(chosen: registry.RegistryEntry) -> str:
    """The metric that :func:`accuracy` takes; empty where the author of a file may have written anything."""
    about = chosen.card
    if about is None or (chosen.kind is registry.Kind.IMPORTED and "job" not in about.made_by):
        return ""
    return next((key for key in TOP1 if isinstance(about.metrics.get(key), float)), "")


@lru_cache(maxsize=2000)
def parameters(name: str, spec: Spec) -> int:
    """Parameters of a network, of torchvision's by its own figure."""
    if theirs := catalogue().get(name):  # its own figure, instead of thirty analyses
        return int(theirs.weights.meta["num_params"])
    params: int = analyse(spec).totals.params
    return params


def download_size(name: str) -> int:
    """Bytes of a file of torchvision's."""
    size: float = catalogue()[name].weights.meta["_file_size"]
    return round(size * 2**20)


def _job(chosen: registry.RegistryEntry) -> str:
    """Id of the run that made the weights, where it is here."""
    job = chosen.name if chosen.kind is registry.Kind.JOB else chosen.card and chosen.card.made_by.get("job")
    try:
        return store().get(job).id if isinstance(job, str) else ""
    except (InputError, StoreError):
        return ""


def _download(chosen: registry.RegistryEntry, place: str) -> None:
    if chosen.name not in st.session_state.setdefault(FETCH, set()):
        size = bytes_short(download_size(chosen.name))
        st.caption(_("These weights of torchvision's are not on this server yet: {size}.").format(size=size))
        st.button(
            _("Download"), icon=":material/download:", key=f"predict.download.{place}", on_click=_fetch,
            args=(chosen.name,),
        )  # fmt: skip
        return
    piece = follow(fetching, chosen.name, _("Downloading…"))
    if piece.problem:
        st.error(plain(str(piece.problem)), icon=":material/error:")
        st.button(
            _("Try again"), icon=":material/refresh:", key=f"predict.again.{place}", on_click=fetching.invalidate,
            args=(chosen.name,),
        )  # fmt: skip
    elif piece.ended:  # since the list of weights was read; or the file has gone again
        st.session_state[FETCH].discard(chosen.name)
        fetching.invalidate(chosen.name)
        state.asking().refresh()


def _fetch(name: str) -> None:
    state.acted()
    st.session_state.setdefault(FETCH, set()).add(name)
