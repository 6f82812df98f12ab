"""How runs did on the test set: accuracies, the confusion matrix, each class, and what was taken for what."""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import plotly.graph_objects as go
import streamlit as st

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.jobs import desk
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.runs import curves, state, words
from explorer.ui.runs.view import View
from explorer.ui.text import plain

NUMBERED = 20  # classes up to which each count stands in its cell
DRAWN = 40  # classes of the matrix: of more, those that were confused most
BARS = 4  # runs whose classes are drawn side by side
PAIRS = 12  # confusions listed as text
PAGE = 24  # images
SIDE = 26  # pixels of a class
NO_TOOLBAR = {"displayModeBar": False}


class Taken(NamedTuple):
    """How many images of a class were taken for another one."""

    truth: str
    predicted: str
    images: int
    share: float


def draw(records: Sequence[Record], view: View, *, dark: bool) -> None:
    """The results of the runs that were tested."""
    tested = [record for record in records if record.result]
    if not tested:
        _nothing(records)
        return
    record = _one(tested, view)
    result: dict[str, Any] = record.result or {}
    with st.container(horizontal=True, gap="large"):
        st.metric(_("Test top-1"), words.percent(result["top1"]), width="content")
        for k, share in result.get("topk", {}).items():
            st.metric(_("Test top-{k}").format(k=k), words.percent(share), width="content")
        st.metric(
            _("Right"), _("{correct:,} of {images:,}").format(correct=result["correct"], images=result["images"]),
            width="content",
        )  # fmt: skip
    classes = list(result["per_class"])
    matrix_side, class_side = st.columns([3, 2], gap="medium")
    with matrix_side:
        st.header(_("Confusion matrix"), anchor=False)
        _matrix(classes, result["confusion"], dark=dark)
    with class_side:
        st.header(_("By class"), anchor=False)
        _bars([record, *(other for other in tested if other is not record)][:BARS], dark=dark)
    st.header(_("Misclassified images"), anchor=False)
    _mistakes(record, result["images"] - result["correct"])


def _nothing(records: Sequence[Record]) -> None:
    st.info(
        _("The test set is read once, at the end of a run: the results come then.")
        if any(record.status in ACTIVE for record in records)
        else _("These runs did not come to their end, at which the test set is read. Resume one, and it does."),
        icon=":material/fact_check:",
    )


def _one(tested: Sequence[Record], view: View) -> Record:
    """The run whose matrix is shown."""
    if len(tested) == 1:
        return tested[0]
    names = {record.id: f"{record.name} · {words.percent((record.result or {})['top1'])}" for record in tested}
    if view.run not in names:
        st.session_state[state.VIEW + "run"] = tested[0].id
    st.selectbox(
        _("Run"), list(names), format_func=names.__getitem__, key=state.VIEW + "run", on_change=state.used, width=420
    )
    return next(record for record in tested if record.id == st.session_state[state.VIEW + "run"])


def confused(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[Taken]:
    """What was taken for what, the most frequent first."""
    found = [
        Taken(classes[row], classes[column], count, count / sum(confusion[row]))
        for row, column in product(range(len(classes)), repeat=2)
        if row != column and (count := confusion[row][column])
    ]
    return sorted(found, key=lambda taken: -taken.images)


def _matrix(classes: list[str], confusion: list[list[int]], *, dark: bool) -> None:
    pairs = confused(classes, confusion)
    shown = _shown(classes, pairs)
    if len(shown) < len(classes):
        st.caption(
            _("The {shown} classes of {count} that were confused most.").format(shown=len(shown), count=len(classes))
        )
    st.plotly_chart(
        _heat(classes, confusion, shown, dark=dark),
        config=NO_TOOLBAR,
        key="runs-confusion",
        alt=_("Confusion matrix with a row for each true class; the most frequent confusions are listed below"),
    )
    if not pairs:
        st.success(_("Every image was classified rightly."), icon=":material/check:")
        return
    lines = [
        _("{truth} taken for {predicted}: {count:,} ({share:.1%})").format(
            truth=f"**{plain(pair.truth)}**",
            predicted=f"**{plain(pair.predicted)}**",
            count=pair.images,
            share=pair.share,
        )
        for pair in pairs[:PAIRS]
    ]
    with st.expander(_("Most frequent confusions"), icon=":material/list:"):
        st.markdown("\n".join(f"- {line}" for line in lines))


def _shown(classes: list[str], pairs: Sequence[Taken]) -> list[int]:
    if len(classes) <= DRAWN:
        return list(range(len(classes)))
    worst = list(dict.fromkeys(name for pair in pairs for name in (pair.truth, pair.predicted)))[:DRAWN]
    return sorted(map(classes.index, worst)) or list(range(DRAWN))


def _heat(classes: list[str], confusion: list[list[int]], shown: list[int], *, dark: bool) -> go.Figure:
    """Counts in the cells; the colour is the share of the row's class, so that a rare class is seen as well.

    A cell without images stays empty.
    """
    counts = [[confusion[row][column] for column in shown] for row in shown]
    shares = [
        [confusion[row][column] / sum(confusion[row]) if confusion[row][column] else None for column in shown]
        for row in shown
    ]
    names = [classes[place] for place in shown]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            customdata=counts,
            text=counts if len(shown) <= NUMBERED else None,
            texttemplate="%{text}" if len(shown) <= NUMBERED else None,
            colorscale="Cividis",
            reversescale=not dark,
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={
                "title": {"text": _("Share of the class"), "side": "right"},
                "tickformat": ".0%",
                "thickness": 12,
            },
            hovertemplate=_("true: %{y}<br>predicted: %{x}<br>%{customdata} images, %{z:.1%}<extra></extra>"),
        )
    )
    figure.update_layout(
        height=max(300, SIDE * len(shown) + 110),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": _("Predicted"), "type": "category", "showgrid": False, "side": "bottom", "constrain": "domain"},
        yaxis={"title": _("True"), "type": "category", "showgrid": False, "autorange": "reversed"},
        font={"color": theme(dark=dark).ink},
        dragmode=False,
    )
    return figure


def _bars(records: Sequence[Record], *, dark: bool) -> None:
    classes = list((records[0].result or {})["per_class"])
    figure = go.Figure()
    for place, record in enumerate(records):
        shares = (record.result or {})["per_class"]
        figure.add_bar(
            y=classes,
            x=[shares.get(name) for name in classes],
            orientation="h",
            name=record.name,
            marker={"color": curves.colour(place, dark=dark)},
            text=[words.percent(shares.get(name)) for name in classes] if len(records) == 1 else None,
            hovertemplate="%{y}: %{x:.2%}",
        )
    figure.update_layout(
        height=max(300, (SIDE if len(records) == 1 else 14 * len(records) + 8) * min(len(classes), DRAWN) + 80),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        barmode="group",
        xaxis={"title": _("Top-1 accuracy"), "tickformat": ".0%", "range": [0, 1], "autorange": False},
        yaxis={"type": "category", "autorange": "reversed"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1, "x": 0},
        showlegend=len(records) > 1,
        dragmode=False,
    )
    st.plotly_chart(
        figure,
        config=NO_TOOLBAR,
        key="runs-classes",
        alt=_("Accuracy of each class on the test set; the weakest are named below"),
    )
    known = {name: share for name, share in (records[0].result or {})["per_class"].items() if share is not None}
    weakest = sorted(known.items(), key=lambda item: item[1])[:3]
    st.caption(
        _("Weakest: {classes}").format(classes=", ".join(f"{plain(name)} {share:.2%}" for name, share in weakest))
    )


def _mistakes(record: Record, count: int) -> None:
    """Images that were taken for another class, the surest mistakes first."""
    path = desk.directory(record.id).mistakes
    try:
        changed = path.stat().st_mtime_ns
        found = _read(str(path), changed)
    except (OSError, ValueError):
        st.info(
            _("There are none.") if not count else _("Pictures of the mistakes of this run were not kept."),
            icon=":material/image:",
        )
        return
    if not found:
        st.success(_("Every image was classified rightly."), icon=":material/check:")
        return
    truths = sorted({mistake["truth"] for mistake in found})
    every = _("All classes")
    wanted = st.selectbox(
        _("True class"), [None, *truths], format_func=lambda name: every if name is None else name,
        key="runs.mistakes", width=260,
    )  # fmt: skip
    chosen = sorted(
        (mistake for mistake in found if wanted in (None, mistake["truth"])),
        key=lambda mistake: -mistake["probability"],
    )
    if len(chosen) > PAGE:
        st.caption(_("The {shown} surest of {count:,} mistakes that were kept.").format(shown=PAGE, count=len(chosen)))
    with st.container(horizontal=True, gap="small", key="runs-mistakes"):
        for mistake in chosen[:PAGE]:
            words_of = _("{truth} taken for {predicted}, {probability:.0%}").format(**mistake)
            with st.container(width=104, gap=None):
                st.image(mistake["image"], width=96, alt=words_of)
                st.caption(
                    _("{truth} → **{predicted}** {probability:.0%}").format(
                        truth=plain(mistake["truth"]),
                        predicted=plain(mistake["predicted"]),
                        probability=mistake["probability"],
                    )
                )


@lru_cache(maxsize=16)
def _read(path: str, _changed: int) -> list[dict[str, Any]]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  the path is the cache's key
        found: list[dict[str, Any]] = json.load(file)
    return found
