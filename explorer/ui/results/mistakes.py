"""Images that were taken for another class, the surest mistakes first."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.ui.shared.text import plain

PAGE = 24  # images
LONGEST = 10_000_000  # characters of a file
PICTURE = "data:image/png;base64,"  # nothing else: Streamlit would open another text as a file, or an address


def checked(found: object) -> list[dict[str, Any]]:
    """What a file holds, where it is mistakes with their pictures.

    Raises:
        InputError: where it is anything else.
    """
    mistakes: list[Any] = found if isinstance(found, list) else [found]
    for mistake in mistakes:
        if not _is_mistake(mistake):
            raise InputError(_("mistakes: {value} is no wrong answer with its picture").format(value=shown(mistake)))
    return mistakes


def _is_mistake(value: object) -> bool:
    match value:
        case {"truth": str(), "predicted": str(), "probability": float() | int() as share, "image": str(image)}:
            return image.startswith(PICTURE) and 0 <= share <= 1
    return False


def render(found: Sequence[dict[str, Any]], *, key: str) -> None:
    """The pictures with what they were taken for.

    Args:
        found: as :func:`explorer.training.mistakes.to_dicts` has them.
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
