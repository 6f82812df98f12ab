"""The scores of class activation maps: deletion, insertion, and a comparison with maps of random weights."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from explorer.drawing.kinds import series_colour
from explorer.formatting import short
from explorer.i18n import _
from explorer.prediction import reasons
from explorer.prediction.cams import Method, import_library
from explorer.prediction.heat_scores import RANDOM_NETWORKS, STEPS, Curves, HeatScores, heat_scores
from explorer.prediction.hooks import MapLayer
from explorer.ui.glossary import explain
from explorer.ui.predict.reason import Case
from explorer.ui.shared.chart_text import VEGA_CONFIG
from explorer.ui.shared.text import plain
from explorer.workers import semaphore

AT_ONCE = 3e10  # multiplications that nobody has to ask for: up to about two seconds on two cores
ALIKE = 0.8  # rank correlation with maps of random weights from which on a map hardly depends on the weights
HEIGHT = 300

_semaphore = semaphore.FairSemaphore(1)  # one at a time; each step lets other predictions go first


def render(
    case: Case, map_layer: MapLayer, index: int, heats: Mapping[Method, Tensor], titles: Mapping[str, str]
) -> None:
    """Render the scores of class activation maps. If they take long, they wait for a button.

    Args:
        case: Answer that the maps explain.
        map_layer: Layer of the maps.
        index: Position of the class.
        heats: The maps that are shown, (height, width), by their methods.
        titles: Titles of the methods.
    """
    alone = len(heats) == 1
    st.subheader(_("Can this map be trusted?") if alone else _("Can these maps be trusted?"), anchor=False)
    st.caption(
        _(
            "Pixels are taken away, the hottest first, and put back in that order: a map that shows what the network "
            "uses makes the probability fall early and rise early. The same is done with maps of {count} networks "
            "with random weights, which know nothing."
        ).format(count=RANDOM_NETWORKS)
    )
    hot = {method: heat for method, heat in heats.items() if heat.any()}
    if len(hot) < len(heats):
        st.info(_("A map without any heat has no order of pixels, so it has no scores."), icon=":material/blur_off:")
    if not hot:
        return
    requested = _is_quick(case, len(hot)) or _request(case, len(hot), alone=alone)
    found = {}
    for method, heat in hot.items():
        key = ("scores", map_layer.layer.name, index, method)
        packed = reasons.load_cached(case.network, case.picture, key)
        if packed is None and requested:
            packed = _compute(case, map_layer, index, method, heat, key)
        if packed is not None:
            found[method] = _unpack(packed)
    if alone:
        for one in found.values():
            _render_scores(one, case.network.card.classes[index], dark=case.dark)
    elif found:
        _render_table({titles[method]: one for method, one in found.items()})


def _predictions(maps: int) -> int:
    """Return how many predictions score some maps."""
    return maps * (1 + RANDOM_NETWORKS) * 2 * (STEPS + 1)


def _is_quick(case: Case, maps: int) -> bool:
    return _predictions(maps) * case.network.analysis.totals.macs <= AT_ONCE


def _request(case: Case, maps: int, *, alone: bool) -> bool:
    """Render the button that scores the maps of a large network, and why it is there."""
    predictions = _predictions(maps)
    st.caption(
        _(
            "This takes {predictions:,} predictions, {macs} multiplications. So the scores of a network of this size "
            "wait until you ask for them; those of small networks come by themselves."
        ).format(predictions=predictions, macs=short(predictions * case.network.analysis.totals.macs))
    )
    label = _("Score this map") if alone else _("Score these maps")
    return st.button(label, icon=":material/rule:", key="predict.score")


def _compute(
    case: Case, map_layer: MapLayer, index: int, method: Method, heat: Tensor, key: tuple[object, ...]
) -> Tensor:
    note, bar = st.empty(), st.progress(0.0, _("Taking pixels away"))

    def progress(done: int, total: int) -> None:
        bar.progress(done / total, _("{done:,} of {count:,} steps").format(done=done, count=total))

    def wait(ahead: int) -> None:
        note.info(_("Waiting: scores before yours: {ahead}").format(ahead=ahead), icon=":material/hourglass_top:")

    try:
        import_library()
        with _semaphore.slot(wait):
            note.empty()
            if (cached := reasons.load_cached(case.network, case.picture, key)) is not None:
                return cached  # another session has computed it
            slot = partial(semaphore.slot, lambda _ahead: None, yielding=True)
            found = heat_scores(
                case.network, map_layer, case.image, index, method, heat=heat, progress=progress, slot=slot
            )
            packed = _pack(found)
            reasons.save_cached(case.network, case.picture, key, packed)
            return packed
    finally:
        note.empty()
        bar.empty()


def _pack(found: HeatScores) -> Tensor:
    """Return the scores as one tensor for the cache: both curves of each map, then its rank correlation."""
    rows = [torch.cat([one.deletion, one.insertion]) for one in (found.own, *found.chance)]
    return torch.cat([torch.stack(rows), torch.tensor([[1.0], *([one] for one in found.similarities)])], 1)


def _unpack(packed: Tensor) -> HeatScores:
    curves = [Curves(row[: STEPS + 1], row[STEPS + 1 : -1]) for row in packed]
    return HeatScores(curves[0], tuple(curves[1:]), tuple(packed[1:, -1].tolist()))


def _render_scores(found: HeatScores, name: str, *, dark: bool) -> None:
    own, chance = found.own, found.chance
    deletion, insertion = ([getattr(one, score) for one in chance] for score in ("deletion_score", "insertion_score"))
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric(
            _("Deletion, low is good"), f"{own.deletion_score:.2f}", border=True,
            help=explain("deletion", _("Random weights: {scores}.").format(scores=_range(deletion))),
        )  # fmt: skip
        st.metric(
            _("Insertion, high is good"), f"{own.insertion_score:.2f}", border=True,
            help=explain("insertion", _("Random weights: {scores}.").format(scores=_range(insertion))),
        )  # fmt: skip
        st.metric(
            _("Like random weights"), f"{found.similarity:.2f}", border=True,
            help=explain("sanity-check", _("Rank correlation, from 0 (none) to 1 (the same order of pixels).")),
        )  # fmt: skip
    st.markdown(_verdict(found))
    with st.grid(2, min_column_width=280, gap="small"):
        for field, title in (("deletion", _("Pixels removed")), ("insertion", _("Pixels put back"))):
            curve = getattr(own, field)
            st.vega_lite_chart(
                _chart(found, field, title, dark=dark), key=f"predict.scores.{field}",
                alt=_("{title}: the probability of {name} goes from {first:.0%} to {last:.0%}").format(
                    title=title, name=plain(name), first=float(curve[0]), last=float(curve[-1])
                ),
            )  # fmt: skip
    _render_method()


def _render_table(found: Mapping[str, HeatScores]) -> None:
    """Render the scores of several maps, by their titles. Each is followed by those of random weights."""

    def column(score: str) -> list[str]:
        return [
            _("{own:.2f} (random weights {chance})").format(
                own=getattr(one.own, score), chance=_range([getattr(other, score) for other in one.chance])
            )
            for one in found.values()
        ]

    st.table(
        {
            _("Map"): list(found),
            _("Deletion, low is good"): column("deletion_score"),
            _("Insertion, high is good"): column("insertion_score"),
            _("Like random weights"): [f"{one.similarity:.2f}" for one in found.values()],
            _("Comparisons won"): [
                _("{wins} of {count}").format(wins=one.wins, count=one.comparisons) for one in found.values()
            ],
        },
        border="horizontal", hide_index=True, alt=_("Scores of the maps"),
    )  # fmt: skip
    _render_method()


def _render_method() -> None:
    st.caption(
        _("Removed pixels get the mean colour of the normalisation; the picture to which pixels return is blurred.")
    )


def _range(scores: list[float]) -> str:
    return _("{least:.2f} to {most:.2f}").format(least=min(scores), most=max(scores))


def _verdict(found: HeatScores) -> str:
    """Return what the scores say, in a sentence or two."""
    counts = _("It wins **{wins} of {count}** comparisons with the maps of random weights.").format(
        wins=found.wins, count=found.comparisons
    )
    if found.wins == found.comparisons:
        judgement = _("The pixels that it marks are those that the network uses.")
    elif found.wins > found.comparisons / 2:
        judgement = _("It is better than chance, but not clearly.")
    else:
        judgement = _("It is no better than chance: don't rely on it for this picture and class.")
    parts = [judgement, counts]
    if found.similarity >= ALIKE:
        parts.append(
            _("It looks much like the maps of random weights: it shows the picture more than what was learnt.")
        )
    return " ".join(parts)


def _chart(found: HeatScores, field: str, title: str, *, dark: bool) -> dict[str, Any]:
    """Return the Vega-Lite specification of the curves of the map, strong, and those of random weights, faint.

    Args:
        found: Scores.
        field: ``deletion`` or ``insertion``.
        title: Name of the horizontal axis.
        dark: Whether the page is dark.
    """
    names = {True: _("this map"), False: _("random weights")}
    rows = [
        {"share": share / STEPS, "probability": float(value), "line": number, "map": names[number == 0]}
        for number, one in enumerate((found.own, *found.chance))
        for share, value in enumerate(getattr(one, field))
    ]
    axis = {"format": "%", "tickCount": 4}
    colour = {
        "field": "map", "type": "nominal",
        "scale": {"domain": list(names.values()), "range": [series_colour(number, dark=dark) for number in range(2)]},
        "legend": {"orient": "bottom", "title": None},
    }  # fmt: skip
    return {
        "height": HEIGHT,
        "config": VEGA_CONFIG,
        "data": {"values": rows},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": {"field": "share", "type": "quantitative", "title": title, "axis": axis},
            "y": {
                "field": "probability", "type": "quantitative", "title": _("Probability"), "axis": axis,
                "scale": {"domain": [0, 1]},
            },
            "detail": {"field": "line", "type": "nominal"},
            "color": colour,
            "strokeWidth": {"condition": {"test": "datum.line == 0", "value": 3}, "value": 1},
            "tooltip": [
                {"field": "map", "type": "nominal", "title": _("Map")},
                {"field": "share", "type": "quantitative", "title": title, "format": ".0%"},
                {"field": "probability", "type": "quantitative", "title": _("Probability"), "format": ".1%"},
            ],
        },
    }  # fmt: skip
