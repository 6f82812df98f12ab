"""The names of the statuses of a job, with their icons and signs."""

from explorer.i18n import _
from explorer.jobs.store import Status

# The second sign is for tables, which can't show Material icons.
SIGNS = {
    Status.QUEUED: (":material/schedule:", "○"),
    Status.RUNNING: (":material/play_circle:", "▶"),
    Status.STOPPING: (":material/hourglass_top:", "◧"),
    Status.STOPPED: (":material/stop_circle:", "■"),
    Status.INTERRUPTED: (":material/power_off:", "⚡"),
    Status.FAILED: (":material/error:", "✕"),
    Status.FINISHED: (":material/check_circle:", "✓"),
}


def status_name(status: Status) -> str:
    """Returns the name of a status."""
    return {
        Status.QUEUED: _("queued"),
        Status.RUNNING: _("running"),
        Status.STOPPING: _("stopping"),
        Status.STOPPED: _("stopped"),
        Status.INTERRUPTED: _("interrupted"),
        Status.FAILED: _("failed"),
        Status.FINISHED: _("finished"),
    }[status]


def status_with_icon(status: Status) -> str:
    """Returns a status with its icon, as Markdown."""
    return f"{SIGNS[status][0]} {status_name(status)}"


def status_with_sign(status: Status) -> str:
    """Returns a status with its sign, as plain text."""
    return f"{SIGNS[status][1]} {status_name(status)}"
