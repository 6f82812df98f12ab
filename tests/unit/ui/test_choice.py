"""Words of a select box."""

from hypothesis import given
from hypothesis import strategies as some

from explorer.ui.shared.choice import distinct


@given(some.lists(some.sampled_from(["crane", "crane (2)", "crane (3)", "crane (2) (2)", ""])))
def test_words_are_distinct_and_those_that_were_stay(texts: list[str]) -> None:
    found = distinct(texts)
    assert len(set(found)) == len(texts)
    for place, (text, name) in enumerate(zip(texts, found, strict=True)):
        assert name.startswith(text)
        assert (name == text) == (text not in texts[:place])


def test_repeated_words_are_counted() -> None:
    assert distinct(["crane", "dog", "crane", "crane"]) == ["crane", "dog", "crane (2)", "crane (3)"]
