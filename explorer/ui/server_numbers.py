"""Numbers of the web server for Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from streamlit import runtime


class SessionCollector(Collector):
    """Counts the sessions, which are the open pages."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the number of sessions that are connected."""
        count = 0
        if runtime.exists():
            count = runtime.get_instance()._session_mgr.num_active_sessions()
        yield GaugeMetricFamily("explorer_sessions", "Open pages that are connected to this server.", value=count)
