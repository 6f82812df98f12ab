"""The history of a page for undo and redo."""

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MAX_UNDO = 200
TYPING_SECONDS = 2.0  # edits of one field with no more time between them are one step

T = TypeVar("T")


@dataclass
class History(Generic[T]):
    """The states before the present one, and the states that were undone.

    Attributes:
        past: The states before the present one, oldest first.
        future: The undone states; the last one is the next to redo.
        fields: Names of the fields that the last edit changed; empty after a step that is not an edit.
        edited_at: Time of the last edit in seconds, on the monotonic clock.
    """

    past: list[T] = field(default_factory=list)
    future: list[T] = field(default_factory=list)
    fields: frozenset[str] = frozenset()
    edited_at: float = float("-inf")

    def record_edit(self, before: T, after: T, fields: frozenset[str]) -> None:
        """Record an edit. Quick edits of the same single field are one step.

        Args:
            before: State before the edit.
            after: State after the edit.
            fields: Names of the fields that differ.
        """
        now = time.monotonic()
        if not (self.past and len(fields) == 1 and fields == self.fields and now - self.edited_at < TYPING_SECONDS):
            self.record(before)
        elif self.past[-1] == after:  # the user has typed something and removed it again: nothing to undo
            self.past.pop()
        self.future.clear()
        self.fields, self.edited_at = fields, now

    def record(self, state: T) -> None:
        """Record a state before another one replaces all of it."""
        self.past.append(state)
        del self.past[:-MAX_UNDO]
        self.future.clear()
        self.fields = frozenset()

    def undo(self, present: T) -> T:
        """Return the state before the last step, or the present state if there is no step."""
        return self._move(self.past, self.future, present)

    def redo(self, present: T) -> T:
        """Return the state that was undone last, or the present state if none was undone."""
        return self._move(self.future, self.past, present)

    def _move(self, source: list[T], target: list[T], present: T) -> T:
        if not source:
            return present
        target.append(present)
        self.fields = frozenset()  # the next edit is a step of its own
        return source.pop()
