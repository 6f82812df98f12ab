"""The log of the app, with the lines of Streamlit and its web server, which have handlers of their own."""

import logging
from functools import cache

from streamlit import logger as streamlit_logger

from explorer import logs


@cache
def configure() -> None:
    """Set up the log of this process. Further calls change nothing."""
    logs.configure("app")
    streamlit_logger.setup_formatter = _set_up
    for name in list(streamlit_logger._loggers):
        _set_up(streamlit_logger._loggers[name])


def _set_up(logger: logging.Logger) -> None:
    """Give a logger of Streamlit the formatter of the settings. The web server's report only problems."""
    if logger.name.startswith(("uvicorn", "websockets")):
        logger.setLevel(logging.WARNING)
    former = getattr(logger, "streamlit_console_handler", None)
    if former is not None:
        logger.removeHandler(former)
    handler = logging.StreamHandler()
    handler.setFormatter(logs.formatter("app", "%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.streamlit_console_handler = handler  # type: ignore[attr-defined]  # Streamlit's own name for it
    logger.addHandler(handler)
