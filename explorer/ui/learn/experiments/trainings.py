"""Several small networks train side by side on the bundled digits, and two of them on MNIST too."""

from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
import torch
from pydantic import Field

from explorer.analysis import analyse
from explorer.analysis.measures import Measure
from explorer.data import NAMES, load
from explorer.data.preprocessing import Normalise, Preprocessing
from explorer.drawing import curves, panels
from explorer.drawing.curves import Curve
from explorer.drawing.panels import Panel
from explorer.errors import InputError
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.lessons import recorded
from explorer.lessons.trainings import DATASET, Options, Variant, variants
from explorer.ui.learn import background
from explorer.ui.page_state import PageFields
from explorer.ui.shared.class_run import offer_experiment
from explorer.ui.shared.figure import show_row
from explorer.ui.shared.sections.parts import narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.ui.shared.text import plain

NAME = "trainings"
MAX_EPOCHS = 60
MAX_OF = {"depth": 30, "recorded": 20, "options": 15, "mnist": 20}  # epochs, so that two minutes are enough
SHOWN = 4  # images that are shown as the networks see them


class TrainingsView(PageFields):
    """Fields of the experiment.

    Attributes:
        compare: Name of the comparison.
        epochs: Epochs of each training.
        rate: Learning rate.
        permute: Whether the pixels of all images are permuted in the same way.
        seed: Seed of everything that is random.
        data: Name of the data set, for the comparison that has a choice.
    """

    compare: Literal["dense", "remedies", "depth", "labels", "recorded", "options"] = "dense"
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)] = 10
    rate: Annotated[float, Field(gt=0, le=0.3)] = 0.001
    permute: bool = False
    seed: Annotated[int, Field(ge=0, le=999)] = 0
    data: Literal["digits", "mnist"] = "digits"


class Trained(NamedTuple):
    """A variant with its curves.

    Attributes:
        variant: Network and recipe of the training.
        params: Parameters of the network.
        training: Epoch and accuracy on the training images.
        validation: Epoch and accuracy on images that it has not learned from.
        test: Accuracy on the test images after the last epoch.
    """

    variant: Variant
    params: int
    training: list[tuple[float, float]]
    validation: list[tuple[float, float]]
    test: float


class Outcome(NamedTuple):
    """The trainings and, if they have been run, their curves.

    Attributes:
        view: Fields.
        variants: Networks and recipes.
        trained: Results in the same order; empty before the run.
        problem: Reason why there is no result.
        is_recorded: Whether the results ship with the lessons.
    """

    view: TrainingsView
    variants: list[Variant]
    trained: list[Trained]
    problem: str = ""
    is_recorded: bool = False

    @property
    def params(self) -> list[int]:
        """Parameters of the networks."""
        return [analyse(variant.spec).totals.params for variant in self.variants]

    @property
    def data(self) -> str:
        """Name of the data set."""
        return self.view.data if self.view.compare == "dense" else DATASET

    @property
    def key(self) -> str:
        """Key of the experiment."""
        items = [{"spec": one.spec.to_dict(), "recipe": one.recipe.to_dict()} for one in self.variants]
        return background.key_of("explorer.training.short", {"dataset": self.data, "trainings": items})


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {
        "data": _("Data set"), "epochs": _("Epochs"), "rate": _("Learning rate"), "permute": _("Permute the pixels"),
        "seed": _("Seed"),
    }  # fmt: skip


def words() -> dict[str, dict[str, str]]:
    """Return the titles of the values of fields with a list of choices."""
    return {"data": {name: NAMES[name].title for name in ("digits", "mnist")}}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    names, data = labels(), words()["data"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        return {
            "compare": st.session_state[widget_key(NAME, "compare")],
            "data": st.selectbox(
                names["data"], list(data), width=240, persist_state="page", key=widget_key(NAME, "data"),
                format_func=lambda name: data.get(name, name),
            ) if is_rendered("data") else value(NAME, "data"),
            "epochs": narrow_number_input(NAME, "epochs", names["epochs"], _("Passes over the training images.")),
            "rate": narrow_number_input(NAME, "rate", names["rate"]),
            "permute": st.toggle(
                names["permute"], key=widget_key(NAME, "permute"), persist_state="page",
                help=_("The pixels of every image are moved to other places, in the same way for all images."),
            ) if is_rendered("permute") else value(NAME, "permute"),
            "seed": narrow_number_input(NAME, "seed", names["seed"], _("Another seed, another start.")),
        }  # fmt: skip


def compute(view: TrainingsView) -> Outcome:
    """Return the trainings, with their curves if this session has run them.

    Raises:
        InputError: If so many epochs would take more than two minutes.
    """
    most = MAX_OF.get(view.data if view.compare == "dense" else view.compare, MAX_EPOCHS)
    if view.epochs > most:
        raise InputError(
            _("epochs: {epochs} would take longer than two minutes; at most {most} are possible").format(
                epochs=view.epochs, most=most
            )
        )
    options = Options(view.epochs, view.rate, view.permute, view.seed, view.data)
    outcome = Outcome(view, variants(view.compare, options), [])
    results: Any = recorded.results_of(outcome.variants)
    outcome = outcome._replace(is_recorded=results is not None)
    if results is None:
        found = background.find(outcome.key)
        results = found.result
    if results is None:
        return outcome._replace(problem=found.problem)
    return outcome._replace(trained=[
        Trained(
            variant, params, [(epoch, share) for epoch, share in metrics["train/top1"]],
            [(epoch, share) for epoch, share in metrics.get("validation/top1", [])], metrics["test/top1"][-1][1],
        )
        for variant, params, metrics in zip(outcome.variants, outcome.params, results, strict=True)
    ])  # fmt: skip


def is_complete(result: Outcome) -> bool:
    """Whether the networks have been trained."""
    return bool(result.trained)


def render(result: Outcome, *, dark: bool, numbers: bool = True) -> None:
    """Render a button that starts the trainings, then their progress, and finally the curves."""
    del numbers  # before the run there are none
    if digits := _digits(result, dark=dark):
        show_row(digits, key="learn.picture.digits")
    if not result.trained:
        background.render_start(result.key, result.problem, _plan(result))
        return
    show_row(figures(result, dark=dark)[:1], key="learn.picture.curves")
    offer_experiment([(row.variant.name, row.validation or row.training) for row in result.trained])
    rows = result.trained
    held_out = (
        {_("Held-out images"): [f"{row.validation[-1][1]:.1%}" for row in rows]}
        if all(row.validation for row in rows)
        else {}
    )
    st.table(
        {
            _("Network"): [plain(row.variant.name) for row in rows],
            Measure.PARAMS.label: [Measure.PARAMS.definition.exact(row.params) for row in rows],
            _("Training images"): [f"{row.training[-1][1]:.1%}" for row in rows],
            **held_out,
            _("Test images"): [f"{row.test:.1%}" for row in rows],
        },
        border="horizontal", hide_index=True, alt=_("Accuracies after the last epoch"),
    )  # fmt: skip
    if result.is_recorded:
        words = _(
            "So that you need not wait, these results were recorded with `{command}`: one training of each network on "
            "the bundled digits, {epochs} epochs, learning rate {rate}, seed {seed}."
        )
        view = result.view
        st.caption(words.format(command=recorded.COMMAND, epochs=view.epochs, rate=view.rate, seed=view.seed))


def _digits(result: Outcome, *, dark: bool) -> list[str]:
    """The first images as both networks see them. Images that must be downloaded are there after the run."""
    view = result.view
    if view.compare != "dense" or (result.data != DATASET and not result.trained):
        return []
    permutation = view.seed if view.permute else None  # as explorer.training.fitting.preprocessing_of does
    split = load(result.data).train
    size = result.variants[0].spec.sides.height
    seen = Normalise(Preprocessing(size, (0.0,), (1.0,), permutation), torch.device("cpu"))
    images = torch.as_tensor(split.take(torch.arange(SHOWN)).images)  # at the size that the networks read
    pixels = (255 * seen(images.float())).round().int()[:, 0].tolist()
    title = _("A {digit}, permuted") if view.permute else _("A {digit}")
    shown = [
        Panel(title.format(digit=int(label)), panels.grey(rows))
        for label, rows in zip(split.labels[:SHOWN], pixels, strict=True)
    ]
    return [panels.draw(shown, label=_("The first training images, as the networks see them"), dark=dark)]


def _plan(result: Outcome) -> str:
    names = ", ".join(
        _("{name} ({params} parameters)").format(name=variant.name, params=short(params))
        for variant, params in zip(result.variants, result.params, strict=True)
    )
    plan = _("To be trained: {names}.").format(names=names)
    if not NAMES[result.data].download:
        return plan
    megabytes = _("{title} is downloaded first, if this server does not have it yet: {size}.")
    entry = NAMES[result.data]
    return f"{plan} {megabytes.format(title=entry.title, size=bytes_short(entry.download))}"


def figures(result: Outcome, *, dark: bool) -> list[str]:
    """Return the chart of the curves."""
    lines = []
    for series, row in enumerate(result.trained):
        if row.validation:
            lines.append(Curve(row.variant.name, row.validation, series))
        name = "" if row.validation else row.variant.name
        lines.append(Curve(name, row.training, series, dashed=True))
    styles = (_("held-out images"), _("training images"))
    chart = curves.draw(lines, label=_("Accuracy"), styles=styles, dark=dark)
    return [chart, *_digits(result, dark=dark)]


def list_numbers(result: Outcome) -> list[Fact]:
    """Return the accuracies on the test images."""
    return [
        Fact(
            _("{name}, test images").format(name=row.variant.name), f"{row.test:.1%}",
            _("{params:,} parameters").format(params=row.params),
        )
        for row in result.trained
    ]  # fmt: skip


SECTION = Section(NAME, lambda: _("Trainings"), TrainingsView, controls, compute, render, figures, list_numbers,
                  labels, is_complete, page="", words=words)  # fmt: skip
