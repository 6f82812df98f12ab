"""The choice of test images: data set, class, and one image or a page of them."""

from functools import cache

import streamlit as st
import torch

from explorer.data import examples, load, preview, uploads
from explorer.data.catalogue import NAMES
from explorer.data.downloads import is_downloaded
from explorer.data.examples import Examples
from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.i18n import _, ngettext
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.picture_grid import GridItem, picture_grid
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import UPLOADED, data_title, path_of
from explorer.weights.files import Card
from explorer.workers.progress import Progress

PAGE_SIZE = 20  # images on a page
SIDE = 70
ORDER_SEED = 0
LAST_SHOWN = "predict.last-shown"  # in session_state: data set, class and images of the last run


def _load_examples(name: str, progress: Progress) -> Examples:
    path = path_of(name)
    return examples.load_cached(path) or examples.compute(path, progress)


_loads = TaskQueue(_load_examples)


@cache
def _bundled(name: str) -> Examples:
    dataset = load(name)  # small, so it is read at once
    return Examples(dataset.classes, dataset.test)


def available() -> list[str]:
    """Return the data sets on this server."""
    here = [name for name, entry in NAMES.items() if not entry.source or is_downloaded(entry)]
    return here + [UPLOADED + name for name in uploads.names()]


def training_data(card: Card) -> str | None:
    """Return the training data of a network, if this server has a data set of that name."""
    name = str(card.data.get("name", ""))
    upload = uploads.find(name)
    return next((one for one in available() if one == name or (upload and one == UPLOADED + upload)), None)


def suitable_data(card: Card) -> str | None:
    """Return a data set for a network: its training data, or the one with the most of its classes and no other."""
    own = {name.casefold() for name in card.classes}
    candidates = (name for name in available() if len(classes := _classes(name)) > 0 and classes <= own)
    return training_data(card) or max(candidates, key=lambda name: len(_classes(name)), default=None)


def _classes(name: str) -> set[str]:
    """Return the classes of a data set. Empty if nobody has opened it yet."""
    if name in NAMES and not NAMES[name].source:
        opened: Examples | Preview | None = _bundled(name)
    else:
        path = path_of(name)
        opened = examples.load_cached(path) or preview.load_cached(path)
    return set() if opened is None else {one.casefold() for one in opened.classes}


def render(card: Card) -> list[Picture]:
    """Let the user choose test images. The default is the first one."""
    view = state.predict_state().view
    default = suitable_data(card)
    options = list(dict.fromkeys([*([default] if default else []), *available(), *([view.data] if view.data else [])]))
    name = view.data or default

    def choose(one: str | None) -> None:
        state.change(data="" if one == default else one, index=(), of="")

    select_box(
        _("Data set"), options, name, choose, words=data_title, key="predict.data", index=None,
        placeholder=_("Choose a data set"),
    )  # fmt: skip
    if name is None:
        st.caption(
            _("No data set on this server has the classes of this network. You can upload one on the Train page.")
        )
        return []
    _reset_for_other_data(name)
    if name not in available():
        st.warning(_("{data} is not on this server.").format(data=plain(data_title(name))), icon=":material/link_off:")
        return []
    if name in NAMES and not NAMES[name].source:
        return _choose_images(name, _bundled(name))
    found = examples.load_cached(path_of(name)) or _await_examples(name)
    if found is None:
        return []
    _loads.invalidate(name)  # they are in a file now, which may be deleted
    return _choose_images(name, found)


def _await_examples(name: str) -> Examples | None:
    """Return the images once another process has read them."""
    loading = follow_task(_loads, name, _("Reading the images…"))
    if loading.problem:
        st.error(plain(str(loading.problem)), icon=":material/error:")
        st.button(_("Try again"), icon=":material/refresh:", on_click=_loads.invalidate, args=(name,))
    return loading.result


def _reset_for_other_data(name: str) -> None:
    """Reset class and images if another network has changed the data set."""
    view = state.predict_state().view
    last = st.session_state.get(LAST_SHOWN)
    if last and last[0] != name and last[1:] == (view.of, view.index):  # otherwise a new link names them
        state.predict_state().correct(of="", index=())


def _choose_images(name: str, tests: Examples) -> list[Picture]:
    every = _("Every class")
    if (of := state.predict_state().view.of) and of not in tests.classes:
        st.warning(
            _("The data set has no class {name}; you see every class instead.").format(name=plain(of)),
            icon=":material/link_off:",
        )
        state.predict_state().correct(of="")
    view = state.predict_state().view
    select_box(
        _("Class"), list(dict.fromkeys(["", *tests.classes])), view.of, _choose_class,
        words=lambda one: one or every, key="predict.of",
    )  # fmt: skip
    listed = _indices_of_class(tests, view.of)
    chosen = _images_of_link(tests, listed) or listed[:1]
    st.session_state[LAST_SHOWN] = (name, view.of, state.predict_state().view.index)
    position = listed.index(chosen[0]) if chosen else 0
    first = position - position % PAGE_SIZE
    page = listed[first : first + PAGE_SIZE]
    shown = [_picture(name, tests, index) for index in page]
    picture_grid(
        [_grid_item(picture) for picture in shown], key="predict.tests", side=SIDE,
        chosen=page.index(chosen[0]) if len(chosen) == 1 and chosen[0] in page else None,
        on_pick=lambda index: state.change(index=(page[index],)),
    )  # fmt: skip
    _render_pager(listed, first, page)
    return [_picture(name, tests, index) for index in chosen]


def _indices_of_class(tests: Examples, name: str) -> list[int]:
    """Return the indices of the images in a mixed order, because data sets are often sorted by class."""
    mixed = torch.randperm(len(tests.split), generator=torch.Generator().manual_seed(ORDER_SEED))
    if name:
        mixed = mixed[tests.split.labels[mixed] == tests.classes.index(name)]
    return mixed.tolist()


def _images_of_link(tests: Examples, listed: list[int]) -> list[int]:
    """Return the images of the link that are listed. Images that are not listed are not classified."""
    view = state.predict_state().view
    existing = [index for index in view.index if index < len(tests.split)]
    if len(existing) < len(view.index):
        st.warning(
            ngettext(
                "The test set has {count:,} image; the link asks for others.",
                "The test set has {count:,} images; the link asks for others.",
                len(tests.split),
            ).format(count=len(tests.split)),
            icon=":material/link_off:",
        )
    seen = set(listed)
    chosen = [index for index in existing if index in seen]
    if len(chosen) < len(existing):
        st.warning(
            _("Not all images that the link asks for are of class {name}: those of other classes are left out.").format(
                name=plain(view.of)
            ),
            icon=":material/link_off:",
        )
        state.predict_state().correct(index=tuple(chosen))
    return chosen


def _render_pager(listed: list[int], first: int, page: list[int]) -> None:
    count = len(listed)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="predict-pager"):
        st.button(
            _("Earlier"), icon=":material/chevron_left:", key="predict.earlier", disabled=first == 0,
            on_click=_open_page, args=(listed, first - PAGE_SIZE),
        )  # fmt: skip
        st.button(
            _("Later"), icon=":material/chevron_right:", key="predict.later", disabled=first + PAGE_SIZE >= count,
            on_click=_open_page, args=(listed, first + PAGE_SIZE),
        )  # fmt: skip
        st.button(
            _("All of this page"), icon=":material/select_all:", key="predict.all", disabled=len(page) < 2,
            on_click=lambda: state.change(index=tuple(page)),
        )  # fmt: skip
    if count:
        words = _("{first:,} to {last:,} of {count:,}, in a random order that is always the same")
        st.caption(words.format(first=first + 1, last=first + len(page), count=count))


def _open_page(listed: list[int], first: int) -> None:
    """Open another page and choose its first image, so that the answer is about a visible image."""
    state.change(index=(listed[max(first, 0)],))


def _choose_class(name: str | None) -> None:
    state.change(of=name, index=())


def _picture(name: str, tests: Examples, index: int) -> Picture:
    # "Test image 1 of 359", because a bare index above a picture of a digit reads like the digit's class.
    name_of_image = _("Test image {number:,} of {count:,}").format(number=index + 1, count=len(tests.split))
    return Picture.of_split(name_of_image, tests.split, index, tests.classes, name)


def _grid_item(picture: Picture) -> GridItem:
    try:
        url = data_url(picture.pixels, SIDE)
    except InputError:  # the error is shown when the picture is chosen
        url = ""
    truth = picture.truth or ""
    return GridItem(url, truth, _("{name}, {truth}").format(name=picture.name, truth=truth))
