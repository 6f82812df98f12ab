"""Which images to train on: named sets and uploads, looked at before they are used."""

from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from explorer.data import examples, preview
from explorer.data.catalogue import NAMES
from explorer.data.downloads import is_downloaded
from explorer.data.preview import Preview
from explorer.drawing.kinds import Group, colours
from explorer.errors import ContentError, InputError
from explorer.formatting import bytes_short
from explorer.i18n import _, ngettext
from explorer.jobs.store import ACTIVE, store
from explorer.training.fitting import augmentations, on_mirroring
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.train import samples, state, uploads
from explorer.ui.train.form import UPLOADED, Form, path_of
from explorer.ui.train.state import Training
from explorer.workers.progress import Progress

HEIGHT = 190
NAMED = 24  # classes whose names fit below their bars
UPLOAD, DRAW = "train-upload", "train-draw"  # keys beside the form: neither stands in the link
FETCH = "train-fetch"
NO_TOOLBAR = {"displayModeBar": False}

_unread: set[str] = set()  # paths of uploads that have not been read since they came


def _look(path: str, progress: Progress) -> Preview:
    """Look at a data set; a new upload that breaks a rule is not kept."""
    try:
        found = preview.compute(path, progress)
    except ContentError:
        if path in _unread and not _awaited(path):
            Path(path).unlink(missing_ok=True)
            _unread.discard(path)
        raise
    _unread.discard(path)
    return found


def _awaited(path: str) -> bool:
    """Whether a job trains on an upload, or will."""
    return any(record.dataset == path for record in store().records(ACTIVE))


_looking = TaskQueue(_look)
_fetching = TaskQueue(preview.compute)  # apart, so that nobody waits for another's download


def render(training: Training, *, dark: bool) -> Preview | None:
    """The data set's widgets and what is known of it; none where it can't be read, or is not read yet."""
    form = training.form
    options = [*NAMES, *(UPLOADED + name for name in uploads.names())]
    if form.dataset not in options:  # removed by somebody else
        options.append(form.dataset)
    st.selectbox(_("Data set"), options, key=state.DATASET, format_func=title)
    # One element whatever is in it: else what stands below moves once the images are read, and the browser would draw
    # it anew, closed and without the file that is being uploaded.
    with st.container():
        if training.refused and training.refused_at == "dataset":
            st.error(plain(training.refused), icon=":material/error:")
        found = _found(training)
        if found:
            _numbers(form, found, dark=dark)
    _uploads(form)
    return found


def title(name: str) -> str:
    """What people call a data set."""
    if name in NAMES:
        return NAMES[name].title
    return _("{name}, uploaded").format(name=name.removeprefix(UPLOADED))


def _found(training: Training) -> Preview | None:
    name = training.form.dataset
    path = path_of(name)
    known = preview.load_cached(path) if name in NAMES or uploads.path(name.removeprefix(UPLOADED)).is_file() else None
    if known and (name not in NAMES or not NAMES[name].source or is_downloaded(NAMES[name])):
        return known
    lane, begun = _looking, _("Reading the images…")
    if name in NAMES and NAMES[name].source and not is_downloaded(NAMES[name]):
        entry = NAMES[name]
        if path not in st.session_state.setdefault(FETCH, set()):
            st.caption(
                _(
                    "{title} is not on this server yet: {train:,} images to train with and {test:,} to test, "
                    "{size} to download. A run fetches them when it starts."
                ).format(
                    title=plain(entry.title), train=entry.images[0], test=entry.images[1],
                    size=bytes_short(entry.download),
                )
            )  # fmt: skip
            st.button(
                _("Download now"), icon=":material/download:", key="train-download", on_click=_fetch, args=(path,),
                help=_("To see its images and classes before the training."),
            )  # fmt: skip
            return preview.expected(name)
        lane, begun = _fetching, _("Downloading…")
    piece = follow_task(lane, path, begun)
    if piece.problem is None:
        return piece.result or (preview.expected(name) if name in NAMES else None)
    st.error(plain(_called(str(piece.problem), training.form)), icon=":material/error:")
    if name in NAMES or Path(path).is_file():
        st.button(_("Try again"), icon=":material/refresh:", key="train-again", on_click=_again, args=(lane, path))
    return preview.expected(name) if lane is _fetching else None


def _called(problem: str, form: Form) -> str:
    """A message with an upload's own name in place of the server's path."""
    return problem.replace(form.data, form.dataset.removeprefix(UPLOADED))


def _fetch(path: str) -> None:
    st.session_state.setdefault(FETCH, set()).add(path)


def _again(lane: TaskQueue[Preview], path: str) -> None:
    lane.invalidate(path)


def _numbers(form: Form, found: Preview, *, dark: bool) -> None:
    fraction = form.recipe.validation_fraction
    parts = {
        _("Train"): found.training_counts(fraction),
        _("Validation"): found.validation_counts(fraction),
        _("Test"): found.test,
    }
    with st.grid(3, min_column_width=90, gap="xsmall"):
        for name, counts in parts.items():
            st.metric(name, f"{sum(counts):,}", border=True)
    if not found.images:
        return
    st.caption(_described(found))
    for note in found.notes:
        st.caption(f":material/info: {plain(_called(note, form))}")
    st.plotly_chart(
        _balance(found, parts, dark=dark), key="train-balance", config=NO_TOOLBAR,
        alt=_("Images of each class: {counts}").format(
            counts=", ".join(f"{name} {count:,}" for name, count in zip(found.classes, found.train, strict=True))
        ),
    )  # fmt: skip
    _images(form, found)


def _described(found: Preview) -> str:
    colour = _("colour") if found.channels == 3 else _("grey")
    if found.pixels:
        height, width = found.pixels
        return ngettext(
            "{class:,} classes, {colour}, {width} × {height} pixels",
            "{classes:,} classes, {colour}, {width} × {height} pixels",
            len(found.classes),
        ).format(classes=len(found.classes), colour=colour, width=width, height=height)
    return ngettext(
        "{class:,} classes, {colour}, images of several sizes",
        "{classes:,} classes, {colour}, images of several sizes",
        len(found.classes),
    ).format(classes=len(found.classes), colour=colour)


def _balance(found: Preview, parts: dict[str, tuple[int, ...]], *, dark: bool) -> go.Figure:
    figure = go.Figure()
    kinds = colours(dark=dark)
    shades = (kinds[Group.CONVOLUTION], kinds[Group.POOLING], kinds[Group.NORMALISATION])
    for (name, counts), shade in zip(parts.items(), shades, strict=True):
        figure.add_bar(
            x=list(range(len(counts))), y=counts, name=name, marker={"color": shade},
            customdata=found.classes, hovertemplate="%{customdata}: %{y:,}",
        )  # fmt: skip
    few = len(found.classes) <= NAMED
    figure.update_layout(
        barmode="stack",
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        bargap=0.25,
        xaxis={
            "tickvals": list(range(len(found.classes))) if few else [],
            "ticktext": [name[:12] for name in found.classes] if few else [],
            "title": "" if few else _("Classes"),
        },
        yaxis={"title": _("Images"), "nticks": 5},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1, "x": 0},
        showlegend=True,
    )
    return figure


def _images(form: Form, found: Preview) -> None:
    recipe, size = form.recipe, form.spec.image_size
    names = augmentations(recipe, found.mirrored)
    st.caption(_("As given"))
    st.html(samples.as_given(found, form.dataset))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _("As trained on, {size} × {size} pixels; augmentation: {names}").format(
                size=size, names=plain(samples.words(names))
            ),
            width="stretch",
        )
        if names:
            epoch = st.session_state.get(DRAW, 0)
            st.button(
                _("Next epoch"), icon=":material/casino:", key="train-next", on_click=_next, type="tertiary",
                help=_("What chance does to the same images in another epoch."),
            )  # fmt: skip
        else:
            epoch = 0
    what = (names, recipe.mean, recipe.std, recipe.seed, recipe.rotation_degrees, recipe.noise_std)
    st.html(samples.as_trained(found, form.dataset, recipe, what, size, epoch))
    for note in on_mirroring(recipe, found.mirrored):
        st.caption(f":material/flip: {plain(note)}")


def _next() -> None:
    st.session_state[DRAW] = st.session_state.get(DRAW, 0) + 1


def _uploads(form: Form) -> None:
    with st.expander(_("Your own images"), icon=":material/upload:", key="train-uploads"):
        st.file_uploader(
            _("A zip of class folders, or an npz of images and labels"),
            key=f"{UPLOAD}.{st.session_state.get(UPLOAD, 0)}",
            on_change=_upload,
            max_upload_size=-(-uploads.MAX_FILE // 2**20),
            help=_(
                "Zip: CLASS/image.png, or train/CLASS/… with val/ or test/. Npz: images (N, H, W) or (N, H, W, C) and "
                "labels (N,), classes if there are names; or x_train, y_train, x_test and y_test. Everybody who uses "
                "this server can see and use it."
            ),
        )
        for name in uploads.names():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(f"{name}, {bytes_short(uploads.size(name))}"), width="stretch")
                with st.popover(_("Remove"), key=f"train-remove-{name}"):
                    st.write(_("Remove {name} for everybody?").format(name=plain(name)))
                    st.button(_("Yes, remove"), key=f"train-really-{name}", on_click=_remove, args=(name, form.dataset))


def _upload() -> None:
    turn = st.session_state.get(UPLOAD, 0)
    file = st.session_state[f"{UPLOAD}.{turn}"]
    if file is None:
        return

    def keep() -> dict[str, str]:
        name = uploads.keep(file.name, file, file.size)
        path = str(uploads.path(name))
        if not preview.load_cached(path):
            _unread.add(path)
            _looking.invalidate(path)
        return {"dataset": UPLOADED + name}

    _done(keep)
    st.session_state[UPLOAD] = turn + 1  # another widget: this one holds the file in memory


def _remove(name: str, chosen: str) -> None:
    def remove() -> dict[str, str]:
        if _awaited(str(uploads.path(name))):
            raise InputError(_("{file} is what a job trains on, or will; stop it first").format(file=name))
        for forget in (preview.invalidate, examples.invalidate):
            forget(str(uploads.path(name)))
        _looking.invalidate(str(uploads.path(name)))
        uploads.remove(name)
        return {"dataset": Form().dataset} if chosen == UPLOADED + name else {}

    _done(remove)


def _done(action: Callable[[], dict[str, str]]) -> None:
    """Do something to the uploads, and change the form accordingly, or say why not."""
    try:
        parts = action()
    except InputError as error:
        state.change(refused=str(error))
    else:
        state.change(**parts)
