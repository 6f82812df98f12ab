"""Which weights training starts from, what is taken over of them, and what of the network is kept as it is."""

from collections.abc import Iterator, Mapping

import streamlit as st

from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.families import Spec
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.training.fitting import other_inputs
from explorer.training.start import fits, trainable
from explorer.ui.glossary import explain
from explorer.ui.predict import choose
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.text import plain
from explorer.ui.train import fields, frozen, state
from explorer.ui.train.fields import Field
from explorer.ui.train.fields import Kind as Widget
from explorer.ui.train.form import Form, records, weights_network
from explorer.ui.train.network import fit
from explorer.ui.train.state import Training
from explorer.weights import registry
from explorer.weights.registry import Origin, RegistryEntry

NONE, BY_NAME = "", "by name"  # None would be a choice that is yet to be made
MOST_RUNS = 30
TYPED, FETCH = "train-freeze-typed", "train-fetch-weights"  # in session_state, beside the form
ORDER = (Origin.IMPORTED, Origin.PRETRAINED, Origin.JOB, Origin.TORCHVISION)


def render(training: Training, found: Preview | None) -> None:
    """The weights to start from, and the parts that are frozen."""
    form = training.form
    chosen = form.recipe.weights
    fitting, others = _offered(form.spec)
    names = {NONE: _("Random weights"), **fitting}
    names |= {name: _("{label} · brings its own network").format(label=label) for name, label in others.items()}
    if chosen is not None and chosen not in names:  # by another name, or gone, which is said below
        entry = registry.find_entry(chosen)
        names[chosen] = choose.option_label(entry, entry.name) if entry else chosen
    select_box(
        _label(_("Start from"), "weights" in form.changes), list(names), chosen or NONE,
        lambda name: state.open_weights(name or None, network=name in others),
        words=names.__getitem__, key="train.start",
        help=explain("transfer-learning", _("Type to search among all weights on this server and torchvision's.")),
    )  # fmt: skip
    spec = _fitted(form, found)
    if problem := training.problems.get("weights"):
        fields.complain(problem)
        if chosen is not None and registry.find_entry(chosen):
            st.button(
                _("Take the network of these weights"), icon=":material/schema:", key="train-start-network",
                on_click=state.open_weights, args=(chosen,), kwargs={"network": True},
            )  # fmt: skip
    elif chosen is not None:
        _about(form, spec, chosen)
    if chosen is not None or form.recipe.freeze:
        _freeze(training, spec)


def _label(text: str, changed: bool) -> str:
    return _("{name} ●").format(name=text) if changed else text


def _fitted(form: Form, found: Preview | None) -> Spec:
    """The network as the data will have it, where it can be trained on them."""
    try:
        return fit(form.spec, form, found)[0] if found else form.spec
    except InputError:
        return form.spec


def _offered(spec: Spec) -> tuple[dict[str, str], dict[str, str]]:
    """Weights that go with a network, and others, each by name with a label."""
    called = {record.id: record.name for record in records()}
    fitting, others = dict[str, str](), dict[str, str]()
    for entry in _entries(called):
        where = fitting if entry.card and _fits(spec, entry.card.network_spec, entry.name) else others
        where[entry.name] = choose.option_label(entry, entry.name, called.get(entry.name, ""))
    return fitting, others


def _fits(spec: Spec, theirs: Spec, name: str) -> bool:
    if spec.family != theirs.family:  # without building either
        return False
    try:
        fits(spec, theirs, name)
    except InputError:
        return False
    return True


def _entries(called: Mapping[str, str]) -> Iterator[RegistryEntry]:
    """Those that can be read, imported and published ones first; of runs the latest."""
    entries = [entry for entry in registry.entries() if entry.card]
    latest = [job for job in reversed(list(called)) if any(entry.name == job for entry in entries)][:MOST_RUNS]
    place = {job: number for number, job in enumerate(latest)}
    for origin in ORDER:
        members = [entry for entry in entries if entry.origin is origin]
        if origin is Origin.JOB:
            members = sorted((entry for entry in members if entry.name in place), key=lambda entry: place[entry.name])
        yield from members


def _about(form: Form, spec: Spec, chosen: str) -> None:
    """What is taken over, and what begins anew."""
    entry = registry.find_entry(chosen)
    if entry is None or entry.card is None:
        st.caption(
            _(":material/hourglass_top: This run has no weights yet: its first epoch must have ended before this one "
              "starts.")
        )  # fmt: skip
        return
    _there(entry)
    notes = fits(spec, weights_network(chosen).spec, chosen).notes
    notes = (*notes, _("The weights alone are taken over: epochs and learning rate begin anew."))
    inputs = entry.card.inputs
    if form.recipe.mean is None:
        notes = (
            *notes,
            _("Images are normalised as these weights know them: mean {mean}, standard deviation {std}.").format(
                mean=_numbers(inputs.mean), std=_numbers(inputs.std)
            ),
        )
    for note in notes:
        st.caption(f":material/info: {plain(note)}")
    if other := other_inputs(form.recipe, inputs):
        st.caption(f":material/warning: {plain(other)}")
        st.button(
            _("Normalise as the weights know it"), key="train-start-inputs", on_click=state.change_recipe,
            kwargs={"mean": inputs.mean, "std": inputs.std}, type="tertiary", icon=":material/contrast:",
        )  # fmt: skip


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _there(entry: RegistryEntry) -> None:
    """That weights have still to be downloaded, by the run or now."""
    if entry.is_there:
        return
    if entry.name not in st.session_state.setdefault(FETCH, set()):
        st.caption(
            _("These weights are not on this server yet: {size}. The run downloads them before it trains.").format(
                size=bytes_short(choose.download_size(entry.name))
            )
        )
        st.button(
            _("Download now"), icon=":material/download:", key="train-start-download",
            on_click=st.session_state[FETCH].add, args=(entry.name,),
        )  # fmt: skip
        return
    piece = follow_task(choose.downloads, entry.name, _("Downloading…"))
    if piece.problem:
        st.error(plain(str(piece.problem)), icon=":material/error:")
        st.button(
            _("Try again"), icon=":material/refresh:", key="train-start-again", on_click=choose.downloads.invalidate,
            args=(entry.name,),
        )  # fmt: skip


def _freeze(training: Training, spec: Spec) -> None:
    """What keeps its weights, with how many parameters are left to train."""
    form = training.form
    now = frozen.of(spec, form.recipe.freeze)
    typed = now is None or st.session_state.get(TYPED, False) or "freeze" in training.problems
    every = trainable(spec, ())
    labels = {
        part.kind if part.kind != "stage" else f"stage {part.place}": _(
            "{part} · {some} of {all} parameters train"
        ).format(part=part.words, some=short(trainable(spec, part.names)), all=short(every))
        for part in frozen.parts(spec)
    }
    names = dict(zip(labels, (part.names for part in frozen.parts(spec)), strict=True))
    labels[BY_NAME] = _("Parts by their names")
    shown = BY_NAME if typed else next(key for key, value in names.items() if now and value == now.names)

    def chosen(key: str | None) -> None:
        st.session_state[TYPED] = key == BY_NAME
        if key in names:
            state.change_recipe(freeze=names[key])

    select_box(
        _label(_("Frozen: what keeps its weights"), "freeze" in form.changes), list(labels), shown, chosen,
        words=labels.__getitem__, key="train.start.freeze",
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
                    some=short(trainable(spec, form.recipe.freeze)), all=short(every)
                )
            )
    if form.recipe.weights is None:
        st.caption(_(":material/info: Frozen parts keep the random weights that they begin with."))
