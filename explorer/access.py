"""The rights of users on this server. Each function that changes something for a user checks them first.

    administrator   the command line; without sign-in everybody; with it, the addresses in ``EXPLORER_ADMINS``
    user            somebody who has signed in: changes what belongs to that address, and what belongs to nobody
    visitor         somebody who has not signed in where that is required: changes nothing

If ``EXPLORER_READ_ONLY`` is set, nobody changes anything, the command line included.

Files belong to the address in ``.owners/NAME`` of their folder, jobs to the one in their record.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from explorer.errors import AccessError, shown
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.settings import settings

OWNERS = ".owners"  # folder within a folder of files


class Role(StrEnum):
    """The rights of a user."""

    ADMINISTRATOR = "administrator"
    USER = "user"
    VISITOR = "visitor"


@dataclass(frozen=True)
class Actor:
    """A user of this server.

    Attributes:
        role: Rights of the user.
        email: E-mail address of the sign-in. Empty without sign-in.
    """

    role: Role
    email: str = ""


ADMINISTRATOR = Actor(Role.ADMINISTRATOR)
VISITOR = Actor(Role.VISITOR)


def _administrator() -> Actor:
    """Returns the one who works at the command line."""
    return ADMINISTRATOR


_identify: Callable[[], Actor] = _administrator


def identify_with(function: Callable[[], Actor]) -> None:
    """Sets the function that says for whom the current thread of this process works."""
    global _identify
    _identify = function


def actor() -> Actor:
    """Returns the one for whom the current thread works."""
    return _identify()


def signed_in(email: str) -> Actor:
    """Returns the actor with an address that a sign-in has proved."""
    email = email.strip().lower()
    return Actor(Role.ADMINISTRATOR if email in settings().admins.split(",") else Role.USER, email)


def read_only_reason() -> str:
    """Returns the sentence that refuses every change on a server that is read-only. Empty on other servers."""
    if not settings().read_only:
        return ""
    return _("This server is read-only: networks can be edited, compared and tried, and nothing is trained or saved.")


def refusal(owner: str | None = "") -> str:
    """Returns the sentence that refuses a change. Empty if the change is allowed.

    Args:
        owner: Address of the owner of what is changed. Empty or None for something new, and for what belongs to nobody.
    """
    if reason := read_only_reason():
        return reason
    one = actor()
    if one.role is Role.VISITOR:
        return _("Sign in first: without that, nothing can be changed on this server.")
    if owner and one.role is not Role.ADMINISTRATOR and owner != one.email:
        return _("This belongs to {owner}; only the owner and administrators may change it.").format(owner=owner)
    return ""


def check(owner: str | None = "") -> None:
    """Refuses a change that the current actor may not make.

    Args:
        owner: As for :func:`refusal`.

    Raises:
        AccessError: If the change is not allowed.
    """
    if sentence := refusal(owner):
        raise AccessError(sentence)


def check_downloads(name: str) -> None:
    """Refuses a download to a server that is read-only.

    Args:
        name: Name of what would be downloaded.

    Raises:
        AccessError: If the server is read-only.
    """
    if settings().read_only:
        raise AccessError(_("{name} would be downloaded first, and this server is read-only").format(name=shown(name)))


def owner_of(file: Path) -> str:
    """Returns the address of the owner of a file. Empty if it belongs to nobody.

    Raises:
        AccessError: If this can't be read.
    """
    try:
        return _note(file).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise AccessError(_("it can't be read to whom {file} belongs").format(file=shown(file.name))) from None


def check_file(file: Path) -> None:
    """Refuses a change of a file that the current actor may not make.

    Raises:
        AccessError: If the change is not allowed.
    """
    check(owner_of(file))


def take(file: Path) -> None:
    """Makes the current actor the owner of a new file.

    Raises:
        OSError: If this can't be written.
    """
    if not (email := actor().email):
        disown(file)  # a file of this name may have been deleted by hand
        return
    _note(file).parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(_note(file)) as part:
        part.write_text(email, encoding="utf-8")


def move(file: Path, target: Path) -> None:
    """Keeps the owner of a file that was renamed."""
    with suppress(FileNotFoundError):
        _note(file).rename(_note(target))


def disown(file: Path) -> None:
    """Forgets the owner of a file that was deleted."""
    _note(file).unlink(missing_ok=True)


def files_of(folder: Path, email: str) -> Iterator[Path]:
    """Yields the files of a folder that belong to an address."""
    for note in (folder / OWNERS).glob("*"):
        if owner_of(file := folder / note.name) == email:
            yield file


def _note(file: Path) -> Path:
    return file.parent / OWNERS / file.name
