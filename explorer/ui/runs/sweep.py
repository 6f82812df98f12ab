"""Results of a sweep: a table, and a heat chart of two settings or parallel coordinates of more."""

import statistics
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.drawing.theme import theme
from explorer.formatting import NONE
from explorer.i18n import _
from explorer.jobs.compare import SEED, SPEC, axes
from explorer.jobs.store import Record
from explorer.ui.runs import shared, state, words
from explorer.ui.shared import job_status
from explorer.ui.shared.chart_text import readable

HEAT, TABLE = "runs-heat", "runs.sweep-table"
ROW = 32
ROWS_SHOWN = 12
MAX_GAPS = 0.25  # largest share of empty cells in a heat chart
NO_TOOLBAR = {"displayModeBar": False}


def render(records: Sequence[Record], listed: shared.RunList, *, dark: bool) -> None:
    """Renders the runs of a sweep. A selected cell or row opens its runs."""
    scores_by_run = {record.id: _scores(record, listed) for record in records}
    key = state.VIEW + "measure"
    names = {
        "validation": _("Best validation top-1"),
        "validation3": _("Validation top-3 of that epoch"),
        "test": _("Test top-1"),
        "test3": _("Test top-3"),
    }
    # With three classes or fewer there is no top-3.
    names = {
        name: title
        for name, title in names.items()
        if name in ("validation", "test", st.session_state[key]) or any(name in one for one in scores_by_run.values())
    }
    st.segmented_control(
        _("Judged by"), list(names), required=True, format_func=names.__getitem__, key=key, persist_state="page"
    )
    measure = st.session_state[key]
    scores = {job: one.get(measure) for job, one in scores_by_run.items()}
    varied = axes(records)
    fields = [key for key, values in varied.items() if len(values) > 1 and key != SEED] or list(varied)
    if not any(score is not None for score in scores.values()):
        st.info(_("No run of this sweep has a number yet."), icon=":material/grid_view:")
    elif len(fields) == 2 and not (gaps := _gaps(records, fields, varied)):
        _render_heat_chart(records, scores, fields, varied, names[measure], dark=dark)
    elif len(fields) >= 2:
        if len(fields) == 2:
            st.caption(
                _(
                    "These runs form no grid: {gaps:,} of the {cells:,} combinations of {first} and {second} "
                        "have no run. So there is no map; each line is a run."
                ).format(
                    gaps=gaps, cells=len(varied[fields[0]]) * len(varied[fields[1]]), first=_name(fields[0]),
                    second=_name(fields[1]),
                )
            )  # fmt: skip
        _render_parallel(records, scores, fields, varied, names[measure], dark=dark)
    _render_table(records, scores_by_run, list(varied), names, measure)


def _scores(record: Record, listed: shared.RunList) -> dict[str, float]:
    """Returns the accuracies that a run has so far, by measure."""
    result: dict[str, Any] = record.result or {}
    found = {
        "validation": listed.best.get(record.id),
        "validation3": listed.top3.get(record.id),
        "test": result.get("top1"),
        "test3": result.get("topk", {}).get("3"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _gaps(records: Sequence[Record], fields: Sequence[str], varied: dict[str, list[Any]]) -> int:
    """Returns the number of combinations of two settings without a run. 0 for a grid with a few deleted runs."""
    row_key, column_key = fields
    present = {tuple(words.value(record.varied.get(key)) for key in fields) for record in records}
    cells = len(varied[row_key]) * len(varied[column_key])
    missing = cells - len(present)
    return missing if missing > cells * MAX_GAPS else 0


def _name(key: str) -> str:
    return key.removeprefix(SPEC)


def _render_heat_chart(
    records: Sequence[Record],
    scores: dict[str, float | None],
    fields: Sequence[str],
    varied: dict[str, list[Any]],
    title: str,
    *,
    dark: bool,
) -> None:
    """Renders a heat chart: a cell for each pair of values, with the mean of its runs."""
    row_key, column_key = fields
    cells: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        place = words.value(record.varied[row_key]), words.value(record.varied[column_key])
        cells.setdefault(place, []).append(record)
    rows, columns = [[words.value(value) for value in varied[key]] for key in fields]

    def mean(place: tuple[str, str]) -> float | None:
        with_score = [score for record in cells.get(place, []) if (score := scores[record.id]) is not None]
        return statistics.fmean(with_score) if with_score else None

    means = [[mean((row, column)) for column in columns] for row in rows]
    figure = go.Figure(
        go.Heatmap(
            z=means,
            x=columns,
            y=rows,
            text=[["" if value is None else f"{value:.2%}" for value in row] for row in means],
            texttemplate="%{text}",
            colorscale="Cividis",
            reversescale=not dark,
            xgap=2,
            ygap=2,
            colorbar={"tickformat": ".1~%", "thickness": 12},
            hoverinfo="skip",
        )
    )
    # Plotly can't select cells of a heat chart, so invisible points cover the cells.
    figure.add_scatter(
        x=[column for _row in rows for column in columns],
        y=[row for row in rows for _column in columns],
        mode="markers",
        marker={"size": 34, "opacity": 0, "symbol": "square"},
        customdata=[".".join(run.id for run in cells.get((row, column), [])) for row in rows for column in columns],
        hovertemplate=f"{_name(row_key)} %{{y}}, {_name(column_key)} %{{x}}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        height=max(240, 52 * len(rows) + 100),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": _name(column_key), "type": "category"},
        yaxis={"title": _name(row_key), "type": "category", "autorange": "reversed"},
        font={"color": theme(dark=dark).ink},
        clickmode="event+select",
        hoverdistance=-1,  # the nearest point, from anywhere in a cell
        dragmode=False,
    )
    st.plotly_chart(
        readable(figure),
        config=NO_TOOLBAR,
        key=HEAT,
        on_select=_open_cell,
        selection_mode="points",
        alt=_("{what} over {down} and {across}; the table below has the numbers").format(
            what=title, down=_name(row_key), across=_name(column_key)
        ),
    )
    st.caption(_("A click on a cell opens its runs."))


def _open_cell() -> None:
    points = st.session_state[HEAT].selection.points
    if points and (jobs := str(points[0].get("customdata") or "")):
        state.choose(jobs.split("."), show=None)


def _render_parallel(
    records: Sequence[Record],
    scores: dict[str, float | None],
    fields: Sequence[str],
    varied: dict[str, list[Any]],
    title: str,
    *,
    dark: bool,
) -> None:
    """Renders parallel coordinates: a line for each run through its settings to its accuracy."""
    with_score = [record for record in records if scores[record.id] is not None]
    accuracies = [scores[record.id] for record in with_score]
    dimensions = [
        {
            "label": _name(key),
            "values": [varied[key].index(record.varied[key]) for record in with_score],
            "tickvals": list(range(len(varied[key]))),
            "ticktext": [words.value(value) for value in varied[key]],
            "range": [-0.2, len(varied[key]) - 0.8],
        }
        for key in fields
    ]
    ink = theme(dark=dark).ink
    figure = go.Figure(
        go.Parcoords(
            dimensions=[*dimensions, {"label": title, "values": accuracies, "tickformat": ".1~%"}],
            line={
                "color": accuracies, "colorscale": "Cividis", "reversescale": not dark, "showscale": True,
                "colorbar": {"tickformat": ".1~%", "thickness": 12},
            },
            labelfont={"color": ink}, tickfont={"color": ink}, rangefont={"color": ink},
        )
    )  # fmt: skip
    figure.update_layout(height=340, margin={"l": 70, "r": 40, "t": 60, "b": 24}, font={"color": ink})
    st.plotly_chart(
        readable(figure),
        config=NO_TOOLBAR,
        key="runs-parallel",
        alt=_("A line for each run through its settings to {what}; the table below has the numbers").format(what=title),
    )
    st.caption(_("Drag along an axis to keep the runs that pass there; the table below opens them."))


def _render_table(
    records: Sequence[Record],
    scores_by_run: dict[str, dict[str, float]],
    fields: Sequence[str],
    names: dict[str, str],
    measure: str,
) -> None:
    """Renders a table of all runs with settings and accuracies, ordered by the chosen accuracy."""
    ranked = sorted(records, key=lambda record: -scores_by_run[record.id].get(measure, -1.0))
    frame = pd.DataFrame(
        [
            (
                *(words.value(record.varied.get(key)) for key in fields),
                *(None if (share := scores_by_run[record.id].get(name)) is None else 100 * share for name in names),
                job_status.status_with_sign(record.status),
                record.name,
            )
            for record in ranked
        ],
        columns=[*fields, *(f"score.{name}" for name in names), "status", "name"],
    )
    text = st.column_config.TextColumn
    jobs = [record.id for record in ranked]

    def open_row() -> None:
        rows = [row for row in st.session_state[key].selection.rows if row < len(jobs)]
        if rows:
            state.choose([jobs[row] for row in rows], show=None)

    key = f"{TABLE}.{len(jobs)}"
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            **{key: text(_name(key)) for key in fields},
            **{f"score.{name}": st.column_config.NumberColumn(title, format="%.2f%%") for name, title in names.items()},
            "status": text(_("Status")),
            "name": text(_("Name")),
        },
        row_height=ROW,
        height=ROW * (min(len(frame), ROWS_SHOWN) + 1) + 2,
        placeholder=NONE,
        on_select=open_row,
        selection_mode="single-row",
        key=key,
        alt=_("Runs of the sweep with their settings, the best first"),
    )
    st.caption(_("Tick a row to see that run close up."))
