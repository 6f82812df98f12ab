"""A set with a limit, for what would otherwise grow as long as a session or the server lives."""

from collections.abc import Iterator

MAX_MEMBERS = 200


class RecentSet:
    """A set of texts. When it is full, the member that was added first makes room. Threads can share it."""

    def __init__(self, max_members: int = MAX_MEMBERS) -> None:
        self._max_members = max_members
        self._members: dict[str, None] = {}

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._members))

    def add(self, member: str) -> None:
        """Add a member, as the newest one."""
        self._members.pop(member, None)
        self._members[member] = None
        for oldest in list(self._members)[: -self._max_members]:
            self._members.pop(oldest, None)

    def discard(self, member: str) -> None:
        """Remove a member, if it is there."""
        self._members.pop(member, None)
