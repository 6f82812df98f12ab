"""The filters of the first layer, as pictures."""

import streamlit as st

from explorer.i18n import _, ngettext
from explorer.prediction.maps import filters, weights_to_pixels
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.picture_grid import GridItem, picture_grid
from explorer.ui.predict.reason import Case, note_shuffled_pixels
from explorer.ui.shared.text import plain

MAX_FILTERS = 256


def render(case: Case) -> None:
    """Render the filters of the first layer."""
    first_layer = filters(case.network)
    count, channels, rows, columns = first_layer.weights.shape
    scales = {"each": _("Each filter by itself"), "all": _("All alike")}
    scale = st.segmented_control(
        _("Brightness"), list(scales), format_func=scales.__getitem__, default="each", key="predict.filters.scale",
        required=True,
    )  # fmt: skip
    st.caption(
        _(
            "Shows what the first layer, {layer}, looks for in the normalised pixels; it doesn't show how much of it "
            "this picture has, nor what later layers make of it."
        ).format(layer=plain(first_layer.layer))
    )
    weights = first_layer.weights[:MAX_FILTERS]
    all_pixels = weights_to_pixels(weights, each=scale == "each")
    shown = [
        GridItem(
            data_url(pixels if channels == 3 else pixels[:1], 128),
            _("{index}").format(index=index),
            _("Filter {index}: weights from {least:.2g} to {most:.2g}").format(
                index=index, least=float(weight.min()), most=float(weight.max())
            ),
        )
        for index, (pixels, weight) in enumerate(zip(all_pixels, weights, strict=True))
    ]
    picture_grid(shown, key="predict.filters", side=72)
    words = (
        ngettext(
            "{count:,} filter of {rows} × {columns} pixels in red, green and blue. Middle grey is a weight of zero.",
            "{count:,} filters of {rows} × {columns} pixels in red, green and blue. Middle grey is a weight of zero.",
            count,
        )
        if channels == 3
        else ngettext(
            "{count:,} filter of {rows} × {columns} pixels. Middle grey is a weight of zero, white adds, black takes "
            "away.",
            "{count:,} filters of {rows} × {columns} pixels. Middle grey is a weight of zero, white adds, black takes "
            "away.",
            count,
        )
    )
    st.caption(words.format(count=count, rows=rows, columns=columns))
    if count > MAX_FILTERS:
        st.caption(_("The first {count} are shown.").format(count=MAX_FILTERS))
    note_shuffled_pixels(case)
