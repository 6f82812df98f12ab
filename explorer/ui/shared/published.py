"""Published figures on the page: a badge for each, and a table that compares them with ours."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis, SpecAnalysis
from explorer.analysis.measures import Measure
from explorer.analysis.published import Agreement, PublishedFigure, published
from explorer.families.claims import TRAINED, Metric
from explorer.i18n import _
from explorer.ui.shared.text import plain

HEADLINES = (Metric.PARAMS, Metric.MACS, Metric.FIELD)
# On a phone, each row becomes a block of its own because six columns don't fit.
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


def badges(analysis: SpecAnalysis) -> None:
    """Render a badge for each figure of the whole network, and one for all figures of parts from the same source."""
    figures = published(analysis.spec)
    if not figures:
        return
    of_network = [figure for figure in figures if not figure.part and figure.metric in HEADLINES]
    with st.container(horizontal=True, gap="xxsmall", key="published-badges"):
        for figure in of_network:
            name = _("{what} {printed} · {author}").format(
                what=metric_name(figure.metric), printed=figure.printed, author=_author(figure)
            )
            _badge(name, [figure])
        for source in dict.fromkeys(figure.source for figure in figures):
            parts = [figure for figure in figures if figure.source == source and figure.part and figure.agreement]
            if parts and not any(figure.source == source for figure in of_network):
                name = _("{count} figures, {apart} differ · {source}").format(
                    count=len(parts), apart=sum(part.agreement is Agreement.DIFFERS for part in parts), source=source
                )
                _badge(name, parts)


def _badge(name: str, figures: list[PublishedFigure]) -> None:
    is_met = all(figure.agreement is not Agreement.DIFFERS for figure in figures)
    reasons = dict.fromkeys(figure.reason for figure in figures if figure.reason)
    lines = [figures[0].source, *([comparison(figures[0])] if len(figures) == 1 else []), *reasons]
    st.badge(
        plain(name),
        icon=":material/check:" if is_met else ":material/info:",
        color="green" if is_met else "gray",
        help="\n\n".join(map(plain, lines)),
    )


def table(analysis: SpecAnalysis) -> None:
    """Render a table of all published figures and our numbers, if the network has any."""
    rows = [
        {
            _("What"): plain(title(figure)),
            _("Published"): plain(figure.printed),
            _("Here"): "–" if figure.computed is None else f"{figure.computed:,}",
            _("Difference"): plain(difference(figure)),
            _("Source"): plain(figure.source),
            _("Why"): plain(figure.reason),
        }
        for figure in published(analysis.spec)
    ]
    if rows:
        st.header(_("Published values"), anchor=False)
        with st.container(key="published-table"):
            st.html(STYLE)
            st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)


def accuracies(networks: Sequence[tuple[str, Analysis]]) -> None:
    """Render a table of published accuracies of trained networks, a row for each condition of measurement."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for name, analysis in networks:
        for figure in published(analysis.spec) if isinstance(analysis, SpecAnalysis) else ():
            if figure.metric in TRAINED:
                row = rows.setdefault((title(figure), figure.source), {})
                row[name] = figure.printed
    if not rows:
        return
    st.header(_("Published accuracies"), anchor=False)
    st.caption(_("As printed, each under its own conditions: only figures in one row can be compared."))
    frame = pd.DataFrame(
        [
            {
                _("What"): plain(_("{what} ({source})").format(what=what, source=source)),
                **{plain(name): plain(row.get(name, "–")) for name, _analysis in networks},
            }
            for (what, source), row in rows.items()
        ]
    )
    with st.container(key="published-accuracies"):
        st.html(STYLE)
        st.table(frame, border="horizontal", hide_index=True)


def metric_name(metric: Metric) -> str:
    """Return the name of a metric."""
    return {
        Metric.PARAMS: Measure.PARAMS.label,
        Metric.WEIGHTS: _("Weights without biases"),
        Metric.MACS: Measure.MACS.label,
        Metric.FIELD: Measure.RECEPTIVE_FIELD.label,
        Metric.STRIDE: Measure.STRIDE.label,
        Metric.PADDING: Measure.PADDING.label,
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


def title(figure: PublishedFigure) -> str:
    """Return the name of a figure's metric and part."""
    name = metric_name(figure.metric)
    return _("{what}, {part}").format(what=name, part=figure.part) if figure.part else name


def difference(figure: PublishedFigure) -> str:
    """Return how our number differs from the printed one, in words or as a percentage."""
    match figure.agreement:
        case None:
            return _("measured by training")
        case Agreement.EXACT:
            return _("exact")
        case Agreement.ROUNDS:
            return _("rounds to it")
        case Agreement.TRUNCATES:
            return _("truncates to it")
        case Agreement.DIFFERS:
            return f"{figure.difference:+.1%}".replace("-", "−")


def comparison(figure: PublishedFigure) -> str:
    """Return a sentence with both numbers."""
    sentences = {
        Agreement.EXACT: _("Printed {printed}; here the same, {here}."),
        Agreement.ROUNDS: _("Printed {printed}; here {here}, which rounds to it."),
        Agreement.TRUNCATES: _("Printed {printed}; here {here}, which truncates to it."),
        Agreement.DIFFERS: _("Printed {printed}; here {here}, {difference}."),
    }
    return sentences[figure.agreement or Agreement.DIFFERS].format(
        printed=figure.printed, here=f"{figure.computed:,}", difference=difference(figure)
    )


def _author(figure: PublishedFigure) -> str:
    return figure.source.split(",")[0]
