"""Numbers for Prometheus, on a port of their own: of the store, of this process, and what :mod:`monitoring` records.

The app and the runner are one process each and have a port each, so no numbers of several processes need to be added.
"""

import logging
from collections.abc import Callable, Iterator

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from explorer import monitoring
from explorer.errors import StoreError
from explorer.i18n import _
from explorer.jobs.store import Status, store
from explorer.settings import settings

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # upper bounds of the histogram's buckets

log = logging.getLogger(__name__)


class JobCollector(Collector):
    """Reads the store whenever somebody asks for the numbers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields jobs by status, the length of the queue, and whether the store answers."""
        up = GaugeMetricFamily("explorer_store_up", "1 if the store of the jobs answers, else 0.")
        try:
            counts = store().counts()
        except StoreError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        jobs = GaugeMetricFamily("explorer_jobs", "Jobs in the store by their status.", labels=["status"])
        for status in Status:
            jobs.add_metric([status], counts.get(status, 0))
        yield jobs
        queued = counts.get(Status.QUEUED, 0)
        yield GaugeMetricFamily("explorer_queue_length", "Jobs that wait for a slot.", value=queued)


class TreeCollector(Collector):
    """Memory of this process and all that it has started."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the memory in bytes, and the number of processes."""
        process = psutil.Process()
        resident = []
        for one in (process, *process.children(recursive=True)):
            try:
                resident.append(one.memory_info().rss)
            except psutil.Error:  # it has just ended
                continue
        yield GaugeMetricFamily(
            "explorer_memory_bytes", "Resident memory of this process and those it has started.", value=sum(resident)
        )
        yield GaugeMetricFamily("explorer_processes", "This process and those it has started.", value=len(resident))


def registry(*collectors: Collector) -> CollectorRegistry:
    """Returns all numbers of this process, and makes it record them from now on."""
    made = CollectorRegistry()
    for collector in (JobCollector(), TreeCollector(), *collectors):
        made.register(collector)
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    analysis = Histogram(
        "explorer_analysis_seconds", "Seconds of an analysis that was not cached.", buckets=SECONDS, registry=made
    )
    events = Counter("explorer_events", "Events by their name.", ["event"], registry=made)

    def record(name: str, amount: float, label: str) -> None:
        if name == "analysis":
            analysis.observe(amount)
        elif name == "event":
            events.labels(label).inc(amount)

    monitoring.listen(record)
    return made


def serve(port: int, *collectors: Collector) -> Callable[[], None]:
    """Serves the numbers of this process if there is a port for them. Returns a function that ends this.

    Args:
        port: TCP port. 0 serves nothing.
        collectors: Further numbers.
    """
    if not port:
        return lambda: None
    address = settings().metrics_address
    try:
        server, thread = start_http_server(port, address, registry(*collectors))
    except OSError as error:  # the numbers are less important than the work
        log.error(_("no metrics are served: port %s of %s can't be opened: %s"), port, address, error.strerror or error)
        return lambda: None

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close
