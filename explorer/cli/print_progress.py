"""How far slow work is, on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.errors import printable
from explorer.i18n import _

if TYPE_CHECKING:
    from explorer.data import Progress  # imports torch


def step(name: str, done: int, total: int) -> str:
    """How far a slow step is; of one without a total its name alone."""
    return _("{step}: {share:.0%}").format(step=name, share=done / total) if total else name


def counted(note: Callable[[str], None]) -> "Progress":
    """Notes of how far slow steps are."""
    return lambda name, done, total: note(step(name, done, total))


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """A function that shows a note on stderr in place of the one before; silent where nobody watches a terminal."""
    watched = sys.stderr.isatty()

    def show(note: str) -> None:
        if watched:
            sys.stderr.write(f"\r\x1b[K{printable(note)}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        show("")
