"""Reports of the progress of a slow step."""

from typing import Protocol


class Progress(Protocol):
    """Callback that a slow step, such as a download, calls now and then. An exception that it raises ends the step."""

    def __call__(self, step: str, done: int, total: int, /) -> None:
        """Receives the progress.

        Args:
            step: Description of the step for a user.
            done: Number of bytes or images so far.
            total: Number of all bytes or images. 0 if it is unknown.
        """


def silent(step: str, done: int, total: int) -> None:
    """Ignores the progress."""
