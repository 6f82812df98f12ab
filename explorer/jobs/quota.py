"""Limits for each user: jobs in the queue, and bytes of runs, weights and uploads. Administrators have none."""

from explorer import access
from explorer.access import Role
from explorer.errors import InputError
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs import store
from explorer.jobs.store import Status
from explorer.settings import settings


def max_queued() -> int:
    """Returns the largest number of queued jobs of the current actor. 0 for no limit."""
    return settings().user_jobs if access.actor().role is Role.USER else 0


def check_queued(more: int) -> None:
    """Checks that the current actor may have more jobs in the queue.

    Args:
        more: Number of jobs to add.

    Raises:
        InputError: If there would be too many.
    """
    if most := max_queued():
        email = access.actor().email
        queued = sum(record.owner == email for record in store.store().records([Status.QUEUED]))
        store.check_queued(queued + more, most)


def used_bytes(email: str) -> int:
    """Returns the bytes of all files of a user: runs, weights and uploads."""
    folders = (settings().weights_dir, settings().data_dir / "uploads")
    files = [file for folder in folders for file in access.files_of(folder, email)]
    for record in store.store().of_owner(email):
        files += (settings().runs_dir / record).rglob("*")
    used = 0
    for file in files:
        try:
            used += 0 if file.is_symlink() or not file.is_file() else file.stat().st_size
        except FileNotFoundError:  # a running job replaces its files
            continue
    return used


def check_bytes(more: int = 0) -> None:
    """Checks that the current actor may store more bytes.

    Args:
        more: Number of bytes to add.

    Raises:
        InputError: If that is too much. Names the bytes and the limit.
    """
    most = settings().user_bytes
    if not most or access.actor().role is not Role.USER:
        return
    used = used_bytes(access.actor().email) + more
    if used >= most:
        raise InputError(
            _("your runs, weights and uploads would take {used}, and {most} are allowed; delete some first").format(
                used=bytes_short(used), most=bytes_short(most)
            )
        )
