"""What undo and redo go back and forward to."""

import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from explorer.ui.page_state.guard import TYPING

MAX_UNDO = 200

T = TypeVar("T")


@dataclass
class History(Generic[T]):
    """The states before the present one, and those that were undone.

    Attributes:
        past: The states to go back to, the last one last.
        future: The states to go forward to, the next one last.
        fields: The fields that the last edit changed; none after a step that is none of a field.
        changed_at: The time of the last edit, in seconds of a clock that only runs forward.
    """

    past: list[T] = field(default_factory=list)
    future: list[T] = field(default_factory=list)
    fields: frozenset[str] = frozenset()
    changed_at: float = float("-inf")

    def edit(self, before: T, after: T, fields: frozenset[str]) -> None:
        """Remember the state before an edit; one field that is typed in quickly is one step.

        Args:
            before: The state that the edit changed.
            after: What it led to.
            fields: The names of the fields that differ.
        """
        now = time.monotonic()
        if not (self.past and len(fields) == 1 and fields == self.fields and now - self.changed_at < TYPING):
            self.leave(before)
        elif self.past[-1] == after:  # typed and taken back: nothing to undo
            self.past.pop()
        self.future.clear()
        self.fields, self.changed_at = fields, now

    def leave(self, state: T) -> None:
        """Remember a state that is left as a whole."""
        self.past.append(state)
        del self.past[:-MAX_UNDO]
        self.future.clear()
        self.fields = frozenset()

    def undo(self, present: T) -> T:
        """The state before the last step; the present one where there is none."""
        return self._move(self.past, self.future, present)

    def redo(self, present: T) -> T:
        """The state that was undone last; the present one where there is none."""
        return self._move(self.future, self.past, present)

    def _move(self, there: list[T], back: list[T], present: T) -> T:
        if not there:
            return present
        back.append(present)
        self.fields = frozenset()  # the next edit is a step of its own
        return there.pop()
