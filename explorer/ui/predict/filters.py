"""The weights that meet the pixels, as pictures."""

import streamlit as st

from explorer.i18n import _
from explorer.prediction.maps import filters, weights_to_pixels
from explorer.ui.predict.encoded import address
from explorer.ui.predict.pictures import Shown, pictures
from explorer.ui.predict.reason import Case, shuffled
from explorer.ui.shared.text import plain

MOST = 256  # pictures


def render(case: Case) -> None:
    """Filters of the first layer."""
    found = filters(case.network)
    count, channels, rows, columns = found.weights.shape
    each = _scaled(_("Each filter by itself"), _("All alike"), key="predict.filters.scale")
    st.caption(
        _(
            "Shows what the first layer, {layer}, looks for in the normalised pixels; it doesn't show how much of it "
            "this picture has, nor what later layers make of it."
        ).format(layer=plain(found.layer))
    )
    shown = [
        Shown(
            address(pixels if channels == 3 else pixels[:1], 128),
            _("{index}").format(index=index),
            _("Filter {index}: weights from {least:.2g} to {most:.2g}").format(
                index=index, least=float(weight.min()), most=float(weight.max())
            ),
        )
        for index, (pixels, weight) in enumerate(
            zip(weights_to_pixels(found.weights[:MOST], each=each), found.weights, strict=False)
        )
    ]
    pictures(shown, key="predict.filters", side=72)
    words = (
        _("{count:,} filters of {rows} × {columns} pixels in red, green and blue. Middle grey is a weight of zero.")
        if channels == 3
        else _(
            "{count:,} filters of {rows} × {columns} pixels. Middle grey is a weight of zero, white "
            "adds, black takes away."
        )
    )
    st.caption(words.format(count=count, rows=rows, columns=columns))
    if count > MOST:
        st.caption(_("The first {count} are shown.").format(count=MOST))
    shuffled(case)


def _scaled(each: str, alike: str, *, key: str) -> bool:
    chosen = st.segmented_control(
        _("Brightness"), ["each", "all"], format_func={"each": each, "all": alike}.__getitem__, default="each", key=key,
        required=True,
    )  # fmt: skip
    return chosen == "each"
