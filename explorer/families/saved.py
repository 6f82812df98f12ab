"""Saved architectures: one JSON file for each name, shared by all users of this server."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer import access, logs
from explorer.errors import InputError, shown
from explorer.families.parsing import parse_json
from explorer.families.registry import PRESETS
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.settings import settings
from explorer.specs.base import Spec

MAX_SAVED = 500
_NAME = re.compile(r"[\w][\w .+-]{0,59}")


def folder() -> Path:
    """The folder of the files."""
    return settings().saved_dir


def names() -> list[str]:
    """The saved names, in alphabetical order."""
    # os.path.isfile returns False in a folder that may be listed and not entered; Path.is_file raises.
    files = (path for path in folder().glob("*.json") if os.path.isfile(path))  # noqa: PTH113
    return sorted((path.stem for path in files if _NAME.fullmatch(path.stem)), key=str.casefold)


def owner(name: str) -> str:
    """The address of the user to whom a saved architecture belongs. Empty if it belongs to nobody."""
    return access.owner_of(_path(name))


def load(name: str) -> Spec:
    """The spec that was saved under a name.

    Raises:
        InputError: If there is none, or the file doesn't hold a spec.
    """
    with _own_message(_("saved: can't read {name}: {reason}"), name):
        try:
            text = _path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(_("saved: there is no architecture {name}").format(name=shown(name))) from None
        except UnicodeDecodeError:
            raise InputError(_("saved: can't read {name}: it is not UTF-8 text").format(name=shown(name))) from None
    return parse_json(text)


def save(name: str, spec: Spec, *, replace: bool = False) -> None:
    """Save a spec under a name, by an atomic write.

    Args:
        name: Name of the architecture.
        spec: Spec to save.
        replace: Whether to replace an architecture of the same name.

    Raises:
        AccessError: If this user may save nothing, or the one to replace belongs to another user.
        InputError: If the name is not allowed or is in use, the limit is reached, or the file can't be written.
    """
    name = name.strip()
    path = _path(name)
    access.check_file(path)
    if name in PRESETS:
        raise InputError(_("name: {name} is a preset; choose another").format(name=shown(name)))
    existing = names()
    same = next((other for other in existing if other.casefold() == name.casefold()), None)
    if same and not (replace and same == name):
        raise _taken_name_error(same)
    if not same and len(existing) >= MAX_SAVED:
        raise InputError(
            _("name: {count} architectures are saved, which is the limit; delete one first").format(count=len(existing))
        )
    with _own_message(_("saved: can't write {name}: {reason}"), name):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_write(path, new=not replace) as part:
                part.write_text(spec.to_json(), encoding="utf-8")
        except FileExistsError:  # another session saved it after the check above
            raise _taken_name_error(name) from None
        if not same:
            access.take(path)
    logs.event("architecture saved", name=name, user=access.actor().email)


def delete(name: str) -> None:
    """Remove a saved architecture; do nothing if it is gone already.

    Raises:
        AccessError: If it belongs to another user.
        InputError: If its file can't be removed.
    """
    access.check_file(_path(name))
    with _own_message(_("saved: can't delete {name}: {reason}"), name):
        _path(name).unlink(missing_ok=True)
        access.disown(_path(name))
    logs.event("architecture deleted", name=name, user=access.actor().email)


@contextmanager
def _own_message(sentence: str, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # Python's own message would show the server's path
        raise InputError(sentence.format(name=shown(name), reason=error.strerror)) from None


def _taken_name_error(name: str) -> InputError:
    return InputError(_("name: {name} is taken").format(name=shown(name)))


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InputError(
            _(
                "name: {name} is not 1 to 60 letters, digits, blanks and . + - _, beginning with a letter or digit"
            ).format(name=shown(name))
        )
    return folder() / f"{name}.json"
