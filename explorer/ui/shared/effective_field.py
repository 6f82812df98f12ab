"""Figures of effective receptive fields: the gradient by pixel, the theoretical field, and a fitted Gaussian."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from explorer.analysis.effective_field import GaussianFit, effective_pixels, fit_gaussian
from explorer.analysis.result import ReceptiveField
from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.prediction.maps import Window, window
from explorer.specs.size import Size
from explorer.ui.shared.chart_text import readable

HEIGHT = 330
SIGMAS = 2  # standard deviations at which the fitted Gaussian is drawn


class ShownField(NamedTuple):
    """A field to show: its title, its mean absolute and its mean squared gradients, each (height, width)."""

    title: str
    absolute: Tensor
    squared: Tensor


def render(
    fields: Sequence[ShownField], theory: ReceptiveField | None, unit: tuple[int, int], *, squared: bool, dark: bool,
    key: str,
) -> None:  # fmt: skip
    """Render effective fields side by side, each with its numbers.

    Args:
        fields: Fields of one unit under different weights.
        theory: Theoretical field of the layer. None if it is the whole picture, or not known.
        unit: Row and column of the unit.
        squared: Whether the squared gradient is shown instead of the absolute one.
        dark: Whether the page is dark.
        key: Key of the figures.
    """
    size = Size(*fields[0].absolute.shape)
    visible = window(theory, *unit).within(size) if theory else Window(0, size.height - 1, 0, size.width - 1)
    with st.grid(2, min_column_width=300, gap="medium"):
        for number, one in enumerate(fields):
            values = one.squared if squared else one.absolute
            fit = fit_gaussian(values)
            with st.container(gap="xsmall"):
                st.subheader(one.title, anchor=False)
                words = _sentence(values, visible, fit)
                st.plotly_chart(
                    readable(_figure(values, visible, fit, dark=dark)), key=f"{key}.{number}",
                    config={"displayModeBar": False}, alt=words,
                )  # fmt: skip
                st.markdown(words)
    st.caption(
        _(
            "Yellow pixels move the unit most, dark purple ones not at all; each figure has a scale of its own. The "
            "frame is the theoretical field, the ellipse the fitted Gaussian at {sigmas} standard deviations. Pixels "
            "of at least 4.55% of the largest value count as effective."
        ).format(sigmas=SIGMAS)
    )


def _sentence(values: Tensor, visible: Window | None, fit: GaussianFit | None) -> str:
    pixels = effective_pixels(values)
    if not pixels:
        return _("No pixel moves it: the gradient is zero everywhere.")
    rows, columns = visible.size if visible else (0, 0)
    parts = [
        _("**{pixels:,} pixels** are effective, as many as in a square of {side:.1f} × {side:.1f}.").format(
            pixels=pixels, side=pixels**0.5
        )
    ]
    if rows and columns:
        parts.append(
            _("That is **{share:.0%}** of the {rows} × {columns} that it can see.").format(
                share=pixels / (rows * columns), rows=rows, columns=columns
            )
        )
    parts.append(
        _("Gaussian: standard deviation {rows:.1f} × {columns:.1f} pixels, explains {share:.0%}.").format(
            rows=fit.sigma[0], columns=fit.sigma[1], share=max(0.0, fit.r2)
        )
        if fit
        else _("No Gaussian fits it.")
    )
    return " ".join(parts)


def _figure(values: Tensor, visible: Window | None, fit: GaussianFit | None, *, dark: bool) -> go.Figure:
    colours = theme(dark=dark)
    most = float(values.max()) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=(values / most).tolist(), colorscale="Viridis", zmin=0, zmax=1, showscale=False,
            hovertemplate=_("row %{y}, column %{x}: %{z:.1%} of the largest<extra></extra>"),
        )
    )  # fmt: skip
    if visible:
        figure.add_shape(
            type="rect", x0=visible.left - 0.5, x1=visible.right + 0.5, y0=visible.top - 0.5, y1=visible.bottom + 0.5,
            line={"color": colours.mark, "width": 2},
        )  # fmt: skip
    if fit:
        (row, column), (down, across) = fit.centre, fit.sigma
        figure.add_shape(
            type="circle", x0=column - SIGMAS * across, x1=column + SIGMAS * across, y0=row - SIGMAS * down,
            y1=row + SIGMAS * down, line={"color": "#FFFFFF", "width": 2, "dash": "dot"},
        )  # fmt: skip
    height, width = values.shape
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        xaxis={"range": [-0.5, width - 0.5], "constrain": "domain", "showgrid": False, "nticks": 6},
        yaxis={
            "range": [height - 0.5, -0.5],
            "scaleanchor": "x",
            "constrain": "domain",
            "showgrid": False,
            "nticks": 6,
        },
    )
    return figure
