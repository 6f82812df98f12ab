"""Test images of a data set: paged through, of one class or of all, one or a page of them chosen."""

from functools import cache

import streamlit as st
import torch

from explorer.data import examples, load, preview
from explorer.data.catalogue import NAMES
from explorer.data.downloads import is_there
from explorer.data.examples import Examples
from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.i18n import _, ngettext
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state
from explorer.ui.predict.encoded import address
from explorer.ui.predict.pictures import Shown, pictures
from explorer.ui.shared.choice import choice
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.waiting import follow
from explorer.ui.train import uploads
from explorer.ui.train.data import title
from explorer.ui.train.form import UPLOADED, path_of
from explorer.weights.files import Card
from explorer.workers.progress import Progress

PAGE = 20  # images
SIDE = 70
MIXED = 0  # seed of the order
DRAWN = "predict.drawn"  # in session_state: the data set that was drawn last, its class and images


def _look(name: str, progress: Progress) -> Examples:
    path = path_of(name)
    return examples.load_cached(path) or examples.compute(path, progress)


_looking = TaskQueue(_look)


@cache
def _bundled(name: str) -> Examples:
    dataset = load(name)  # small, and read in no time
    return Examples(dataset.classes, dataset.test)


def offered() -> list[str]:
    """Data sets that are on this server."""
    here = [name for name, entry in NAMES.items() if not entry.source or is_there(entry)]
    return here + [UPLOADED + name for name in uploads.names()]


def own(card: Card) -> str | None:
    """The data set that a network was trained on, where it is here under the name that the card has."""
    name = str(card.data.get("name", ""))
    upload = uploads.called(name)
    return next((one for one in offered() if one == name or (upload and one == UPLOADED + upload)), None)


def fitting(card: Card) -> str | None:
    """The data set that suits a network: its own, or else one that has its classes and nothing else."""
    known = {name.casefold() for name in card.classes}
    alike = (name for name in offered() if len(found := _classes(name)) > 0 and found <= known)
    return own(card) or max(alike, key=lambda name: len(_classes(name)), default=None)


def _classes(name: str) -> set[str]:
    """The classes of a data set, as far as somebody has looked at it; else none."""
    if name in NAMES and not NAMES[name].source:
        held: Examples | Preview | None = _bundled(name)
    else:
        path = path_of(name)
        held = examples.load_cached(path) or preview.load_cached(path)
    return set() if held is None else {one.casefold() for one in held.classes}


def render(card: Card) -> list[Picture]:
    """Let the user choose among the test images; the first of them is chosen at first."""
    view = state.asking().view
    usual = fitting(card)
    options = list(dict.fromkeys([*([usual] if usual else []), *offered(), *([view.data] if view.data else [])]))
    name = view.data or usual

    def choose(one: str | None) -> None:
        state.change(data="" if one == usual else one, index=(), of="")

    choice(
        _("Data set"), options, name, choose, words=title, key="predict.data", index=None,
        placeholder=_("Choose a data set"),
    )  # fmt: skip
    if name is None:
        st.caption(
            _("No data set on this server has the classes of this network. You can upload one on the Train page.")
        )
        return []
    _begin_anew(name)
    if name not in offered():
        st.warning(_("{data} is not on this server.").format(data=plain(title(name))), icon=":material/link_off:")
        return []
    if name in NAMES and not NAMES[name].source:
        return _choose(name, _bundled(name))
    found = examples.load_cached(path_of(name)) or _looked(name)
    if found is None:
        return []
    _looking.invalidate(name)  # from now on they are in a file, which may go
    return _choose(name, found)


def _looked(name: str) -> Examples | None:
    """The images, as soon as a process of its own has read them."""
    piece = follow(_looking, name, _("Reading the images…"))
    if piece.problem:
        st.error(plain(str(piece.problem)), icon=":material/error:")
        st.button(_("Try again"), icon=":material/refresh:", on_click=_looking.invalidate, args=(name,))
    return piece.result


def _begin_anew(name: str) -> None:
    """Another network may bring another data set, in which the class and images of the last one mean nothing."""
    view = state.asking().view
    held = st.session_state.get(DRAWN)
    if held and held[0] != name and held[1:] == (view.of, view.index):  # else a link asks for these
        state.asking().correct(of="", index=())


def _choose(name: str, tests: Examples) -> list[Picture]:
    every = _("Every class")
    if (of := state.asking().view.of) and of not in tests.classes:
        st.warning(
            _("The data set has no class {name}; you see every class instead.").format(name=plain(of)),
            icon=":material/link_off:",
        )
        state.asking().correct(of="")
    view = state.asking().view
    choice(
        _("Class"), list(dict.fromkeys(["", *tests.classes])), view.of, _choose_class,
        words=lambda one: one or every, key="predict.of",
    )  # fmt: skip
    listed = _of_class(tests, view.of)
    chosen = _chosen(tests, listed) or listed[:1]
    st.session_state[DRAWN] = (name, view.of, state.asking().view.index)
    place = listed.index(chosen[0]) if chosen else 0
    first = place - place % PAGE
    page = listed[first : first + PAGE]
    shown = [_picture(name, tests, index) for index in page]
    pictures(
        [_cell(picture) for picture in shown], key="predict.tests", side=SIDE,
        chosen=page.index(chosen[0]) if len(chosen) == 1 and chosen[0] in page else None,
        on_pick=lambda place, _where: state.change(index=(page[place],)),
    )  # fmt: skip
    _pager(listed, first, page)
    return [_picture(name, tests, index) for index in chosen]


def _of_class(tests: Examples, name: str) -> list[int]:
    """Positions of the images, mixed: data sets often hold one class after the other."""
    mixed = torch.randperm(len(tests.split), generator=torch.Generator().manual_seed(MIXED))
    if name:
        mixed = mixed[tests.split.labels[mixed] == tests.classes.index(name)]
    return mixed.tolist()


def _chosen(tests: Examples, listed: list[int]) -> list[int]:
    """Images of the link, as far as they are listed: what can't be seen on the left isn't answered on the right."""
    view = state.asking().view
    there = [index for index in view.index if index < len(tests.split)]
    if len(there) < len(view.index):
        st.warning(
            ngettext(
                "The test set has {count:,} image; the link asks for others.",
                "The test set has {count:,} images; the link asks for others.",
                len(tests.split),
            ).format(count=len(tests.split)),
            icon=":material/link_off:",
        )
    seen = set(listed)
    chosen = [index for index in there if index in seen]
    if len(chosen) < len(there):
        st.warning(
            _("Not all images that the link asks for are of class {name}: those of other classes are left out.").format(
                name=plain(view.of)
            ),
            icon=":material/link_off:",
        )
        state.asking().correct(index=tuple(chosen))
    return chosen


def _pager(listed: list[int], first: int, page: list[int]) -> None:
    count = len(listed)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="predict-pager"):
        st.button(
            _("Earlier"), icon=":material/chevron_left:", key="predict.earlier", disabled=first == 0,
            on_click=_open, args=(listed, first - PAGE),
        )  # fmt: skip
        st.button(
            _("Later"), icon=":material/chevron_right:", key="predict.later", disabled=first + PAGE >= count,
            on_click=_open, args=(listed, first + PAGE),
        )  # fmt: skip
        st.button(
            _("All of this page"), icon=":material/select_all:", key="predict.all", disabled=len(page) < 2,
            on_click=lambda: state.change(index=tuple(page)),
        )  # fmt: skip
    if count:
        words = _("{first:,} to {last:,} of {count:,}, in a mixed order that is always the same")
        st.caption(words.format(first=first + 1, last=first + len(page), count=count))


def _open(listed: list[int], first: int) -> None:
    """Turn to another page: its first image is chosen, so that what is answered is what is seen."""
    state.change(index=(listed[max(first, 0)],))


def _choose_class(name: str | None) -> None:
    state.change(of=name, index=())


def _picture(name: str, tests: Examples, index: int) -> Picture:
    # Counted from one, and of how many: a bare index above a picture of a digit reads as what the digit is.
    called = _("Test image {number:,} of {count:,}").format(number=index + 1, count=len(tests.split))
    return Picture.of_split(called, tests.split, index, tests.classes, name)


def _cell(picture: Picture) -> Shown:
    try:
        url = address(picture.pixels, SIDE)
    except InputError:  # it is said where the picture is chosen
        url = ""
    truth = picture.truth or ""
    return Shown(url, truth, _("{name}, {truth}").format(name=picture.name, truth=truth))
