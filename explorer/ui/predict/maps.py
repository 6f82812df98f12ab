"""Feature maps of a layer, and what the unit that was clicked sees."""

from functools import partial
from math import floor, log10

import streamlit as st
from torch import Tensor

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.prediction.hooks import MapLayer
from explorer.prediction.maps import Window, channel_strengths, feature_maps, to_unit_range, window
from explorer.ui.predict import paint, state
from explorer.ui.predict.encoded import address
from explorer.ui.predict.pictures import Place as Pointed
from explorer.ui.predict.pictures import Shown, pictures
from explorer.ui.predict.reason import Case, choose_layer, computed, shuffled
from explorer.ui.predict.view import Order
from explorer.ui.shared.text import plain

PAGE = 48  # channels
SIDE = 72
CLOSE = 300
NUMBER = 140  # pixels of an input, where there is room
Unit = tuple[int, int, int]


def render(case: Case) -> None:
    """The grid of channels, and the unit that was chosen."""
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
            _("Order"), list(orders), format_func=orders.__getitem__, key=state.VIEW + "order",
            persist_state="page", required=True,
        )  # fmt: skip
        scale = st.segmented_control(
            _("Brightness"), list(scales), format_func=scales.__getitem__, default="each", key="predict.maps.scale",
            required=True,
        )  # fmt: skip
    maps = computed(case, ("maps", map_layer.layer.name), lambda: feature_maps(case.network, map_layer, case.seen))
    st.caption(
        _(
            "Shows what each channel of {layer} answers to this picture, place by place; not whether the class depends "
            "on it. Click a place to see which pixels it comes from."
        ).format(layer=plain(map_layer.layer.name))
    )
    strong = channel_strengths(maps)
    order = state.asking().read_widgets().order
    channels = strong.argsort(descending=True, stable=True).tolist() if order == "strength" else list(range(len(maps)))
    unit, decimals = _unit(maps, strong), _decimals(float(strong.max()))
    shown = _page(channels, unit[0], f"predict.maps.page.{map_layer.layer.name}.{order}")
    levels = to_unit_range(maps, each=scale == "each")
    pictures(
        [
            Shown(
                address(paint.heat(levels[channel]), SIDE),
                _("{channel}: {strength:.{decimals}f}").format(
                    channel=channel, strength=float(strong[channel]), decimals=decimals
                ),
                _("Channel {channel}, mean strength {strength:.2g}, values from {least:.2g} to {most:.2g}").format(
                    channel=channel, strength=float(strong[channel]), least=float(maps[channel].min()),
                    most=float(maps[channel].max()),
                ),
            )
            for channel in shown
        ],
        key="predict.maps.grid",
        chosen=shown.index(unit[0]) if unit[0] in shown else None,
        side=SIDE,
        on_pick=lambda at, pointed: _pick(maps, shown[at], unit, pointed),
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
    shuffled(case)


def _decimals(most: float) -> int:
    """Decimals with which numbers up to this one are written, so that all of them read alike."""
    return min(max(2 - floor(log10(most)), 0), 6) if most > 0 else 0


def _page(channels: list[int], channel: int, key: str) -> list[int]:
    """Channels of the page that the user turned to; of the one with this channel at first."""
    pages = -(-len(channels) // PAGE)
    if pages == 1:
        return channels
    if st.session_state.get(key, pages + 1) > pages:
        st.session_state[key] = channels.index(channel) // PAGE + 1
    page = st.number_input(_("Page, of {count}").format(count=pages), min_value=1, max_value=pages, key=key, width=140)
    return channels[(page - 1) * PAGE : page * PAGE]


def _unit(maps: Tensor, strong: Tensor) -> Unit:
    """The unit of the link; else the strongest of the strongest channel: others may be dead."""
    text = state.asking().view.unit
    if text:
        channel, row, column = map(int, text.split("."))
        if channel < maps.shape[0] and row < maps.shape[1] and column < maps.shape[2]:
            return channel, row, column
        st.warning(_("The layer has no unit {unit}; you see another one.").format(unit=text))
    first = int(strong.argmax())
    return first, *divmod(int(maps[first].abs().argmax()), maps.shape[2])


def _pick(maps: Tensor, channel: int, unit: Unit, pointed: Pointed | None) -> None:
    row, column = unit[1:]
    if pointed:
        row, column = int(pointed[0] * maps.shape[1]), int(pointed[1] * maps.shape[2])
    state.change(unit=f"{channel}.{row}.{column}")


def _close_up(case: Case, map_layer: MapLayer, maps: Tensor, levels: Tensor, unit: Unit) -> None:
    channel, row, column = unit
    field, size = map_layer.layer.field, case.read.shape[-1]
    if field is None:
        whole = Window(0, size - 1, 0, size - 1)
        seen: Window | None = whole
    else:
        whole = window(field, row, column)
        seen = whole.within(size)
    st.subheader(
        _("Channel {channel}, row {row}, column {column}").format(channel=channel, row=row, column=column), anchor=False
    )
    _numbers(maps, unit)
    colours = theme(dark=case.dark)
    left, right = st.columns(2)
    with left:
        pictures(
            [
                Shown(
                    address(
                        paint.framed(
                            paint.heat(levels[channel]), Window(row, row, column, column), colours.mark, dim=False
                        ),
                        640,
                    ),
                    _("Channel {channel}: click a place").format(channel=channel),
                    _("Map of channel {channel} with the unit framed").format(channel=channel),
                )
            ],
            key="predict.maps.close",
            side=CLOSE,
            on_pick=lambda _at, pointed: _pick(maps, channel, unit, pointed),
            places=True,
        )
    with right:
        words = _field(map_layer, whole, seen, size)
        pictures(
            [
                Shown(
                    address(paint.framed(case.read, seen, colours.mark, dim=True), 640), _("What the unit sees"), words
                )
            ],
            key="predict.maps.field",
            side=CLOSE,
        )
    st.markdown(_("Its value is **{value:.4g}**. {field}").format(value=float(maps[unit]), field=words))


def _numbers(maps: Tensor, unit: Unit) -> None:
    """The unit for those who don't point."""
    names = (_("Channel"), _("Row"), _("Column"))
    keys = [f"predict.unit.{axis}" for axis in range(3)]

    def chosen() -> None:
        state.change(unit=".".join(str(st.session_state[key]) for key in keys))

    with st.container(horizontal=True, width=3 * NUMBER, gap="xsmall", key="predict-unit"):
        for name, key, value, count in zip(names, keys, unit, maps.shape, strict=True):
            st.session_state[key] = value
            st.number_input(name, min_value=0, max_value=count - 1, key=key, on_change=chosen)


def _field(map_layer: MapLayer, whole: Window, seen: Window | None, size: int) -> str:
    layer = map_layer.layer
    if layer.field is None:
        if layer.sees_whole_image:
            return _("It depends on the whole picture.")
        return _("What it sees is not known: {why}.").format(why=plain("; ".join(layer.notes)))
    if seen is None:
        return _("It sees padding alone.")
    say = partial(
        str.format, rows=whole.size[0], columns=whole.size[1], height=seen.size[0], width=seen.size[1], size=size,
        top=seen.top, bottom=seen.bottom, left=seen.left, right=seen.right,
    )  # fmt: skip
    if seen == whole:
        return say(_("It sees {rows} × {columns} pixels: rows {top} to {bottom}, columns {left} to {right}."))
    if max(whole.size) > size:
        return say(
            _(
                "Its field, {rows} × {columns} pixels, is larger than the picture of {size} × "
                "{size}; {height} × {width} of them lie on it, the rest is padding."
            )
        )
    return say(
        _(
            "Its field, {rows} × {columns} pixels, is cut off at the border: rows {top} to {bottom}, "
            "columns {left} to {right}; the rest is padding."
        )
    )
