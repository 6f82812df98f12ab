"""Kinds of layers: one name and one colour each, for every diagram, table and chart.

The colours are Okabe and Ito's (2008), which differ for any colour vision; dark pages have lighter ones.
"""

from explorer.analysis.kinds import Group, group_of
from explorer.i18n import _

__all__ = ["DARK", "LIGHT", "Group", "colours", "group_name", "group_of"]


LIGHT = dict(
    zip(Group, ("#0072B2", "#E69F00", "#7F7F7F", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#5B6770"), strict=True)
)
DARK = dict(
    zip(Group, ("#4FA3DB", "#F0B43C", "#A3A3A3", "#35C49A", "#E39BC4", "#F08045", "#8CD0F5", "#8D99A3"), strict=True)
)


def colours(*, dark: bool) -> dict[Group, str]:
    """The colour of each group on a dark or a light page."""
    return DARK if dark else LIGHT


def group_name(group: Group) -> str:
    """The name of a group on pages."""
    return {
        Group.CONVOLUTION: _("Convolution"),
        Group.POOLING: _("Pooling"),
        Group.NORMALISATION: _("Normalisation"),
        Group.ACTIVATION: _("Activation"),
        Group.LINEAR: _("Linear"),
        Group.SHORTCUT: _("Shortcut"),
        Group.CONCATENATION: _("Concatenation"),
        Group.OTHER: _("Other"),
    }[group]


# Groups whose colours tell the series of a chart apart, most distinct first.
SERIES = (
    Group.CONVOLUTION, Group.SHORTCUT, Group.ACTIVATION, Group.LINEAR, Group.POOLING, Group.CONCATENATION,
    Group.NORMALISATION,
)  # fmt: skip


def series_colour(position: int, *, dark: bool) -> str:
    """The colour of a series, by its position in the legend."""
    return colours(dark=dark)[SERIES[position % len(SERIES)]]
