"""Launcher: ``streamlit run streamlit_app.py``.

The pages' script is explorer/main.py, so that the folder pages/ does not lie beside the script that calls
``st.navigation``: there the first deep link after a start would run a page without it.
"""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from explorer.ui.hosts import HostGuard, announce
from explorer.ui.upload_limit import UploadLimit


def warm() -> None:
    """Import torch and torchvision and analyse one network, so that nobody waits for it; then see to the jobs."""
    import gc

    from explorer.analysis import analyse
    from explorer.families import resolve
    from explorer.families.torchvision.network import names
    from explorer.jobs import service

    analyse(resolve("vgg16"))
    names()
    gc.collect()
    gc.freeze()  # what the imports left behind never becomes garbage: keep it out of every collection
    service.wake()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Warm up beside the server, which answers meanwhile."""
    announce()
    threading.Thread(target=warm, name="warm", daemon=True).start()
    yield


app = st.App("explorer/main.py", lifespan=lifespan, middleware=[Middleware(HostGuard), Middleware(UploadLimit)])
