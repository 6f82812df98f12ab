"""Feature maps of a layer, and the receptive field of the chosen unit."""

import base64
from math import floor, log10
from typing import Any

import streamlit as st
from torch import Tensor

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.prediction.hooks import MapLayer
from explorer.prediction.maps import channel_strengths, feature_maps, window
from explorer.ui.predict import channels, paint, state
from explorer.ui.predict.channels import Unit
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.reason import Case, choose_layer, compute_once, note_shuffled_pixels
from explorer.ui.predict.view import Order
from explorer.ui.shared.text import plain

PAGE_SIZE = 48  # channels on a page of the grid


def render(case: Case) -> None:
    """Render the grid of channels, and the chosen unit."""
    if not case.map_layers:
        st.info(
            _("This network has no maps; its first layer's weights are pictures under Filters."),
            icon=":material/blur_off:",
        )
        return
    orders: dict[Order, str] = {"strength": _("Strongest first"), "number": _("By number")}
    scales = {"each": _("Each channel by itself"), "all": _("All alike")}
    map_layer = choose_layer(case)
    with st.container(horizontal=True):
        st.segmented_control(
            _("Order"), list(orders), format_func=orders.__getitem__, key=state.VIEW_PREFIX + "order",
            persist_state="page", required=True,
        )  # fmt: skip
        scale = st.segmented_control(
            _("Brightness"), list(scales), format_func=scales.__getitem__, default="each", key="predict.maps.scale",
            required=True,
        )  # fmt: skip
    maps = compute_once(case, ("maps", map_layer.layer.name), lambda: feature_maps(case.network, map_layer, case.image))
    st.caption(
        _(
            "Shows what each channel of {layer} answers to this picture, place by place; not whether the class depends "
            "on it. Click a place to see which pixels it comes from."
        ).format(layer=plain(map_layer.layer.name))
    )
    strengths = channel_strengths(maps)
    order = state.predict_state().read_widgets().order
    ranked = strengths.argsort(descending=True, stable=True).tolist()
    ordered = ranked if order == "strength" else list(range(len(maps)))
    unit, decimals = _chosen_unit(maps, strengths), _decimals(float(strengths.max()))
    shown = _choose_page(ordered, unit[0], f"predict.maps.page.{map_layer.layer.name}.{order}")
    channels.render(
        maps,
        [
            channels.Channel(
                number,
                _("{channel}: {strength:.{decimals}f}").format(
                    channel=number, strength=float(strengths[number]), decimals=decimals
                ),
                _("Channel {channel}, mean strength {strength:.2g}, values from {least:.2g} to {most:.2g}").format(
                    channel=number, strength=float(strengths[number]), least=float(maps[number].min()),
                    most=float(maps[number].max()),
                ),
            )
            for number in shown
        ],
        unit,
        _appearance(case, map_layer, None if scale == "each" else (float(maps.min()), float(maps.max()))),
        on_choose=lambda chosen: state.change(unit=".".join(map(str, chosen))),
    )  # fmt: skip
    note_shuffled_pixels(case)


def _appearance(case: Case, map_layer: MapLayer, alike: tuple[float, float] | None) -> dict[str, Any]:
    """Return what the browser needs to draw maps, and to say what a unit sees.

    Args:
        case: Answer to explain.
        map_layer: Layer of the maps.
        alike: Least and largest value of all maps, if they share one scale.
    """
    field, sides = map_layer.layer.field, case.network_view.shape[-2:]
    _channels, rows, columns = map_layer.shape
    spans = field and {
        "rows": [window(field, row, 0)[:2] for row in range(rows)],
        "columns": [window(field, 0, column)[2:] for column in range(columns)],
    }
    return {
        "palette": base64.b64encode(paint.palette().numpy().tobytes()).decode(),
        "image": data_url(case.network_view, 640),
        "sides": list(sides),
        "mark": theme(dark=case.dark).mark,
        "alike": alike,
        "spans": spans,
        "words": {
            "grid": _("Channels of {layer}").format(layer=map_layer.layer.name),
            "note": _(
                "Below each channel its number and the mean of its absolute values. Dark purple is the least value of "
                "the channel, yellow its greatest; a channel of one value is dark purple."
            )
            if alike is None
            else _(
                "Below each channel its number and the mean of its absolute values. Dark purple is the least value of "
                "the layer, yellow its greatest."
            ),
            "heading": _("Channel {channel}, row {row}, column {column}"),
            "channel": _("Channel"),
            "row": _("Row"),
            "column": _("Column"),
            "close": _("Map of channel {channel} with the unit in row {row}, column {column} framed"),
            "click": _("Channel {channel}: click a place"),
            "sees": _("What the unit sees"),
            "value": _("Its value is {value}."),
            "waiting": _("Its value is on the way…"),
            **_field_sentences(map_layer),
        },
    }


def _decimals(most: float) -> int:
    """Return the number of decimals for numbers up to ``most``, the same for all of them."""
    return min(max(2 - floor(log10(most)), 0), 6) if most > 0 else 0


def _choose_page(ordered: list[int], channel: int, key: str) -> list[int]:
    """Let the user choose a page, and return its channels. The default is the page with ``channel``."""
    pages = -(-len(ordered) // PAGE_SIZE)
    if pages == 1:
        return ordered
    if st.session_state.get(key, pages + 1) > pages:
        st.session_state[key] = ordered.index(channel) // PAGE_SIZE + 1
    page = st.number_input(_("Page, of {count}").format(count=pages), min_value=1, max_value=pages, key=key, width=140)
    return ordered[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


def _chosen_unit(maps: Tensor, strengths: Tensor) -> Unit:
    """Return the unit of the link. The default is the strongest unit of the strongest channel; others may be dead."""
    text = state.predict_state().view.unit
    if text:
        channel, row, column = map(int, text.split("."))
        if channel < maps.shape[0] and row < maps.shape[1] and column < maps.shape[2]:
            return channel, row, column
        st.warning(_("The layer has no unit {unit}; you see another one.").format(unit=text))
    first = int(strengths.argmax())
    return first, *divmod(int(maps[first].abs().argmax()), maps.shape[2])


def _field_sentences(map_layer: MapLayer) -> dict[str, str]:
    """Return the sentences on what a unit sees, by its place."""
    layer = map_layer.layer
    unknown = _("What it sees is not known: {why}.").format(why="; ".join(layer.notes))
    return {
        "unknown": _("It depends on the whole picture.") if layer.sees_whole_image else unknown,
        "padding": _("It sees only padding."),
        "inside": _("It sees {rows} × {columns} pixels: rows {top} to {bottom}, columns {left} to {right}."),
        "larger": _(
            "Its field, {rows} × {columns} pixels, is larger than the picture of {all_rows} × "
            "{all_columns}; {height} × {width} of them lie on it, the rest is padding."
        ),
        "cut": _(
            "Its field, {rows} × {columns} pixels, is cut off at the border: rows {top} to {bottom}, "
            "columns {left} to {right}; the rest is padding."
        ),
    }
