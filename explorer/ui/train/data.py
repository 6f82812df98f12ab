"""The choice of the data set, with a preview: named sets and uploads."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer import access
from explorer.data import examples, uploads
from explorer.data import preview as previews
from explorer.data.catalogue import NAMES
from explorer.data.downloads import is_downloaded
from explorer.data.preview import Preview
from explorer.drawing.kinds import Group, colours
from explorer.errors import ContentError, InputError
from explorer.formatting import bytes_short
from explorer.i18n import _, ngettext
from explorer.jobs.store import ACTIVE, store
from explorer.specs.size import Size, picture_size
from explorer.training.fitting import augmentations, flip_notes
from explorer.ui.shared.chart_text import LEGEND_ABOVE, PlainFigure
from explorer.ui.shared.recent_set import RecentSet
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import UPLOADED, Form, data_title, path_of
from explorer.ui.train import samples, state
from explorer.ui.train.state import Training
from explorer.workers.progress import Progress

HEIGHT = 190
MAX_LABELS = 24  # classes whose names fit below their bars
UPLOAD, EPOCH = "train-upload", "train-samples-epoch"  # keys in session_state that are not part of the link
DOWNLOADS = "train-fetch"
NO_TOOLBAR = {"displayModeBar": False}
# The three sizes stay side by side in the narrow column of a tablet.
SIZES_STYLE = """<style>
  .st-key-train-sizes { container-type: inline-size }
  @container (max-width: 300px) {
    .st-key-train-sizes [data-testid="stMetric"] { border: 0 }
    .st-key-train-sizes :is([data-testid="stMetric"], [data-testid="stMetric"] > *) { padding: 0 }
    .st-key-train-sizes [data-testid="stMetricLabel"] p { font-size: 0.8rem }
    .st-key-train-sizes [data-testid="stMetricValue"] { font-size: 1.15rem }
  }
</style>"""

_new_uploads = RecentSet()  # paths of uploads that have not been read yet


def _load_preview(path: str, progress: Progress) -> Preview:
    """Computes the preview of a data set. Deletes a new upload that is not a valid data set."""
    try:
        preview = previews.compute(path, progress)
    except ContentError:
        if path in _new_uploads and not _is_in_use(path):
            Path(path).unlink(missing_ok=True)
            _new_uploads.discard(path)
        raise
    _new_uploads.discard(path)
    return preview


def _is_in_use(path: str) -> bool:
    """Returns whether a queued or running job uses an upload."""
    return any(record.dataset == path for record in store().records(ACTIVE))


_loading = TaskQueue(_load_preview)
_downloading = TaskQueue(previews.compute)  # a second queue, so that previews don't wait for downloads


def render(training: Training, *, dark: bool) -> Preview | None:
    """Renders the widgets and the preview of the data set. Returns the preview; None if there is none yet."""
    form = training.form
    options = [*NAMES, *(UPLOADED + name for name in uploads.names())]
    if form.dataset not in options:  # removed by somebody else
        options.append(form.dataset)
    st.selectbox(_("Data set"), options, key=state.DATASET, format_func=data_title)
    # The container gives the elements below a fixed position. Otherwise the browser would render the expander of the
    # uploads again once the images are read: closed, and without the file that is being uploaded.
    with st.container():
        if training.error and training.error_place == "dataset":
            st.error(plain(training.error), icon=":material/error:")
        preview = _preview(training)
        if preview:
            _render_counts(form, preview, dark=dark)
    _render_uploads(form)
    return preview


def _preview(training: Training) -> Preview | None:
    """Returns the preview from the cache, or starts the task that computes it and renders its progress."""
    name = training.form.dataset
    path = path_of(name)
    entry = NAMES.get(name)
    is_missing = entry is not None and bool(entry.source) and not is_downloaded(entry)
    exists = entry is not None or uploads.path(name.removeprefix(UPLOADED)).is_file()
    if exists and not is_missing and (cached := previews.load_cached(path)):
        return cached
    queue, step = _loading, _("Reading the images…")
    if entry and is_missing:
        if path not in st.session_state.setdefault(DOWNLOADS, RecentSet()):
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
                _("Download now"), icon=":material/download:", key="train-download",
                on_click=st.session_state[DOWNLOADS].add, args=(path,),
                help=_("To see its images and classes before the training."),
            )  # fmt: skip
            return previews.expected(name)
        queue, step = _downloading, _("Downloading…")
    task = follow_task(queue, path, step)
    if task.problem is None:
        return task.result or (previews.expected(name) if entry else None)
    st.error(plain(_with_upload_name(str(task.problem), training.form)), icon=":material/error:")
    if entry or Path(path).is_file():
        st.button(_("Try again"), icon=":material/refresh:", key="train-again", on_click=queue.invalidate, args=(path,))
    return previews.expected(name) if queue is _downloading else None


def _with_upload_name(problem: str, form: Form) -> str:
    """Replaces the server's path of an upload by the upload's name in a message."""
    return problem.replace(form.data, form.dataset.removeprefix(UPLOADED))


def _render_counts(form: Form, preview: Preview, *, dark: bool) -> None:
    fraction = form.recipe.validation_fraction
    parts = {
        _("Train"): preview.training_counts(fraction),
        _("Validation"): preview.validation_counts(fraction),
        _("Test"): preview.test,
    }
    st.html(SIZES_STYLE)
    with st.container(key="train-sizes"), st.grid(3, min_column_width=60, gap="xsmall"):
        for name, counts in parts.items():
            st.metric(name, f"{sum(counts):,}", border=True)
    if not preview.images:
        st.caption(
            _("Estimated from the catalogue, with classes of equal size. The images give the exact numbers."),
        )
        return
    st.caption(_description(preview))
    for note in preview.notes:
        st.caption(f":material/info: {plain(_with_upload_name(note, form))}")
    st.plotly_chart(
        _class_chart(preview, parts, dark=dark), key="train-balance", config=NO_TOOLBAR,
        alt=_("Images of each class: {counts}").format(
            counts=", ".join(f"{name} {count:,}" for name, count in zip(preview.classes, preview.train, strict=True))
        ),
    )  # fmt: skip
    _render_samples(form, preview)


def _description(preview: Preview) -> str:
    colour = _("colour") if preview.channels == 3 else _("grey")
    if preview.pixels:
        return ngettext(
            "{classes:,} class, {colour}, {size} pixels",
            "{classes:,} classes, {colour}, {size} pixels",
            len(preview.classes),
        ).format(classes=len(preview.classes), colour=colour, size=picture_size(Size(*preview.pixels)))
    return ngettext(
        "{classes:,} class, {colour}, images of several sizes",
        "{classes:,} classes, {colour}, images of several sizes",
        len(preview.classes),
    ).format(classes=len(preview.classes), colour=colour)


def _class_chart(preview: Preview, parts: dict[str, tuple[int, ...]], *, dark: bool) -> PlainFigure:
    numbers = list(range(len(preview.classes)))
    few = len(preview.classes) <= MAX_LABELS
    kinds = colours(dark=dark)
    shades = (kinds[Group.CONVOLUTION], kinds[Group.POOLING], kinds[Group.NORMALISATION])
    bars = [
        {
            "type": "bar",
            "x": numbers,
            "y": list(counts),
            "name": name,
            "marker": {"color": shade},
            "constraintext": "none",
            "customdata": list(preview.classes),
            "hovertemplate": "%{customdata}: %{y:,}",
        }
        for (name, counts), shade in zip(parts.items(), shades, strict=True)
    ]
    layout = {
        "barmode": "stack",
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "bargap": 0.25,
        "xaxis": {
            "tickvals": numbers if few else [],
            "ticktext": [name[:12] for name in preview.classes] if few else [],
            "title": {"text": "" if few else _("Classes")},
        },
        "yaxis": {"title": {"text": _("Images")}, "nticks": 5},
        "legend": LEGEND_ABOVE,
        "showlegend": True,
    }
    return PlainFigure(bars, layout)


def _render_samples(form: Form, preview: Preview) -> None:
    recipe, size = form.recipe, form.spec.image_size
    names = augmentations(recipe, preview.mirrored)
    st.caption(_("As given"))
    st.html(samples.original_html(preview, form.dataset))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _("As trained on, {size} pixels; augmentation: {names}").format(
                size=picture_size(form.spec.sides), names=plain(samples.augmentation_text(names))
            ),
            width="stretch",
        )
        if names:
            epoch = st.session_state.get(EPOCH, 0)
            st.button(
                _("Next epoch"), icon=":material/casino:", key="train-next", on_click=_next_epoch, type="tertiary",
                help=_("What random augmentation does to the same images in another epoch."),
            )  # fmt: skip
        else:
            epoch = 0
    settings_key = (
        names, recipe.mean, recipe.std, recipe.seed, recipe.rotation_degrees, recipe.noise_std, recipe.random_labels,
        recipe.patch, recipe.patch_shows,
    )  # fmt: skip
    try:
        st.html(samples.augmented_html(preview, form.dataset, recipe, settings_key, size, epoch))
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
    if recipe.random_labels or recipe.patch:
        words = _(
            "The training images are altered on purpose: {labels:.0%} have a random class, and {patch:.0%} a patch "
            "that gives the class away. The test images stay as they are."
        ).format(labels=recipe.random_labels, patch=recipe.patch)
        st.caption(f":material/science: {words}")
    for note in flip_notes(recipe, preview.mirrored):
        st.caption(f":material/flip: {plain(note)}")


def _next_epoch() -> None:
    st.session_state[EPOCH] = st.session_state.get(EPOCH, 0) + 1


def _render_uploads(form: Form) -> None:
    with st.expander(_("Your own images"), icon=":material/upload:", key="train-uploads"):
        if reason := access.refusal():
            st.caption(plain(reason))
        number = st.session_state.get(UPLOAD, 0)
        st.file_uploader(
            _("A zip of class folders, or an npz of images and labels"),
            key=f"{UPLOAD}.{number}",
            on_change=_upload,
            args=(number,),
            disabled=bool(reason),
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
                belongs = access.refusal(access.owner_of(uploads.path(name)))
                with st.popover(_("Remove"), key=f"train-remove-{name}", disabled=bool(belongs), help=belongs or None):
                    st.write(_("Remove {name} for everybody?").format(name=plain(name)))
                    st.button(_("Yes, remove"), key=f"train-really-{name}", on_click=_remove, args=(name, form.dataset))


def _upload(number: int) -> None:
    file = st.session_state.get(f"{UPLOAD}.{number}")
    # Streamlit calls again if a newer request has ended the run that followed the first call.
    if file is None or number != st.session_state.get(UPLOAD, 0):
        return

    def store_upload() -> dict[str, str]:
        name = uploads.save(file.name, file, file.size)
        path = str(uploads.path(name))
        if not previews.load_cached(path):
            _new_uploads.add(path)
            _loading.invalidate(path)
        return {"dataset": UPLOADED + name}

    _apply(store_upload)
    st.session_state[UPLOAD] = number + 1  # a new key makes a new widget: the old one keeps the file in memory


def _remove(name: str, chosen: str) -> None:
    def remove() -> dict[str, str]:
        access.check_file(uploads.path(name))  # before anything is forgotten
        if _is_in_use(str(uploads.path(name))):
            raise InputError(_("{file} is used by a job that trains or waits; stop it first").format(file=name))
        for forget in (previews.invalidate, examples.invalidate):
            forget(str(uploads.path(name)))
        _loading.invalidate(str(uploads.path(name)))
        uploads.remove(name)
        return {"dataset": Form().dataset} if chosen == UPLOADED + name else {}

    _apply(remove)


def _apply(action: Callable[[], dict[str, str]]) -> None:
    """Runs an action on the uploads, and changes the form by its result. Shows the error if it fails."""
    try:
        parts = action()
    except InputError as error:
        state.change(error=str(error))
    else:
        state.change(**parts)
