"""The choice of the network, and its changes for the data."""

from pathlib import Path

import streamlit as st
import torch

from explorer.analysis import analyse
from explorer.data.dataset import Dataset, Split
from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.families import PRESETS, Spec, saved
from explorer.families.presets import SAVED
from explorer.formatting import short
from explorer.i18n import _, ngettext
from explorer.specs.size import Size, picture_size
from explorer.training.fitting import adapt
from explorer.ui.shared import address
from explorer.ui.shared.networks import EDITED, full_title
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import Form
from explorer.ui.train import cost, state
from explorer.ui.train.state import Training

ARCHITECTURE = str(Path(__file__).parents[3] / "pages" / "architecture.py")


def render(training: Training) -> None:
    """Renders the choice of the network, and its numbers."""
    form = training.form
    names = [*PRESETS, *(SAVED + name for name in saved.names())]
    if form.base not in names:  # torchvision:NAME
        names.append(form.base)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Network"), names, key=state.NETWORK, on_change=state.open_network, format_func=_label,
            help=_("A preset, or one saved on this server; any other comes from the Architecture page."),
        )  # fmt: skip
        st.page_link(
            ARCHITECTURE, label=_("Edit"), icon=":material/edit:",
            query_params={**form.network.link, **address.shared_parameters()},
            help=_("Change it on the Architecture page; its Train link leads back here, and the rest stays."),
        )  # fmt: skip
    spec, totals = form.spec, analyse(form.spec).totals
    st.caption(
        ngettext(
            "**{name}**: {params} parameters, {macs} MACs, input {size}, {classes:,} class",
            "**{name}**: {params} parameters, {macs} MACs, input {size}, {classes:,} classes",
            spec.num_classes,
        ).format(
            name=plain(full_title(form.network)),
            params=short(totals.params),
            macs=short(totals.macs),
            size=" × ".join(map(str, spec.input_shape)),
            classes=spec.num_classes,
        )
    )
    if training.error and training.error_place == "network":
        st.error(plain(training.error), icon=":material/error:")
    if training.notice:
        st.caption(f":material/info: {plain(training.notice)}")
    if fault := _editor_problem(form):
        st.warning(
            plain(fault), icon=":material/warning:",
            title=_("The Architecture page has an edit that breaks a rule; here is its last valid network"),
        )  # fmt: skip


def _editor_problem(form: Form) -> str:
    """Returns the problem of the invalid edit on the Architecture page, if this is the network before it."""
    editing = st.session_state.get(EDITED)
    return editing.problem if editing and editing.spec == form.spec else ""


def fit_to_data(spec: Spec, form: Form, preview: Preview) -> tuple[Spec, list[str]]:
    """Adapts a network to the data as a run does. Returns the spec, and sentences about the changes.

    Raises:
        InputError: If the network can't train on such data.
    """
    no_images = Split(torch.empty(0, preview.channels, 1, 1, dtype=torch.uint8), torch.empty(0, dtype=torch.int64))
    data = Dataset(form.dataset, preview.classes, preview.channels, preview.mirrored, no_images, no_images)
    spec, _data, notes = adapt(spec, data, keep_channels=form.recipe.weights is not None)
    cost.macs(spec)
    return spec, notes


def render_fitted(form: Form, preview: Preview) -> Spec | None:
    """Renders the changes for the data, and returns the adapted spec. None if the network can't train on the data."""
    try:
        spec, notes = fit_to_data(form.spec, form, preview)
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    if preview.pixels and preview.pixels != spec.sides:
        notes.append(
            _("The images are resized from {given} to {size} pixels.").format(
                given=picture_size(Size(*preview.pixels)), size=picture_size(spec.sides)
            )
        )
    for note in notes:
        st.caption(f":material/info: {plain(note)}")
    return spec


def _label(name: str) -> str:
    if name in PRESETS:
        return f"{PRESETS[name].title} · {name}"
    if name.startswith(SAVED):
        return _("{name}, saved").format(name=name.removeprefix(SAVED))
    return name
