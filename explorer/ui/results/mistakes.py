"""Images that were taken for another class, the surest mistakes first."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer.i18n import _
from explorer.ui.text import plain

PAGE = 24  # images


def draw(found: Sequence[dict[str, Any]], *, key: str) -> None:
    """The pictures with what they were taken for.

    Args:
        found: as :func:`explorer.training.mistakes.told` has them.
        key: of the choice of a class.
    """
    if not found:
        st.success(_("Every image was classified rightly."), icon=":material/check:")
        return
    truths = sorted({mistake["truth"] for mistake in found})
    every = _("All classes")
    wanted = st.selectbox(
        _("True class"), [None, *truths], format_func=lambda name: every if name is None else name, key=key, width=260
    )
    chosen = sorted(
        (mistake for mistake in found if wanted in (None, mistake["truth"])),
        key=lambda mistake: -mistake["probability"],
    )
    if len(chosen) > PAGE:
        st.caption(_("The {shown} surest of {count:,} mistakes that were kept.").format(shown=PAGE, count=len(chosen)))
    with st.container(horizontal=True, gap="small", key=f"{key}-pictures"):
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
