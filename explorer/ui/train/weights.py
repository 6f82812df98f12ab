"""The choice of the starting weights and of the frozen parts."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import streamlit as st

from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.families import Spec
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.training.fitting import format_values, normalisation_note
from explorer.training.start import match_specs, trainable
from explorer.ui.glossary import explain
from explorer.ui.shared import weights_options
from explorer.ui.shared.recent_set import RecentSet
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import Form, records, weights_network
from explorer.ui.train import fields, frozen, state
from explorer.ui.train.fields import Field
from explorer.ui.train.fields import Kind as Widget
from explorer.ui.train.network import fit_to_data
from explorer.ui.train.state import Training
from explorer.weights import registry
from explorer.weights.registry import Origin, RegistryEntry

NONE, BY_NAME = "", "by name"  # Streamlit reads None as no choice
MAX_RUNS = 30
BY_NAME_KEY, DOWNLOADS = "train-freeze-typed", "train-fetch-weights"  # in session_state, outside of the link
ORDER = (Origin.IMPORTED, Origin.PRETRAINED, Origin.JOB, Origin.TORCHVISION)


def render(training: Training, preview: Preview | None) -> None:
    """Renders the choice of the starting weights, and of the frozen parts."""
    form = training.form
    chosen = form.recipe.weights
    fitting, others = _fitting_and_other(form.spec)
    names = {NONE: _("Random weights"), **fitting}
    names |= {name: _("{label} · brings its own network").format(label=label) for name, label in others.items()}
    if chosen is not None and chosen not in names:  # given by another name, or deleted
        entry = registry.find_entry(chosen)
        names[chosen] = weights_options.option_label(entry, entry.name) if entry else chosen
    select_box(
        fields.marked(_("Start from"), changed="weights" in form.changes), list(names), chosen or NONE,
        lambda name: state.open_weights(name or None, network=name in others),
        words=names.__getitem__, key="train.start",
        help=explain("transfer-learning", _("Type to search among all weights on this server and torchvision's.")),
    )  # fmt: skip
    spec = _spec_for_data(form, preview)
    if problem := training.problems.get("weights"):
        fields.show_problem(problem)
        if chosen is not None and registry.find_entry(chosen):
            st.button(
                _("Take the network of these weights"), icon=":material/schema:", key="train-start-network",
                on_click=state.open_weights, args=(chosen,), kwargs={"network": True},
            )  # fmt: skip
    elif chosen is not None:
        _render_effects(form, spec, chosen)
    if chosen is not None or form.recipe.freeze:
        _render_freeze(training, spec)


def _spec_for_data(form: Form, preview: Preview | None) -> Spec:
    """Returns the spec adapted to the data, or unchanged if it can't be adapted."""
    try:
        return fit_to_data(form.spec, form, preview)[0] if preview else form.spec
    except InputError:
        return form.spec


def _fitting_and_other(spec: Spec) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the weights that fit a network and the other weights, as labels by name."""
    run_names = {record.id: record.name for record in records()}
    fitting, others = dict[str, str](), dict[str, str]()
    for entry in _entries(run_names):
        where = fitting if entry.card and _fits(spec, entry.card.network_spec) else others
        where[entry.name] = weights_options.option_label(entry, entry.name, run_names.get(entry.name, ""))
    return fitting, others


@lru_cache(maxsize=2048)
def _fits(spec: Spec, source: Spec) -> bool:
    """Whether a network can start from weights. Cached, because every run of the page asks about all of them."""
    if spec.family != source.family:  # fast: needs no network
        return False
    try:
        match_specs(spec, source, "")
    except InputError:
        return False
    return True


def _entries(run_names: Mapping[str, str]) -> Iterator[RegistryEntry]:
    """Yields the registry entries that have a card, ordered by kind. Yields only the latest runs."""
    entries = [entry for entry in registry.entries() if entry.card]
    latest = [job for job in reversed(list(run_names)) if any(entry.name == job for entry in entries)][:MAX_RUNS]
    order = {job: number for number, job in enumerate(latest)}
    for kind in ORDER:
        members = [entry for entry in entries if entry.origin is kind]
        if kind is Origin.JOB:
            members = sorted((entry for entry in members if entry.name in order), key=lambda entry: order[entry.name])
        yield from members


def _render_effects(form: Form, spec: Spec, chosen: str) -> None:
    """Renders notes about what is loaded from the weights and what is newly initialised."""
    entry = registry.find_entry(chosen)
    if entry is None or entry.card is None:
        st.caption(
            _(":material/hourglass_top: This run has no weights yet: its first epoch must have ended before this one "
              "starts.")
        )  # fmt: skip
        return
    _render_download(entry)
    notes = match_specs(spec, weights_network(chosen).spec, chosen).notes
    notes = (*notes, _("Only the weights are taken over: epochs and learning rate begin anew."))
    inputs = entry.card.inputs
    if form.recipe.mean is None:
        notes = (
            *notes,
            _(
                "Images are normalised as in the training of these weights: mean {mean}, standard deviation {std}."
            ).format(mean=format_values(inputs.mean), std=format_values(inputs.std)),
        )
    for note in notes:
        st.caption(f":material/info: {plain(note)}")
    if other := normalisation_note(form.recipe, inputs):
        st.caption(f":material/warning: {plain(other)}")
        st.button(
            _("Normalise as for these weights"), key="train-start-inputs", on_click=state.change_recipe,
            kwargs={"mean": inputs.mean, "std": inputs.std}, type="tertiary", icon=":material/contrast:",
        )  # fmt: skip


def _render_download(entry: RegistryEntry) -> None:
    """Renders a note and a download button if the weights are not on this server yet."""
    if entry.is_there:
        return
    if entry.name not in st.session_state.setdefault(DOWNLOADS, RecentSet()):
        st.caption(
            _("These weights are not on this server yet: {size}. The run downloads them before it trains.").format(
                size=bytes_short(weights_options.download_size(entry.name))
            )
        )
        st.button(
            _("Download now"), icon=":material/download:", key="train-start-download",
            on_click=st.session_state[DOWNLOADS].add, args=(entry.name,),
        )  # fmt: skip
        return
    task = follow_task(weights_options.downloads, entry.name, _("Downloading…"))
    if task.problem:
        st.error(plain(str(task.problem)), icon=":material/error:")
        st.button(
            _("Try again"), icon=":material/refresh:", key="train-start-again",
            on_click=weights_options.downloads.invalidate, args=(entry.name,),
        )  # fmt: skip


def _render_freeze(training: Training, spec: Spec) -> None:
    """Renders the choice of the frozen parts, with the number of parameters that still train."""
    form = training.form
    current = frozen.find_choice(spec, form.recipe.freeze)
    typed = current is None or st.session_state.get(BY_NAME_KEY, False) or "freeze" in training.problems
    total = trainable(spec, ())
    labels = {
        part.kind if part.kind != "stage" else f"stage {part.last_stage}": _(
            "{part} · {some} of {all} parameters train"
        ).format(part=part.label, some=short(trainable(spec, part.names)), all=short(total))
        for part in frozen.choices(spec)
    }
    names = dict(zip(labels, (part.names for part in frozen.choices(spec)), strict=True))
    labels[BY_NAME] = _("Parts by their names")
    shown = BY_NAME if typed else next(key for key, value in names.items() if current and value == current.names)

    def chosen(key: str | None) -> None:
        st.session_state[BY_NAME_KEY] = key == BY_NAME
        if key in names:
            state.change_recipe(freeze=names[key])

    select_box(
        fields.marked(_("Frozen parts keep their weights"), changed="freeze" in form.changes), list(labels), shown,
        chosen, words=labels.__getitem__, key="train.start.freeze",
        help=_("Fewer parameters to train are faster and need fewer images; the rest stays as it was learned."),
    )  # fmt: skip
    if typed:
        field = Field(
            "freeze", _("Frozen parts"), _("Parts that keep their weights, by name: features, layer1.0."), Widget.NAMES,
            empty=_("none"),
        )  # fmt: skip
        fields.render(field, form.recipe.freeze, "freeze" in form.changes, training.problems.get("freeze"))
        if "freeze" not in training.problems:
            st.caption(
                _("{some} of {all} parameters train.").format(
                    some=short(trainable(spec, form.recipe.freeze)), all=short(total)
                )
            )
    if form.recipe.weights is None:
        st.caption(_(":material/info: Frozen parts keep the random weights that they begin with."))
