"""Texts about the numbers of a comparison, the same on cards, in tables and in charts."""

from explorer.analysis.alignment import Status
from explorer.analysis.changes import spec_changes
from explorer.analysis.comparison import difference, ratio
from explorer.analysis.measures import Measure, Numbers
from explorer.analysis.result import Analysis, SpecAnalysis
from explorer.families import Spec
from explorer.formatting import change
from explorer.i18n import _

SIGNS = {Status.SAME: "", Status.CHANGED: "~", Status.REMOVED: "−", Status.ADDED: "+"}
MIN_FACTOR = 3.0  # from this ratio on, a factor is clearer than a percentage


def measure_name(measure: Measure) -> str:
    """Return the name of a measure of whole networks."""
    names = measure.definition.names()
    return names.total or names.name


def format_difference(first: Numbers, other: Numbers, measure: Measure) -> str:
    """Return the difference to the first network: ``+3.76 M``, ``−62 px``. Empty if it has no meaning."""
    delta = difference(first, other, measure)
    if delta is None:
        return ""
    if delta == 0:
        return _("the same")
    return f"{'+' if delta > 0 else '−'}{measure.definition.text(abs(delta))}"


def format_ratio(first: Numbers, other: Numbers, measure: Measure) -> str:
    """Return the relative difference to the first network: ``+17.2%``, ``×7.6``. Empty if it has no meaning."""
    times = ratio(first, other, measure)
    if times is None:
        return ""
    if times == 1:
        return _("the same")
    return f"×{times:,.1f}" if times >= MIN_FACTOR else change(times - 1)


def status_name(status: Status) -> str:
    """Return the name of a status."""
    return {
        Status.SAME: _("same"),
        Status.CHANGED: _("changed"),
        Status.REMOVED: _("removed"),
        Status.ADDED: _("added"),
    }[status]


def tally(counts: dict[Status, int]) -> str:
    """Return the number of layers for each status: ``13 added, 0 removed, 2 changed, 40 the same``."""
    return _("{added:,} added, {removed:,} removed, {changed:,} changed, {same:,} the same").format(
        added=counts[Status.ADDED],
        removed=counts[Status.REMOVED],
        changed=counts[Status.CHANGED],
        same=counts[Status.SAME],
    )


def same_layers(left: Analysis, right: Analysis) -> str:
    """Return the sentence about two networks whose layers are all the same; one of them may have no spec."""
    if isinstance(left, SpecAnalysis) and isinstance(right, SpecAnalysis):
        return all_same(left.spec, right.spec)
    return _("Layers, shapes and parameters are the same.")


def all_same(left: Spec, right: Spec) -> str:
    """Return the sentence about two networks whose layers are all the same. Their specs may still differ."""
    if left.family != right.family or left == right:
        return _("Layers, shapes and parameters are the same.")
    return _("Layers, shapes and parameters are the same, but the specs differ: {settings}.").format(
        settings=", ".join(spec_changes(left, right))
    )


def summary(counts: dict[Status, int]) -> str:
    """Return the number of layers for each status that occurs."""
    words = {
        Status.ADDED: _("{count:,} added"),
        Status.REMOVED: _("{count:,} removed"),
        Status.CHANGED: _("{count:,} changed"),
        Status.SAME: _("{count:,} the same"),
    }
    return ", ".join(text.format(count=counts[status]) for status, text in words.items() if counts[status])
