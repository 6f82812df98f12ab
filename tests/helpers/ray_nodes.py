"""A Ray cluster of three nodes on this machine, without the parts that no test needs."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.helpers.documents import ROOT
from tests.helpers.ports import free_port

PATIENCE = 300  # seconds
SIGN = "nodes: "  # begins the lines that are for us: Ray prints others
MODULES = "JobHead,NodeHead,ReportHead,StateHead"  # of the dashboard: jobs, and the nodes with their resources
LISTEN = "dashboard_agent_listen_port"
AGENT = "--dashboard_agent_command="
# Jobs go through the agent of the head. In place of that of another node, this waits for the end of the node.
NO_AGENT = f'{AGENT}sh -c "exec tail -f /dev/null --pid $PPID"'
MEMORY = 78_643_200  # bytes of each object store, the least that Ray takes
# Ray reads these when its processes start. It would give its workers the lowest priority and start some in advance.
VARIABLES = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # it would end jobs if other programs fill the memory
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": str(PATIENCE),
    "RAY_DASHBOARD_SUBPROCESS_MODULE_WAIT_READY_TIMEOUT": str(PATIENCE),
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "1000",
    "RAY_TRAIN_ENABLE_CONTROLLER_STRUCTURED_LOGGING": "0",
}


class _Nodes:
    """Nodes as processes of this machine; the first is the head."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster()
        self._count = count
        self.head = self._add_head()
        self.workers: list[Any] = []
        self.complete()

    @property
    def address(self) -> str:
        """Address for the jobs."""
        return f"http://{self.head.webui_url}"

    def _add_head(self, port: int | None = None) -> Any:
        return self._add_node(
            include_dashboard=True, dashboard_port=port or free_port(), include_log_monitor=False, num_cpus=0
        )

    def _add_node(self, **options: Any) -> Any:
        """Start a node without the parts that no test needs."""
        from ray._private import services

        start, ports = services.start_ray_process, _agent_ports()

        def lean(command: list[str], kind: str, *more: Any, **named: Any) -> Any:
            if kind == "dashboard":
                command = [*command, f"--modules-to-load={MODULES}"]
            if kind == "raylet":
                # Without it, a node gives its agent 15 seconds to choose one.
                command = [*command, f"--{LISTEN}={ports[LISTEN]}"]
                if "--head" not in command:
                    command = [NO_AGENT if word.startswith(AGENT) else word for word in command]
            return start(command, kind, *more, **named)

        with patch.object(services, "start_ray_process", lean):
            return self._cluster.add_node(object_store_memory=MEMORY, **options, **ports)

    def add_worker(self) -> None:
        """Add a node with one CPU."""
        self.workers.append(self._add_node(num_cpus=1, wait=False))

    def complete(self) -> None:
        """Add workers in place of those that were killed, and wait until all nodes have joined."""
        while len(self.workers) < self._count - 1:
            self.add_worker()
        for node in self.workers:
            self._cluster._wait_for_node(node, PATIENCE)

    def kill_worker(self, node_id: str) -> None:
        """Kill a node with its processes, as if its machine lost the power."""
        node = next(node for node in self.workers if node.node_id == node_id)
        self.workers.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)

    def restart_head(self) -> None:
        """Kill head and workers, and start a head that knows nothing, at the same address."""
        port = int(self.head.webui_url.rpartition(":")[2])
        for node in list(self.workers):
            self.kill_worker(node.node_id)
        self._cluster.remove_node(self.head, allow_graceful=False)
        self._cluster.head_node = None
        self.head = self._add_head(port)

    def close(self) -> None:
        """End all nodes."""
        self._cluster.shutdown()


class Nodes:
    """The nodes, in a process of their own, because Ray reads its environment only once in a process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._answer()

    def kill_worker(self, node_id: str) -> None:
        """Kill a node with its processes, as if its machine lost the power."""
        self._do(f"kill_worker {node_id}")

    def add_worker(self) -> None:
        """Add a node with one CPU."""
        self._do("add_worker")

    def complete(self) -> None:
        """Add workers in place of those that were killed, and wait until all nodes have joined."""
        self._do("complete")

    def restart_head(self) -> None:
        """Kill all nodes, and start a head that knows nothing, at the same address."""
        self._do("restart_head")

    def _do(self, command: str) -> None:
        assert self._process.stdin
        print(command, file=self._process.stdin, flush=True)
        assert self._answer() == self.address

    def _answer(self) -> str:
        assert self._process.stdout
        while line := self._process.stdout.readline():
            if line.startswith(SIGN):
                return line.removeprefix(SIGN).strip()
        raise AssertionError("the nodes could not be started")


def _be_patient() -> None:
    """Let a new node have minutes on a busy machine, where Ray gives it 30 seconds."""
    from ray._private import services

    ask: Callable[..., Any] = services.get_node

    def get_node(*arguments: Any) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return ask(*arguments)
            except RuntimeError:
                if time.monotonic() > end:
                    raise

    services.get_node = get_node


def _agent_ports() -> dict[str, Any]:
    """Ports of a node's agents. A node that does not know them gives the agents only 15 seconds to choose."""
    names = (LISTEN, "metrics_agent_port", "metrics_export_port", "runtime_env_agent_port")
    return {name: free_port() for name in names}


@contextmanager
def local_nodes(count: int = 3) -> Iterator[Nodes]:
    """A cluster with a token, which is in the environment."""
    former = dict(os.environ)
    os.environ.update(VARIABLES, RAY_AUTH_TOKEN=secrets.token_hex(16))
    command = [sys.executable, "-m", "tests.helpers.ray_nodes", str(count)]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            yield Nodes(process)
            assert process.stdin
            process.stdin.close()
    finally:
        os.environ.clear()
        os.environ.update(former)


def main(count: int) -> None:
    """Start nodes, and do what the lines on standard input say, until it is closed."""
    _be_patient()
    nodes = _Nodes(count)
    print(f"\n{SIGN}{nodes.address}", flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        getattr(nodes, name)(*arguments)
        print(f"\n{SIGN}{nodes.address}", flush=True)
    nodes.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
