"""Log lines: one JSON object an event, without secrets and without the folders of uploads."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from explorer import logs, monitoring
from explorer.settings import settings

LOGGER = logging.getLogger("explorer.test")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the app would write with JSON logs."""
    monkeypatch.setenv("EXPLORER_LOG_FORMAT", "json")
    settings.cache_clear()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter("app"))
    root = logging.getLogger("explorer")
    root.addHandler(handler)
    loggers = [root, logging.getLogger(logs.EVENTS)]  # commands that ran in this process have made both quieter
    former = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    for logger, level in zip(loggers, former, strict=True):
        logger.setLevel(level)
    settings.cache_clear()


def test_an_event_is_one_line_with_its_fields(lines: io.StringIO) -> None:
    logs.event("upload saved", name="two\nlines.zip", bytes=3, user="")
    [line] = lines.getvalue().splitlines()
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert isinstance(found.pop("pid"), int)
    assert found == {
        "event": "upload saved", "name": "two\nlines.zip", "bytes": 3, "level": "INFO", "logger": logs.EVENTS,
        "process": "app",
    }  # fmt: skip


def test_an_error_with_its_traceback_is_one_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("postgresql+psycopg://lab:hunter2@db/jobs is away")
    except ValueError:
        LOGGER.exception("the store: %s", "password=hunter2 host=db")
    [line] = lines.getvalue().splitlines()
    assert "hunter2" not in line
    found = json.loads(line)
    assert found["level"] == "ERROR"
    assert found["event"] == "the store: password=*** host=db"
    assert "postgresql+psycopg://lab:***@db/jobs" in found["traceback"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_and_no_folder_of_an_upload_is_written(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_LOG_FORMAT", form)
    settings.cache_clear()
    folder = settings().data_dir / "uploads"
    message = (
        f"{folder}/cats-0123456789.zip: damaged; /var/tmp/explorer-k2x_9a/checkpoint too; "
        "https://ann:pa%40ss@host/ token: abc PGPASSWORD=xyz 'client_secret': 's3cret'"
    )
    record = LOGGER.makeRecord(LOGGER.name, logging.WARNING, __file__, 1, "%s", (message,), None)
    written = logs.formatter("app").format(record)
    settings.cache_clear()
    for secret in (str(folder), "k2x_9a", "pa%40ss", "abc", "xyz", "s3cret"):
        assert secret not in written
    for word in ("cats-0123456789.zip: damaged", "checkpoint too", "https://ann:***@host/"):
        assert word in written


def test_events_are_counted_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, float, str]] = []
    monkeypatch.setattr(monitoring, "_listeners", [lambda *number: heard.append(number)])
    logs.event("job deleted", job="a")
    with pytest.raises(KeyError), monitoring.timed("analysis"):
        raise KeyError
    assert heard[0] == ("event", 1.0, "job deleted")
    assert heard[1][0] == "analysis"
    assert heard[1][1] > 0
