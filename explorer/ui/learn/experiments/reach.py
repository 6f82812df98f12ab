"""How far a unit sees: a typed stack of layers, or the pixels that really move a unit of a trained network."""

import hashlib
from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
from pydantic import AfterValidator, BeforeValidator, Field

from explorer.analysis.layer_list import MAX_TEXT, Layer
from explorer.data import formats
from explorer.drawing import panels
from explorer.drawing.panels import Ellipse, Frame, Panel
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.lessons import reach
from explorer.lessons.reach import Measured, Reach
from explorer.prediction import gallery
from explorer.prediction.networks import shipped
from explorer.prediction.pictures import Picture
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_row
from explorer.ui.shared.sections import field
from explorer.ui.shared.sections.parts import facts
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.ui.shared.text import plain
from explorer.workers import semaphore

NAME = "reach"
OWN = "own"  # name of the reader's picture, which no link contains
UPLOAD = "learn.reach.upload"  # session_state key: the reader's picture as the network reads it
FIRST = "cat"
MAX_FILE = 20  # MB
SIGMAS = 2  # standard deviations at which the fitted Gaussian is drawn


def _known(name: str) -> str:
    if name != OWN:
        gallery.picture(name)
    return name


def _layer(name: str) -> str:
    if name not in reach.layers():
        names = ", ".join(reach.layers())
        raise InputError(_("layer: {value} is not one of {names}").format(value=shown(name), names=names))
    return name


class ReachView(PageFields):
    """Fields of the experiment.

    Attributes:
        show: Whether a stack of layers is shown, or the effective field.
        layers: The stack.
        image: Name of a picture of the gallery, or ``own``.
        layer: Layer whose middle unit is looked at.
    """

    show: Literal["stack", "effective"] = "stack"
    layers: Annotated[str, Field(max_length=MAX_TEXT), BeforeValidator(field.readable)] = "3, 3"
    image: Annotated[str, AfterValidator(_known)] = FIRST
    layer: Annotated[str, AfterValidator(_layer)] = "layer1.2.add"

    def to_link(self) -> dict[str, str]:
        """Return the query parameters. The layers are written as on the Kernels page."""
        return {name: field.compact(text) if name == "layers" else text for name, text in super().to_link().items()}


class Seen(NamedTuple):
    """The stack, and the measured fields if they are shown."""

    view: ReachView
    layers: list[Layer]
    reach: Reach | None


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {**field.labels(), "image": _("Picture"), "layer": _("Layer of the unit")}


def words() -> dict[str, dict[str, str]]:
    """Return the titles of the values of fields with a list of choices."""
    return {"image": _pictures()}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    show = value(NAME, "show")
    values: dict[str, Any] = {"show": show, "layers": value(NAME, "layers")}
    if show == "stack":
        values["layers"] = field.layers_input(widget_key(NAME, "layers")) if is_rendered("layers") else values["layers"]
        return {**values, "image": value(NAME, "image"), "layer": value(NAME, "layer")}
    names, titles = labels(), _pictures()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, options in (("image", list(titles)), ("layer", list(reach.layers()))):
            values[name] = (
                st.selectbox(
                    names[name], options, format_func=lambda one: titles.get(one, one), width=230,
                    key=widget_key(NAME, name), persist_state="page",
                ) if is_rendered(name) else value(NAME, name)
            )  # fmt: skip
    if values["image"] == OWN and is_rendered("image"):
        _upload()
    return values


def _pictures() -> dict[str, str]:
    samples = gallery.samples_for(shipped(reach.NETWORK).card)
    return {**{one.name: one.title for one in samples}, OWN: _("Your own picture …")}


def _upload() -> None:
    """Let the reader upload a picture. Only what the network reads of it is kept, for this session."""
    file = st.file_uploader(
        _("Your picture"), key="learn.reach.file", max_upload_size=MAX_FILE,
        help=_("{formats}, up to {size} MB. Nobody else sees it.").format(formats=formats.IN_WORDS, size=MAX_FILE),
    )  # fmt: skip
    if file is None:
        if UPLOAD not in st.session_state:
            st.caption(_("Until you have uploaded a picture, you see the first one of the list."))
        return
    if file.size > MAX_FILE * 2**20:
        st.error(_("This file is larger than {size} MB.").format(size=MAX_FILE), icon=":material/error:")
        return
    data = file.getvalue()
    name = _("your picture")
    try:
        picture = Picture.of_file(name, ("learn", hashlib.sha256(data).hexdigest()), data)
        st.session_state[UPLOAD] = reach.pixels_of(picture)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")


def compute(view: ReachView) -> Seen:
    """Return the stack, and the fields if they are shown.

    Raises:
        InputError: If a layer can't be read, or the receptive field grows too large.
    """
    layers = field.compute(field.FieldView(layers=view.layers))
    if view.show == "stack":
        return Seen(view, layers, None)
    own = st.session_state.get(UPLOAD) if view.image == OWN else None
    with semaphore.slot(lambda _ahead: None):
        pixels = own or reach.sample(FIRST if view.image == OWN else view.image)
        return Seen(view, layers, reach.reach(view.layer, pixels))


def render(result: Seen, *, dark: bool, numbers: bool = True) -> None:
    """Render the stack, or the effective field."""
    if result.reach is None:
        field.render(result.layers, dark=dark, numbers=numbers)
        return
    show_row(figures(result, dark=dark), key="learn.picture.reach")
    st.caption(
        _(
            "Yellow pixels move the unit most; each map has a scale of its own. The frame is the theoretical field. "
            "The ellipse is the fitted Gaussian, drawn at {sigmas} standard deviations (σ)."
        ).format(sigmas=SIGMAS)
    )
    if numbers:
        facts(list_numbers(result), min_width=220)


def figures(result: Seen, *, dark: bool) -> list[str]:
    """Return the pyramid of fields, or the picture and next to it the effective fields."""
    if result.reach is None:
        return field.figures(result.layers, dark=dark)
    found = result.reach
    top, bottom, left, right = found.theory
    frame = Frame(top, left, bottom - top + 1, right - left + 1)
    picture = Panel(_("What the network sees"), panels.rgb(found.picture), frame=frame)
    fields = []
    for title, one in ((_("Before training"), found.random), (_("After training"), found.trained)):
        lines = [_("{pixels} effective pixels").format(pixels=one.pixels), _gaussian(one)]
        fields.append(Panel(title, panels.warm(one.shares), lines, frame, _ellipse(one)))
    return [
        panels.draw([picture], label=_("The picture as the network sees it"), dark=dark),
        panels.draw(fields, label=_("How much each pixel moves the unit"), dark=dark),
    ]


def _gaussian(one: Measured) -> str:
    if one.fit is None:
        return _("no Gaussian fits")
    return _("σ = {rows:.1f} × {columns:.1f} pixels").format(rows=one.fit.sigma[0], columns=one.fit.sigma[1])


def _ellipse(one: Measured) -> Ellipse | None:
    if one.fit is None:
        return None
    (row, column), (down, across) = one.fit.centre, one.fit.sigma
    return Ellipse(row + 0.5, column + 0.5, SIGMAS * down, SIGMAS * across)


def list_numbers(result: Seen) -> list[Fact]:
    """Return the numbers of the stack, or of the effective field."""
    if result.reach is None:
        return field.list_numbers(result.layers)
    found = result.reach
    names = (_("Effective pixels before training"), found.random), (_("Effective pixels after training"), found.trained)
    return [Fact(_("Pixels of the theoretical field"), f"{found.seen:,}", _in_words(found))] + [
        Fact(name, f"{one.pixels:,}", _("{share:.0%} of the theoretical field; {gaussian}").format(
            share=one.pixels / found.seen, gaussian=_fit(one)))
        for name, one in names
    ]  # fmt: skip


def _in_words(found: Reach) -> str:
    rows, columns = found.theory.size
    return _("{rows} × {columns} pixels of the picture").format(rows=rows, columns=columns)


def _fit(one: Measured) -> str:
    if one.fit is None:
        return _gaussian(one)
    return _("Gaussian with {sigma}, which explains {share:.0%} of the differences between pixels").format(
        sigma=_gaussian(one), share=max(0.0, one.fit.r2)
    )


def _page_link(view: ReachView) -> dict[str, str]:
    return {"show": field.NAME, **field.FieldView(layers=view.layers).to_link()}


SECTION = Section(NAME, lambda: _("How far a unit sees"), ReachView, controls, compute, render, figures, list_numbers,
                  labels, link=_page_link, words=words)  # fmt: skip
