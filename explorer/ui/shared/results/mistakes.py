"""Wrongly classified images, those with the highest confidence first."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.ui.shared.text import plain

MAX_SHOWN = 24
MAX_CHARACTERS = 10_000_000  # of a file
PNG_PREFIX = "data:image/png;base64,"  # required, because Streamlit would open other text as a file or URL


def checked(values: object) -> list[dict[str, Any]]:
    """Return the content of a file, if it is a list of mistakes with their pictures.

    Raises:
        InputError: If it is anything else.
    """
    mistakes: list[Any] = values if isinstance(values, list) else [values]
    for mistake in mistakes:
        if not _is_mistake(mistake):
            raise InputError(_("mistakes: {value} is not a wrong answer with its picture").format(value=shown(mistake)))
    return mistakes


def _is_mistake(value: object) -> bool:
    match value:
        case {"truth": str(), "predicted": str(), "probability": float() | int() as share, "image": str(image)}:
            return image.startswith(PNG_PREFIX) and 0 <= share <= 1
    return False


def render(values: Sequence[dict[str, Any]], *, key: str) -> None:
    """Render the pictures with their true and predicted classes.

    Args:
        values: Output of :func:`explorer.training.mistakes.to_dicts`.
        key: Key of the select box for a class.
    """
    if not values:
        st.success(_("Every image was classified correctly."), icon=":material/check:")
        return
    truths = sorted({mistake["truth"] for mistake in values})
    every = _("All classes")
    true_class = st.selectbox(
        _("True class"), [None, *truths], format_func=lambda name: every if name is None else name, key=key, width=260
    )
    chosen = sorted(
        (mistake for mistake in values if true_class in (None, mistake["truth"])),
        key=lambda mistake: -mistake["probability"],
    )
    if len(chosen) > MAX_SHOWN:
        words = _("The {shown} surest of {count:,} saved mistakes.")
        st.caption(words.format(shown=MAX_SHOWN, count=len(chosen)))
    with st.container(horizontal=True, gap="small", key=f"{key}-pictures"):
        for mistake in chosen[:MAX_SHOWN]:
            description = _("{truth} taken for {predicted}, {probability:.0%}").format(**mistake)
            with st.container(width=104, gap=None):
                st.image(mistake["image"], width=96, alt=description)
                st.caption(
                    _("{truth} → **{predicted}** {probability:.0%}").format(
                        truth=plain(mistake["truth"]),
                        predicted=plain(mistake["predicted"]),
                        probability=mistake["probability"],
                    )
                )
