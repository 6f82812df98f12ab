"""Page configuration and navigation: the script that every session runs. streamlit_app.py starts it."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[1]
# Streamlit puts this script's folder first. Its subfolders would shadow packages of the same name.
sys.path[:] = [str(ROOT), *(path for path in sys.path if path not in (str(ROOT), str(ROOT / "explorer")))]

from explorer.i18n import _, choose_language, use_language  # noqa: E402
from explorer.ui import (  # noqa: E402
    browser,
    callbacks,
    hosts,
    language_note,
    page_state,
    presenter,
    responses,
    run_queue,
    server_logs,
    session_messages,
    session_reads,
    sign_in,
)
from explorer.ui.classroom import bar  # noqa: E402
from explorer.ui.shared.text import plain  # noqa: E402

callbacks.install()
responses.install()
run_queue.install()
session_messages.install()
session_reads.install()
sign_in.install()
server_logs.configure()
use_language(choose_language(st.query_params.get("lang"), st.context.locale))

st.set_page_config(
    page_title="CNN Architecture Explorer",
    page_icon=str(ROOT / "explorer" / "ui" / "assets" / "favicon.svg"),
    layout="wide",
)
if not hosts.HostGuard.is_installed:  # started without the launcher: check at least the requests for pages
    headers = st.context.headers
    if reason := hosts.refusal(headers.get_all("Host"), headers.get_all("Origin")):
        st.error(plain(reason), icon=":material/block:")
        st.stop()
pages = ROOT / "pages"
all_pages = [
    st.Page(pages / "start.py", title=_("Start"), icon=":material/home:", default=True),
    st.Page(pages / "learn.py", title=_("Learn"), icon=":material/school:"),
    st.Page(pages / "architecture.py", title=_("Architecture"), icon=":material/schema:"),
    st.Page(pages / "kernels.py", title=_("Kernels"), icon=":material/grid_on:"),
    st.Page(pages / "compare.py", title=_("Compare"), icon=":material/compare_arrows:"),
    st.Page(pages / "train.py", title=_("Train"), icon=":material/model_training:"),
    st.Page(pages / "runs.py", title=_("Runs"), icon=":material/monitoring:"),
    st.Page(pages / "predict.py", title=_("Predict"), icon=":material/image_search:"),
]
page = st.navigation(all_pages, position="top" if sign_in.is_open() else "hidden")
browser.add_scripts()
if not sign_in.render_gate():
    st.stop()
page_state.record_visit(page.url_path)
language_note.render()
sign_in.render_account()
bar.render()
presenter.render([(one.url_path, one.title) for one in all_pages])
page.run()
