"""Where a run trains, what it costs, and its name."""

import streamlit as st
import torch

from explorer.data.preview import Preview
from explorer.errors import InputError
from explorer.families import Spec
from explorer.formatting import bytes_short
from explorer.i18n import _, ngettext
from explorer.jobs.estimate import Throughput
from explorer.jobs.job import MAX_NAME, Job
from explorer.jobs.store import AT_WORK
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.text import plain
from explorer.ui.train import cost, state
from explorer.ui.train.cost import Room, Verdict
from explorer.ui.train.fields import complain
from explorer.ui.train.form import Form, records
from explorer.ui.train.network import fit
from explorer.ui.train.state import Training

ICONS = {Verdict.FITS: "check_circle", Verdict.TIGHT: "warning", Verdict.TOO_LARGE: "error"}


def name(training: Training) -> None:
    """The job's name."""
    form = training.form
    default = Job.new(form.network, form.data, form.recipe, form.resources).name
    st.text_input(_("Name"), key=state.TITLE, max_chars=MAX_NAME, placeholder=default)
    _problem(training, "title")


def resources(training: Training) -> None:
    """Device, processes and threads, of those that the machine has."""
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    names = {"auto": _("Auto"), "cpu": _("CPU"), "cuda": _("GPU"), "mps": _("Apple GPU")}
    devices = ["auto", "cpu", *(kind for kind, there in has.items() if there)]
    with st.grid(3, min_column_width=100, gap="xsmall"):
        with st.container(gap="xxsmall"):
            st.selectbox(
                _("Device"), devices, key=state.RESOURCES + "device", format_func=lambda kind: names[kind],
                help=_("Auto is a GPU where there is one, else the CPU."),
            )  # fmt: skip
            _problem(training, "device")
        with st.container(gap="xxsmall"):
            st.number_input(
                _("Processes"), step=1.0, format="%.12g", key=state.RESOURCES + "processes",
                help=_("Each takes a share of every batch, on a GPU of its own where there are several."),
            )  # fmt: skip
            _problem(training, "processes")
        with st.container(gap="xxsmall"):
            st.number_input(
                _("Threads"), value=None, step=1.0, format="%.12g", placeholder=_("auto"),
                key=state.RESOURCES + "threads",
                help=_("Of each process; empty shares the {cores} cores of this machine.").format(cores=cost.cores()),
            )  # fmt: skip
            _problem(training, "threads")


def _problem(training: Training, place: str) -> None:
    if place in training.problems:
        complain(training.problems[place])


class BatchError(InputError):
    """A network that can't train on batches of this size."""


def price(training: Training, spec: Spec, found: Preview, jobs: list[Job]) -> bool:
    """Memory and time; whether the run can be submitted. What is wrong with a field is said there."""
    form = training.form
    try:
        memory = _largest(form, found, jobs)
    except BatchError as error:
        with training.places["batch_size"]:
            complain(str(error))
        return False
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    time_key = cost.asked(spec, form.recipe, form.resources)
    with st.grid(2, min_column_width=120, gap="xsmall"):
        st.metric(_("Memory"), bytes_short(memory.needed), border=True, help=_memory_help())
        with st.container(gap="xxsmall"):
            time = st.empty()
    st.caption(f":material/{ICONS[memory.verdict]}: {plain(_fits(memory))}")
    if memory.needed > memory.free:
        time.metric(_("Time"), "–", border=True)
        st.caption(_("The time is not measured: the steps would take memory that others need now."))
        return True
    measured = follow_task(cost.pace, time_key, _("Waiting to measure a few steps…"))
    if measured.result:
        _time(time, measured.result, form, found, jobs)
    else:
        time.metric(_("Time"), "…" if measured.problem is None else "–", border=True)
    if measured.problem:
        st.caption(f":material/error: {plain(str(measured.problem))}")
        st.button(
            _("Measure again"), key="train-measure", on_click=cost.pace.invalidate, args=(time_key,), type="tertiary"
        )
    elif records(AT_WORK):
        st.caption(_("Another run trains at this moment: alone it goes faster than measured now."))
    return True


def _largest(form: Form, found: Preview, jobs: list[Job]) -> Room:
    """The memory of that job which needs most.

    Raises:
        InputError: where one of them can't train, or the machine has no such device; says which of several.
    """
    # Jobs that differ in nothing else need the same.
    alike = {(job.spec, cost.memory_key(job.recipe)): job for job in reversed(jobs)}
    rooms = []
    for job in alike.values():
        try:
            rooms.append(_room(job, form, found))
        except InputError as error:
            if len(jobs) == 1:
                raise
            raise InputError(_("{job}: {fault}").format(job=job.name, fault=error)) from None
    return max(rooms, key=lambda room: room.needed)


def _room(job: Job, form: Form, found: Preview) -> Room:
    memory = cost.room(fit(job.spec, form, found)[0], job.recipe, form.resources, found)
    if memory is None:
        raise BatchError(
            _("This network can't train on batches of {batch:,}: see its warnings on the Architecture page.").format(
                batch=job.recipe.batch_size
            )
        )
    return memory


def _time(
    place: "st.delta_generator.DeltaGenerator", measured: Throughput, form: Form, found: Preview, jobs: list[Job]
) -> None:
    single = cost.run_seconds(measured, form.recipe, found)
    amount = cost.all_seconds(measured, jobs, found) if len(jobs) > 1 else single
    steps = -(-sum(found.training_counts(form.recipe.validation_fraction)) // form.recipe.batch_size)
    explanation = _(
        "{time} in all. Measured here: {step:.1f} ms a step on {device} in {precision}; {steps:,} steps an epoch, "
        "{start:.0f} s to start. Reading the data comes on top."
    ).format(
        time=cost.duration(amount),
        step=1000 * measured.seconds_per_step, device=measured.device, precision=measured.precision, steps=steps,
        start=measured.startup,
    )  # fmt: skip
    with place.container():
        st.metric(_("Time"), cost.about(amount), border=True, help=plain(explanation))
    if len(jobs) > 1:
        st.caption(
            _("{count:,} jobs of about {single}, {slots} at a time; each step is taken to last as in this one.").format(
                count=len(jobs), single=cost.duration(single), slots=cost.slots(measured.device)
            )
        )
    else:
        st.caption(
            ngettext(
                "{epochs:,} epoch of about {epoch}.", "{epochs:,} epochs of about {epoch}.", form.recipe.epochs
            ).format(epochs=form.recipe.epochs, epoch=cost.duration(single / form.recipe.epochs))
        )


def _fits(memory: Room) -> str:
    free, there = bytes_short(memory.free), bytes_short(memory.there)
    if memory.verdict is Verdict.FITS:
        return _("It fits: {free} of {there} are free.").format(free=free, there=there)
    if memory.verdict is Verdict.TIGHT:
        return _("It is tight: {free} of {there} are free now. A smaller batch takes less.").format(
            free=free, there=there
        )
    return _("It does not fit: there are {there} in all. Take a smaller batch, images or network.").format(there=there)


def _memory_help() -> str:
    return _(
        "Weights, gradients, optimizer state and the maps of a batch, the images that stay in memory, and what PyTorch "
        "takes itself. Counted, not measured."
    )
