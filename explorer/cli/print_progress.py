"""Progress on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.errors import printable
from explorer.i18n import _

if TYPE_CHECKING:
    from explorer.data import Progress  # imports torch


def step_text(name: str, done: int, total: int) -> str:
    """Returns the name of a step, with its progress in percent if it has a total."""
    return _("{step}: {share:.0%}").format(step=name, share=done / total) if total else name


def as_progress(note: Callable[[str], None]) -> "Progress":
    """Returns a progress function that shows steps with a function of a message."""
    return lambda name, done, total: note(step_text(name, done, total))


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Provides a function that replaces a message on stderr; without a terminal, it shows nothing."""
    is_terminal = sys.stderr.isatty()

    def show(note: str) -> None:
        if is_terminal:
            sys.stderr.write(f"\r\x1b[K{printable(note)}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        show("")
