"""Published figures on the page: a badge for each, and a table that says how they stand to ours."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis
from explorer.analysis.published import Published, Verdict, published
from explorer.families.claims import TRAINED, Metric
from explorer.i18n import _
from explorer.ui.shared.text import plain

HEADLINES = (Metric.PARAMS, Metric.MACS, Metric.FIELD)
# On a phone each row becomes a small block of its own: six columns don't fit.
STYLE = """<style>
@media (max-width: 640px) {
  .st-key-published-table thead { display: none; }
  .st-key-published-table tr { display: grid; grid-template-columns: 1fr 1fr; padding: 6px 0; }
  .st-key-published-table td { border: 0; padding: 1px 4px; }
  .st-key-published-table tr { border-bottom: 1px solid #8884; }
  .st-key-published-table td:nth-child(n + 5) { grid-column: 1 / 3; }
  .st-key-published-accuracies table { table-layout: fixed; }
  .st-key-published-accuracies :is(th, td) { padding: 3px; overflow-wrap: anywhere; }
  .st-key-published-accuracies :is(th, td) p { font-size: 12px; }
}
</style>"""


def badges(analysis: Analysis) -> None:
    """A row of badges: figures about the whole network, then how many of a source's further ones are met."""
    entries = published(analysis.spec)
    if not entries:
        return
    whole = [entry for entry in entries if not entry.part and entry.metric in HEADLINES]
    with st.container(horizontal=True, gap="xxsmall", key="published-badges"):
        for entry in whole:
            name = _("{what} {printed} · {author}").format(
                what=metric_name(entry.metric), printed=entry.printed, author=_author(entry)
            )
            _badge(name, [entry])
        for source in dict.fromkeys(entry.source for entry in entries):
            parts = [entry for entry in entries if entry.source == source and entry.part and entry.verdict]
            if parts and not any(entry.source == source for entry in whole):
                apart = sum(entry.verdict is Verdict.DIFFERS for entry in parts)
                name = _("{count} figures, {apart} differ · {source}").format(
                    count=len(parts), apart=apart, source=source
                )
                _badge(name, parts)


def _badge(name: str, entries: list[Published]) -> None:
    met = all(entry.verdict is not Verdict.DIFFERS for entry in entries)
    reasons = dict.fromkeys(entry.reason for entry in entries if entry.reason)
    lines = [entries[0].source, *([comparison(entries[0])] if len(entries) == 1 else []), *reasons]
    st.badge(
        plain(name),
        icon=":material/check:" if met else ":material/info:",
        color="green" if met else "gray",
        help="\n\n".join(map(plain, lines)),
    )


def table(analysis: Analysis) -> None:
    """Every printed figure with ours; nothing for a network that is no published one."""
    rows = [
        {
            _("What"): plain(what(entry)),
            _("Published"): plain(entry.printed),
            _("Here"): "–" if entry.here is None else f"{entry.here:,}",
            _("Difference"): plain(difference(entry)),
            _("Source"): plain(entry.source),
            _("Why"): plain(entry.reason),
        }
        for entry in published(analysis.spec)
    ]
    if rows:
        st.header(_("Published values"), anchor=False)
        with st.container(key="published-table"):
            st.html(STYLE)
            st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)


def accuracies(networks: Sequence[tuple[str, Analysis]]) -> None:
    """What others have measured on several networks once they were trained: a row for each condition."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for name, analysis in networks:
        for entry in published(analysis.spec):
            if entry.metric in TRAINED:
                row = rows.setdefault((what(entry), entry.source), {})
                row[name] = entry.printed
    if not rows:
        return
    st.header(_("Published accuracies"), anchor=False)
    st.caption(_("As printed, each under its own conditions: only figures in one row can be compared."))
    frame = pd.DataFrame(
        [
            {
                _("What"): plain(_("{what} ({source})").format(what=measured, source=source)),
                **{plain(name): plain(row.get(name, "–")) for name, _analysis in networks},
            }
            for (measured, source), row in rows.items()
        ]
    )
    with st.container(key="published-accuracies"):
        st.html(STYLE)
        st.table(frame, border="horizontal", hide_index=True)


def metric_name(metric: Metric) -> str:
    """What a figure counts, in words."""
    return {
        Metric.PARAMS: _("Parameters"),
        Metric.WEIGHTS: _("Weights without biases"),
        Metric.MACS: _("MACs"),
        Metric.FIELD: _("Receptive field"),
        Metric.STRIDE: _("Effective stride"),
        Metric.PADDING: _("Effective padding"),
        Metric.ERROR: _("Test error"),
        Metric.SIDE: _("Side of the map"),
        Metric.CHANNELS: _("Channels"),
        Metric.HEADS_DROPOUT: _("Dropout of the auxiliary heads"),
        Metric.TOP1_ERROR: _("Top-1 error"),
        Metric.TOP5_ERROR: _("Top-5 error"),
        Metric.TOP1: _("Top-1 accuracy"),
        Metric.TOP3: _("Top-3 accuracy"),
        Metric.GAIN: _("Top-1 accuracy gained"),
    }[metric]


def what(entry: Published) -> str:
    """What a figure counts, and of which part."""
    name = metric_name(entry.metric)
    return _("{what}, {part}").format(what=name, part=entry.part) if entry.part else name


def difference(entry: Published) -> str:
    """How ours stands to the printed figure, in a word or as a percentage of it."""
    match entry.verdict:
        case None:
            return _("measured by training")
        case Verdict.EXACT:
            return _("exact")
        case Verdict.ROUNDS:
            return _("rounds to it")
        case Verdict.TRUNCATES:
            return _("truncates to it")
        case Verdict.DIFFERS:
            return f"{entry.difference:+.1%}".replace("-", "−")


def comparison(entry: Published) -> str:
    """One sentence with both numbers."""
    sentences = {
        Verdict.EXACT: _("Printed {printed}; here the same, {here}."),
        Verdict.ROUNDS: _("Printed {printed}; here {here}, which rounds to it."),
        Verdict.TRUNCATES: _("Printed {printed}; here {here}, which was cut off to it."),
        Verdict.DIFFERS: _("Printed {printed}; here {here}, {difference}."),
    }
    return sentences[entry.verdict or Verdict.DIFFERS].format(
        printed=entry.printed, here=f"{entry.here:,}", difference=difference(entry)
    )


def _author(entry: Published) -> str:
    return entry.source.split(",")[0]
