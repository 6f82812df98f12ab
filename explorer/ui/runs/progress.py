"""Status and progress of one run."""

import streamlit as st

from explorer.formatting import NONE, bytes_short
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.store import AT_WORK, Record, Status
from explorer.settings import settings
from explorer.ui.runs import shared, words
from explorer.ui.shared import job_status
from explorer.ui.shared.text import plain


def render(record: Record, listed: shared.RunList) -> None:
    """Renders status, progress, numbers of the current epoch, notes, and the reason of an early end."""
    at = words.current_step(record, listed.ahead.get(record.id))
    activity = " · ".join(filter(None, [words.epochs(record), at]))
    if record.status in AT_WORK or record.status in {Status.STOPPED, Status.INTERRUPTED}:
        st.progress(record.progress, text=_progress(record, activity))
    message = plain((record.error or {}).get("message", ""))
    reason = message or _("it gave no reason; the log may have one")
    match record.status:
        case Status.QUEUED:
            st.info(
                _("Waiting for its turn: {place}. It starts by itself, even if this page is closed.").format(place=at),
                icon=job_status.SIGNS[record.status][0],
            )
        case Status.STOPPING:
            st.info(
                _("It writes a checkpoint and ends within seconds; then it can be resumed."),
                icon=job_status.SIGNS[record.status][0],
            )
        case Status.STOPPED:
            st.info(message or _stopped(record), icon=job_status.SIGNS[record.status][0])
        case Status.INTERRUPTED:
            st.warning(reason, title=_("Interrupted"), icon=job_status.SIGNS[record.status][0])
        case Status.FAILED:
            st.error(reason, title=_("It failed"), icon=job_status.SIGNS[record.status][0])
    if record.notes:
        st.caption("\n".join(f"- {plain(note)}" for note in record.notes))
    is_at_work = record.status in AT_WORK
    if words.is_clustered(record):
        if not is_at_work and record.started:
            st.caption(_("It ran on the Ray cluster."))
    elif shared.has_machines() and record.started and record.machine not in {None, settings().machine_name}:
        words_of = _("It trains on the machine {name}.") if is_at_work else _("It ran on {name}.")
        st.caption(words_of.format(name=plain(record.machine or "")))
    elif is_at_work:
        _machine(record)


def _stopped(record: Record) -> str:
    if not service.directory(record.id).resume.exists():
        return _(
            "Stopped before its first checkpoint. Resume puts it into the queue again, and it starts from the "
            "beginning."
        )
    return _("Stopped. Resume goes on from the last checkpoint, as if nothing had happened.")


def _progress(record: Record, activity: str) -> str:
    share = f"{record.progress:.0%}"
    live = record.live or {}
    speed = live.get("images_per_second")
    parts = [
        f"{job_status.status_with_icon(record.status)} {share}",
        plain(activity),
        _("loss {loss:.4f}").format(loss=live["loss"]) if live.get("loss") is not None else "",
        _("top-1 {top1:.2%}").format(top1=live["top1"]) if live.get("top1") is not None else "",
        _("{speed:,.0f} images/s").format(speed=speed) if speed else "",
    ]
    return " · ".join(filter(None, parts))


def _machine(record: Record) -> None:
    """Renders the load of the machine and its GPUs. Marks the GPUs of this run."""
    now = shared.machine_load()
    parts = [
        _("CPU {load:.0%}").format(load=now.load),
        _("memory {used} of {total}").format(used=bytes_short(now.used), total=bytes_short(now.total)),
    ]
    for number, gpu in enumerate(now.gpus):
        load = NONE if gpu.load is None else f"{gpu.load:.0%}"
        own = _("of this run") if str(number) in map(str, record.slots) else ""
        parts.append(
            " ".join(
                filter(
                    None,
                    [
                        _("GPU {number} {load}, {used} of {total}").format(
                            number=number, load=load, used=bytes_short(gpu.used), total=bytes_short(gpu.total)
                        ),
                        f"({own})" if own else "",
                    ],
                )
            )
        )
    st.caption(":material/memory: " + plain(" · ".join(parts)))
