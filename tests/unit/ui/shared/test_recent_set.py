"""A set that forgets its oldest members."""

from explorer.ui.shared.recent_set import RecentSet


def test_the_oldest_member_makes_room() -> None:
    recent = RecentSet(3)
    for member in ("one", "two", "three", "one", "four"):
        recent.add(member)
    assert [*recent] == ["three", "one", "four"]
    assert "two" not in recent
    recent.discard("one")
    recent.discard("never there")
    assert "one" not in recent
    recent.add("five")
    assert [*recent] == ["three", "four", "five"]
