"""Feature maps of a layer, and the receptive field of the chosen unit."""

from functools import partial
from math import floor, log10

import streamlit as st
from torch import Tensor

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.prediction.hooks import MapLayer
from explorer.prediction.maps import Window, channel_strengths, feature_maps, rescale, window
from explorer.ui.predict import paint, state
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.picture_grid import GridItem, Position, picture_grid
from explorer.ui.predict.reason import Case, choose_layer, compute_once, note_shuffled_pixels
from explorer.ui.predict.view import Order
from explorer.ui.shared.text import plain

PAGE_SIZE = 48  # channels on a page of the grid
SIDE = 72
CLOSE_UP_SIDE = 300
INPUT_WIDTH = 140  # pixels of a number input on a wide page
Unit = tuple[int, int, int]


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
    channels = ranked if order == "strength" else list(range(len(maps)))
    unit, decimals = _chosen_unit(maps, strengths), _decimals(float(strengths.max()))
    shown = _choose_page(channels, unit[0], f"predict.maps.page.{map_layer.layer.name}.{order}")
    levels = rescale(maps, each=scale == "each")
    picture_grid(
        [
            GridItem(
                data_url(paint.heat(levels[channel]), SIDE),
                _("{channel}: {strength:.{decimals}f}").format(
                    channel=channel, strength=float(strengths[channel]), decimals=decimals
                ),
                _("Channel {channel}, mean strength {strength:.2g}, values from {least:.2g} to {most:.2g}").format(
                    channel=channel, strength=float(strengths[channel]), least=float(maps[channel].min()),
                    most=float(maps[channel].max()),
                ),
            )
            for channel in shown
        ],
        key="predict.maps.grid",
        chosen=shown.index(unit[0]) if unit[0] in shown else None,
        side=SIDE,
        on_pick=lambda index, position: _choose_unit(maps, shown[index], unit, position),
        places=True,
    )  # fmt: skip
    st.caption(
        _(
            "Below each channel its number and the mean of its absolute values. Dark purple is the least value of the "
            "channel, yellow its greatest; a channel of one value is dark purple."
        )
        if scale == "each"
        else _(
            "Below each channel its number and the mean of its absolute values. Dark purple is the least value of the "
            "layer, yellow its greatest."
        )
    )
    _close_up(case, map_layer, maps, levels, unit)
    note_shuffled_pixels(case)


def _decimals(most: float) -> int:
    """Return the number of decimals for numbers up to ``most``, the same for all of them."""
    return min(max(2 - floor(log10(most)), 0), 6) if most > 0 else 0


def _choose_page(channels: list[int], channel: int, key: str) -> list[int]:
    """Let the user choose a page, and return its channels. The default is the page with ``channel``."""
    pages = -(-len(channels) // PAGE_SIZE)
    if pages == 1:
        return channels
    if st.session_state.get(key, pages + 1) > pages:
        st.session_state[key] = channels.index(channel) // PAGE_SIZE + 1
    page = st.number_input(_("Page, of {count}").format(count=pages), min_value=1, max_value=pages, key=key, width=140)
    return channels[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


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


def _choose_unit(maps: Tensor, channel: int, unit: Unit, position: Position | None) -> None:
    row, column = unit[1:]
    if position:
        row, column = int(position[0] * maps.shape[1]), int(position[1] * maps.shape[2])
    state.change(unit=f"{channel}.{row}.{column}")


def _close_up(case: Case, map_layer: MapLayer, maps: Tensor, levels: Tensor, unit: Unit) -> None:
    channel, row, column = unit
    field, size = map_layer.layer.field, case.network_view.shape[-1]
    if field is None:
        full = Window(0, size - 1, 0, size - 1)
        visible: Window | None = full
    else:
        full = window(field, row, column)
        visible = full.within(size)
    st.subheader(
        _("Channel {channel}, row {row}, column {column}").format(channel=channel, row=row, column=column), anchor=False
    )
    _render_inputs(maps, unit)
    colours = theme(dark=case.dark)
    left, right = st.columns(2)
    with left:
        picture_grid(
            [
                GridItem(
                    data_url(
                        paint.with_frame(
                            paint.heat(levels[channel]), Window(row, row, column, column), colours.mark, dim=False
                        ),
                        640,
                    ),
                    _("Channel {channel}: click a place").format(channel=channel),
                    _("Map of channel {channel} with the unit framed").format(channel=channel),
                )
            ],
            key="predict.maps.close",
            side=CLOSE_UP_SIDE,
            on_pick=lambda _index, position: _choose_unit(maps, channel, unit, position),
            places=True,
        )
    with right:
        words = _field_sentence(map_layer, full, visible, size)
        picture_grid(
            [
                GridItem(
                    data_url(paint.with_frame(case.network_view, visible, colours.mark, dim=True), 640),
                    _("What the unit sees"),
                    words,
                )
            ],
            key="predict.maps.field",
            side=CLOSE_UP_SIDE,
        )
    st.markdown(_("Its value is **{value:.4g}**. {field}").format(value=float(maps[unit]), field=words))


def _render_inputs(maps: Tensor, unit: Unit) -> None:
    """Render number inputs for the unit, for users without a pointer."""
    names = (_("Channel"), _("Row"), _("Column"))
    keys = [f"predict.unit.{axis}" for axis in range(3)]

    def choose() -> None:
        state.change(unit=".".join(str(st.session_state[key]) for key in keys))

    with st.container(horizontal=True, width=3 * INPUT_WIDTH, gap="xsmall", key="predict-unit"):
        for name, key, value, count in zip(names, keys, unit, maps.shape, strict=True):
            st.session_state[key] = value
            st.number_input(name, min_value=0, max_value=count - 1, key=key, on_change=choose)


def _field_sentence(map_layer: MapLayer, full: Window, visible: Window | None, size: int) -> str:
    layer = map_layer.layer
    if layer.field is None:
        if layer.sees_whole_image:
            return _("It depends on the whole picture.")
        return _("What it sees is not known: {why}.").format(why=plain("; ".join(layer.notes)))
    if visible is None:
        return _("It sees only padding.")
    fill = partial(
        str.format, rows=full.size[0], columns=full.size[1], height=visible.size[0], width=visible.size[1], size=size,
        top=visible.top, bottom=visible.bottom, left=visible.left, right=visible.right,
    )  # fmt: skip
    if visible == full:
        return fill(_("It sees {rows} × {columns} pixels: rows {top} to {bottom}, columns {left} to {right}."))
    if max(full.size) > size:
        return fill(
            _(
                "Its field, {rows} × {columns} pixels, is larger than the picture of {size} × "
                "{size}; {height} × {width} of them lie on it, the rest is padding."
            )
        )
    return fill(
        _(
            "Its field, {rows} × {columns} pixels, is cut off at the border: rows {top} to {bottom}, "
            "columns {left} to {right}; the rest is padding."
        )
    )
