"""Colours of the confusion matrix: one rule on light and dark pages."""

from itertools import pairwise

import pytest
from plotly.colors import unlabel_rgb

from explorer.drawing.theme import theme
from explorer.ui.shared.results.confusion import scale


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_larger_shares_have_more_contrast(dark: bool) -> None:
    ground = luminance(tuple(part / 255 for part in bytes.fromhex(theme(dark=dark).ground[1:])))

    def contrast(colour: str) -> float:
        low, high = sorted((ground, luminance(tuple(part / 255 for part in unlabel_rgb(colour)))))
        return (high + 0.05) / (low + 0.05)

    contrasts = [contrast(colour) for colour in scale(dark=dark)]
    assert all(lower < higher for lower, higher in pairwise(contrasts))
    assert 1.1 < contrasts[0] < 1.6  # faint, but visible
    assert contrasts[-1] > 10
