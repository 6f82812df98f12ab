"""Numbers of a comparison in words: the same on cards, in tables and charts."""

from explorer.analysis.alignment import Status
from explorer.analysis.changes import setting_changes
from explorer.analysis.comparison import difference, ratio
from explorer.analysis.measures import Measure, Numbers
from explorer.families import Spec
from explorer.i18n import _

SIGNS = {Status.SAME: "", Status.CHANGED: "~", Status.REMOVED: "−", Status.ADDED: "+"}
MANY = 3.0  # times as much: from here on the percentage says less than the factor
LITTLE = 0.1  # percent: below, the first digit that isn't zero


def measure_name(measure: Measure) -> str:
    """What a measure of whole networks is called."""
    names = measure.record.names()
    return names.total or names.name


def more(first: Numbers, other: Numbers, measure: Measure) -> str:
    """How much more than the first: ``+3.76 M``, ``−62 px``; empty where that can't be said."""
    apart = difference(first, other, measure)
    if apart is None:
        return ""
    if apart == 0:
        return _("the same")
    return f"{'+' if apart > 0 else '−'}{measure.record.write(abs(apart))}"


def relative(first: Numbers, other: Numbers, measure: Measure) -> str:
    """The same as a share or a factor: ``+17.2%``, ``×7.6``."""
    times = ratio(first, other, measure)
    if times is None:
        return ""
    if times == 1:
        return _("the same")
    percent = 100 * (times - 1)
    share = f"{percent:+.1f}" if abs(percent) >= LITTLE else f"{percent:+.1g}"
    return f"×{times:,.1f}" if times >= MANY else f"{share}%".replace("-", "−")


def status_name(status: Status) -> str:
    """What became of a layer, in a word."""
    return {
        Status.SAME: _("same"),
        Status.CHANGED: _("changed"),
        Status.REMOVED: _("removed"),
        Status.ADDED: _("added"),
    }[status]


def tally(counts: dict[Status, int]) -> str:
    """``13 added, 0 removed, 2 changed, 40 the same``."""
    return _("{added:,} added, {removed:,} removed, {changed:,} changed, {same:,} the same").format(
        added=counts[Status.ADDED],
        removed=counts[Status.REMOVED],
        changed=counts[Status.CHANGED],
        same=counts[Status.SAME],
    )


def all_same(left: Spec, right: Spec) -> str:
    """What is to be said of two networks whose layers are all the same, but maybe not their specs."""
    if left.family != right.family or left == right:
        return _("Layers, shapes and parameters are the same.")
    return _("Layers, shapes and parameters are the same, but the specs differ: {settings}.").format(
        settings=", ".join(setting_changes(left, right))
    )


def summary(counts: dict[Status, int]) -> str:
    """The same without what there is none of."""
    words = {
        Status.ADDED: _("{count:,} added"),
        Status.REMOVED: _("{count:,} removed"),
        Status.CHANGED: _("{count:,} changed"),
        Status.SAME: _("{count:,} the same"),
    }
    return ", ".join(text.format(count=counts[status]) for status, text in words.items() if counts[status])
