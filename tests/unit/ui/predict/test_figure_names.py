"""The figures of a card in words."""

import pytest

from explorer.ui.predict.figure_names import figure_name


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("test/topk/3", "Test set: top-3"), ("test/images", "Test set: images"),
        ("imported/epoch", "Imported file: epoch"),
        ("validation/loss", "Validation images: loss"), ("time/seconds", "Seconds of an epoch"),
        ("imported/their own", "Imported file: their own"), ("val_acc", "val_acc"), ("a/b", "a/b"),
    ],
)  # fmt: skip
def test_figures_have_names(key: str, words: str) -> None:
    assert figure_name(key) == words
