"""The numbers for Prometheus are scraped over HTTP, and read by Prometheus's own parser."""

import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from explorer import logs, monitoring
from explorer.analysis import analyse
from explorer.analysis.summary import clear_caches
from explorer.families import resolve
from explorer.jobs import exporter
from explorer.jobs.store import Status, Store
from explorer.ui.server_numbers import SessionCollector
from tests.helpers import made_runs
from tests.helpers.ports import free_port

Samples = dict[tuple[str, tuple[str, ...]], float]


def scrape(port: int) -> Samples:
    """Scrape a port; returns each sample by its name and the values of its labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text = response.read().decode()
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


@pytest.fixture
def port(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(monitoring, "_listeners", [])
    number = free_port()
    close = exporter.serve(number, SessionCollector())
    yield number
    close()


def test_numbers_of_the_store_and_of_this_process(jobs: Store, port: int) -> None:
    for status in (Status.QUEUED, Status.QUEUED, Status.FAILED):
        made_runs.add(jobs, "one", status)
    clear_caches()
    for _again in range(2):  # the second analysis comes from the cache
        analyse(resolve("digits-cnn"))
    logs.event("job deleted")
    found = scrape(port)
    assert found["explorer_store_up", ()] == 1
    assert found["explorer_queue_length", ()] == 2
    assert {labels[0]: value for (name, labels), value in found.items() if name == "explorer_jobs"} == {
        status: {"queued": 2, "failed": 1}.get(status, 0) for status in Status
    }
    assert found["explorer_analysis_seconds_count", ()] == 1
    assert 0 < found["explorer_analysis_seconds_sum", ()] < 60
    assert found["explorer_analysis_seconds_bucket", ("+Inf",)] == 1
    assert found["explorer_events_total", ("job deleted",)] == 1
    assert found["explorer_sessions", ()] == 0
    assert found["explorer_memory_bytes", ()] >= found["process_resident_memory_bytes", ()] * 0.9 > 1e7


def test_a_store_that_fails_is_a_number(jobs: Store, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs.path is not None
    jobs.path.unlink()
    jobs.path.mkdir()
    found = scrape(port)
    assert found["explorer_store_up", ()] == 0
    assert ("explorer_queue_length", ()) not in found


def test_a_port_in_use_stops_nothing(jobs: Store, port: int, caplog: pytest.LogCaptureFixture) -> None:
    exporter.serve(port)()
    assert f"no metrics are served: port {port} of 127.0.0.1 can't be opened" in caplog.text
    assert scrape(port)["explorer_store_up", ()] == 1


def test_without_a_port_nothing_listens() -> None:
    listeners = list(monitoring._listeners)
    exporter.serve(0)()
    assert monitoring._listeners == listeners
