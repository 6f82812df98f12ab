"""Launcher: ``streamlit run streamlit_app.py``.

The script that calls ``st.navigation`` is explorer/main.py because it must not be next to the folder pages/: there, the
first deep link after a start would run a page without that script.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from explorer import logs
from explorer.jobs.exporter import serve
from explorer.settings import settings
from explorer.ui import server_logs, sign_in
from explorer.ui.classroom import api
from explorer.ui.first_paint import FirstPaint
from explorer.ui.hosts import HostGuard, warn_about_refused_names
from explorer.ui.left_sessions import free_left_sessions
from explorer.ui.server_numbers import SessionCollector
from explorer.ui.upload_limit import UploadLimit
from explorer.workers import subprocess_runner

server_logs.configure()


def warm_up() -> None:
    """Import torch and torchvision and analyse two networks, so that no user waits for it. Then wake the job runner."""
    import gc

    from explorer.analysis import analyse
    from explorer.families import resolve
    from explorer.jobs import service

    analyse(resolve("vgg16"))
    analyse(resolve("torchvision:alexnet"))
    gc.collect()
    gc.freeze()  # objects of the imports live forever: exclude them from garbage collection
    gc.set_threshold(10_000)  # an analysis makes so many objects: collecting twelve times in it took a tenth of an edit
    service.ensure_runner()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Warm up in a thread, while the server already answers. At the end, end the processes of this one."""
    warn_about_refused_names()
    sign_in.install()
    sign_in.warn_about_settings()
    close_metrics = serve(settings().metrics_port, SessionCollector())
    threading.Thread(target=warm_up, name="warm", daemon=True).start()
    freeing = asyncio.create_task(free_left_sessions())
    logs.event("app started")
    yield
    freeing.cancel()
    close_metrics()
    subprocess_runner.end_all()
    logs.event("app ended")


app = st.App(
    "explorer/main.py",
    lifespan=lifespan,
    routes=api.routes(),
    middleware=[Middleware(HostGuard), Middleware(UploadLimit), Middleware(FirstPaint)],
)
