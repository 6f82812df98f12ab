"""Name, resources and cost of a run."""

import streamlit as st
import torch

from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.families import Spec
from explorer.formatting import bytes_short
from explorer.i18n import _, ngettext
from explorer.jobs.estimate import Throughput
from explorer.jobs.job import MAX_NAME, Job, Resources
from explorer.jobs.store import AT_WORK
from explorer.settings import settings
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import Form, records
from explorer.ui.train import cost, state
from explorer.ui.train.cost import MemoryEstimate, MemoryFit
from explorer.ui.train.fields import show_problem
from explorer.ui.train.network import fit_to_data
from explorer.ui.train.state import Training

OPTIONS = frozenset({"title", *Resources.model_fields})  # places of problems in the closed part of the page
ICONS = {MemoryFit.FITS: "check_circle", MemoryFit.TIGHT: "warning", MemoryFit.TOO_LARGE: "error"}


def render_options(training: Training) -> None:
    """Renders the name of the job, and the resources that it gets."""
    is_open = bool(training.form.title) or training.form.resources != Resources()
    with st.expander(
        _("Name and machine"), icon=":material/memory:", key="train-options",
        expanded=is_open or not OPTIONS.isdisjoint(training.problems),
    ):  # fmt: skip
        _render_name(training)
        _render_resources(training)


def _render_name(training: Training) -> None:
    """Renders the name."""
    form = training.form
    default = Job.new(form.network, form.data, form.recipe, form.resources).name
    st.text_input(_("Name"), key=state.TITLE, max_chars=MAX_NAME, placeholder=default)
    _render_problem(training, "title")


def _render_resources(training: Training) -> None:
    """Renders device, processes and threads. Offers only devices of this machine."""
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    names = {"auto": _("Auto"), "cpu": _("CPU"), "cuda": _("GPU"), "mps": _("Apple GPU")}
    devices = ["auto", "cpu", *(kind for kind, is_available in has.items() if is_available)]
    with st.grid(3, min_column_width=100, gap="xsmall"):
        with st.container(gap="xxsmall"):
            st.selectbox(
                _("Device"), devices, key=state.RESOURCES + "device", format_func=lambda kind: names[kind],
                help=_("Auto is a GPU if there is one, otherwise the CPU."),
            )  # fmt: skip
            _render_problem(training, "device")
        with st.container(gap="xxsmall"):
            st.number_input(
                _("Processes"), step=1.0, format="%.12g", key=state.RESOURCES + "processes",
                help=_("Each takes a share of every batch, on a GPU of its own where there are several."),
            )  # fmt: skip
            _render_problem(training, "processes")
        with st.container(gap="xxsmall"):
            st.number_input(
                _("Threads"), value=None, step=1.0, format="%.12g", placeholder=_("auto"),
                key=state.RESOURCES + "threads",
                help=_("Per process; empty shares the {cores} cores of this machine.").format(cores=cost.cores()),
            )  # fmt: skip
            _render_problem(training, "threads")


def _render_problem(training: Training, place: str) -> None:
    if place in training.problems:
        show_problem(training.problems[place])


class BatchError(InputError):
    """The network can't train on batches of this size."""


def render_cost(training: Training, spec: Spec, preview: Preview, jobs: list[Job]) -> bool:
    """Renders memory and time, and errors below their fields. Returns whether the run can be submitted."""
    form = training.form
    try:
        memory = _largest_memory(form, preview, jobs)
    except BatchError as error:
        with training.containers["batch_size"]:
            show_problem(str(error))
        return False
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    key = cost.throughput_key(spec, form.recipe, form.resources)
    with st.grid(2, min_column_width=120, gap="xsmall"):
        st.metric(_("Memory"), bytes_short(memory.needed), border=True, help=_memory_help())
        with st.container(gap="xxsmall"):
            time = st.empty()
    st.caption(f":material/{ICONS[memory.fit]}: {plain(_memory_text(memory))}")
    if memory.needed > memory.free:
        time.metric(_("Time"), "–", border=True)
        st.caption(_("The time is not measured: the steps would take memory that others need now."))
        return True
    if settings().read_only:
        time.metric(_("Time"), "–", border=True)
        st.caption(_("The time is not measured: nothing is trained on this server."))
        return True
    measured = follow_task(cost.throughputs, key, _("Waiting to measure a few steps…"))
    if measured.result:
        _render_time(time, measured.result, form, preview, jobs)
    else:
        time.metric(_("Time"), "…" if measured.problem is None else "–", border=True)
    if measured.problem:
        st.caption(f":material/error: {plain(str(measured.problem))}")
        st.button(
            _("Measure again"), key="train-measure", on_click=cost.throughputs.invalidate, args=(key,), type="tertiary"
        )
    elif records(AT_WORK):
        st.caption(_("Another run is training now: on its own, this one would be faster than measured."))
    return True


def _largest_memory(form: Form, preview: Preview, jobs: list[Job]) -> MemoryEstimate:
    """Returns the memory of the job that needs the most.

    Raises:
        InputError: If a job can't train, or the machine does not have the device. Names the job if there are several.
    """
    # Jobs that agree in these values need the same memory.
    distinct = {(job.spec, cost.memory_key(job.recipe)): job for job in reversed(jobs)}
    estimates = []
    for job in distinct.values():
        try:
            estimates.append(_job_memory(job, form, preview))
        except InputError as error:
            if len(jobs) == 1:
                raise
            raise InputError(_("{job}: {fault}").format(job=job.name, fault=error)) from None
    return max(estimates, key=lambda estimate: estimate.needed)


def _job_memory(job: Job, form: Form, preview: Preview) -> MemoryEstimate:
    memory = cost.estimate_memory(fit_to_data(job.spec, form, preview)[0], job.recipe, form.resources, preview)
    if memory is None:
        raise BatchError(
            _("This network can't train on batches of {batch:,}: see its warnings on the Architecture page.").format(
                batch=job.recipe.batch_size
            )
        )
    return memory


def _render_time(
    place: "st.delta_generator.DeltaGenerator", measured: Throughput, form: Form, preview: Preview, jobs: list[Job]
) -> None:
    ready = cost.is_ready(form.resources)
    single = cost.run_seconds(measured, form.recipe, preview, ready=ready)
    amount = cost.sweep_seconds(measured, jobs, preview, ready=ready) if len(jobs) > 1 else single
    steps = -(-sum(preview.training_counts(form.recipe.validation_fraction)) // form.recipe.batch_size)
    explanation = _(
        "{time} in all. Measured here: {step:.1f} ms per step on {device} in {precision}; {steps:,} steps per "
            "epoch, {start:.0f} s to start. Reading the data comes on top."
    ).format(
        time=cost.duration(amount),
        step=1000 * measured.seconds_per_step, device=measured.device, precision=measured.precision, steps=steps,
        start=measured.ready_startup if ready else measured.startup,
    )  # fmt: skip
    with place.container():
        st.metric(_("Time"), cost.short_duration(amount), border=True, help=plain(explanation))
    if len(jobs) > 1:
        st.caption(
            _(
                "{count:,} jobs of about {single}, {slots} at a time, if every step takes as long as in this one."
            ).format(count=len(jobs), single=cost.duration(single), slots=cost.slots(measured.device))
        )
    else:
        st.caption(
            ngettext(
                "{epochs:,} epoch of about {epoch}.", "{epochs:,} epochs of about {epoch}.", form.recipe.epochs
            ).format(epochs=form.recipe.epochs, epoch=cost.duration(single / form.recipe.epochs))
        )


def _memory_text(memory: MemoryEstimate) -> str:
    free, total = bytes_short(memory.free), bytes_short(memory.total)
    if memory.fit is MemoryFit.FITS:
        return _("It fits: {free} of {there} are free.").format(free=free, there=total)
    if memory.fit is MemoryFit.TIGHT:
        return _("It is tight: {free} of {there} are free now. A smaller batch takes less.").format(
            free=free, there=total
        )
    return _("It does not fit: there are {there} in all. Take a smaller batch, images or network.").format(there=total)


def _memory_help() -> str:
    return _(
        "Weights, gradients, optimizer state and the maps of a batch, the images that stay in memory, and what "
        "PyTorch itself needs. Computed, not measured."
    )
