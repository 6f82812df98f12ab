"""How far a slow step is."""

from typing import Protocol


class Progress(Protocol):
    """Told now and then while data are downloaded or decoded; what it raises ends the step."""

    def __call__(self, step: str, done: int, total: int, /) -> None:
        """Take note.

        Args:
            step: what is being done, for a user to read.
            done: bytes or images.
            total: bytes or images; 0 where nobody knows.
        """


def silent(step: str, done: int, total: int) -> None:
    """Where nobody looks on."""
