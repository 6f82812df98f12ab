"""Files with networks that are dropped anywhere on a page.

The browser hands them to a file uploader that is not shown, so the limits of uploads hold for them too.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer.i18n import _
from explorer.ui.shared.network_files import MAX_UPLOAD

KEY = "network-drop"  # the uploader's place; also a session_state key: number of dropped files
ASSETS = Path(__file__).parents[1] / "assets"

_drop = st.components.v2.component(
    "explorer_network_drop",
    css=(ASSETS / "network_drop.css").read_text(encoding="utf-8"),
    js=(ASSETS / "network_drop.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def drop_area(on_drop: Callable[[UploadedFile], object]) -> None:
    """Take files that are dropped on the page. Call it first, so that the next uploader is there before any message.

    Args:
        on_drop: Called in a callback with each file.
    """
    # Each file has a new uploader, so that the same file can be dropped again.
    key = f"{KEY}.{st.session_state.setdefault(KEY, 0)}"

    def report() -> None:
        file = st.session_state[key]
        st.session_state[KEY] += 1
        if file is not None:
            on_drop(file)

    with st._event:  # where Streamlit lays out nothing
        with st.container(key=f"{KEY}-uploader"):
            st.file_uploader(
                _("A network as an ONNX file"), key=key, on_change=report, max_upload_size=MAX_UPLOAD,
                label_visibility="collapsed",
            )  # fmt: skip
        _drop(key=f"{KEY}-script", data={"words": _("Drop the file to see its network")})
