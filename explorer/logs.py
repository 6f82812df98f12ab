"""Log lines: as text for people, or with ``EXPLORER_LOG_FORMAT=json`` one JSON object a line for programs.

No line holds a password, or the path of an upload beyond its name.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from explorer import monitoring
from explorer.settings import settings

EVENTS = "explorer.events"
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_FIELDS = "explorer_fields"
_PASSWORD = re.compile(r"(\w[\w+.-]*://[^\s:/@]*:)[^\s@]+@")
_SECRET = re.compile(
    r"(?i)\b((?:password|passwd|pgpassword|secret|token|cookie_secret|client_secret)\b['\"]?\s*[=:]\s*)\S+"
)
_DRAFT = re.compile(r"[^\s'\"]*/explorer-[\w-]+/")  # temporary folders of uploaded checkpoints
_events = logging.getLogger(EVENTS)


def event(name: str, /, **fields: Any) -> None:
    """Logs an event.

    Args:
        name: Name of the event, such as ``job started``. Equal events have the same name.
        fields: Details of the event, as JSON-ready values. None and empty values are left out.
    """
    given = {key: value for key, value in fields.items() if value not in (None, "")}
    monitoring.record("event", label=name)
    words = " ".join(f"{key}={value}" for key, value in given.items())
    _events.info("%s", f"{name} {words}".strip(), extra={_FIELDS: (name, given)})


def cleaned(text: str) -> str:
    """Returns text without passwords and without the folders of uploads."""
    text = _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1***@", text))
    return _DRAFT.sub("", text.replace(f"{settings().data_dir / 'uploads'}/", ""))


class TextFormatter(logging.Formatter):
    """Lines for people. An error has its traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the text of a record."""
        return cleaned(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``process``, ``pid``, ``event`` and its fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line of a record. A traceback is one field."""
        name, fields = getattr(record, _FIELDS, (record.getMessage(), {}))
        line = fields | {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": self._process,
            "pid": record.process,
            "event": name,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({key: _clean(value) for key, value in line.items()}, ensure_ascii=False, default=str)


def formatter(process: str, text: str = TEXT) -> logging.Formatter:
    """Returns the formatter of the settings.

    Args:
        process: Kind of the process: ``app``, ``runner``, ``supervisor`` or ``command``.
        text: Format of text lines.
    """
    return JsonFormatter(process) if settings().log_format == "json" else TextFormatter(text)


def configure(process: str, *, text: str = TEXT, stream: TextIO | None = None, events: bool = True) -> None:
    """Sets up the log of this process, unless it is set up already.

    Args:
        process: As for :func:`formatter`.
        text: As for :func:`formatter`.
        stream: Stream for the lines. None for standard error.
        events: Whether events appear in text lines, too.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(process, text))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("explorer").setLevel(settings().log_level)
    if not events and settings().log_format == "text":
        _events.setLevel(logging.WARNING)


def _clean(value: Any) -> Any:
    return cleaned(value) if isinstance(value, str) else value
