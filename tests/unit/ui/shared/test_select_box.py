"""Labels of a select box."""

from hypothesis import given
from hypothesis import strategies as some

from explorer.ui.shared.select_box import number_duplicates


@given(some.lists(some.sampled_from(["crane", "crane (2)", "crane (3)", "crane (2) (2)", ""])))
def test_numbered_texts_are_unique_and_first_occurrences_stay(texts: list[str]) -> None:
    labels = number_duplicates(texts)
    assert len(set(labels)) == len(texts)
    for index, (text, name) in enumerate(zip(texts, labels, strict=True)):
        assert name.startswith(text)
        assert (name == text) == (text not in texts[:index])


def test_repeated_texts_are_numbered() -> None:
    assert number_duplicates(["crane", "dog", "crane", "crane"]) == ["crane", "dog", "crane (2)", "crane (3)"]
