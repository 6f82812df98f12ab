"""The time of the analysis of a module and of an ONNX file, compared with that of a spec and with ``onnx.load``.

    python -m benchmarks.any_network [--rounds 9]

The module is ResNet-50, analysed as by a user (``explorer.analyse``); the spec is the same network without caches. The
module exists already, while the spec's analysis builds its network. The ONNX file is ResNet-50 with 25.6 M parameters:

* ``onnx.load``: the call alone, in a process that has onnx already
* read: our reading process, with its limits, from its start to the graph; and the same process where ``onnx.load`` is
  all that it does
* analyse: the graph's analysis in a process that has torch already

It prints medians of processor and wall time in milliseconds, and ratios. The runs alternate. Run it alone on the
machine.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import onnx

from explorer.analysis import analyse
from explorer.analysis.graphs import analyse_graph
from explorer.analysis.modules import analyse_module
from explorer.analysis.summary import clear_caches
from explorer.exports.onnx_model import onnx_model
from explorer.families import resolve
from explorer.families.building import build
from explorer.graphs import read

NAME = "resnet50"
LOAD = "import onnx, sys; onnx.load(sys.argv[1])"


def processor_time() -> float:
    """Returns the seconds of this thread and of all processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.thread_time() + children.ru_utime + children.ru_stime


def measure(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Returns the medians of processor time and wall time of each run in milliseconds, with its processes."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for position in range(rounds + 1):
        for name, run in runs.items():
            start, before = time.perf_counter(), processor_time()
            run()
            used, wall = processor_time() - before, time.perf_counter() - start
            if position:  # the first round fills the caches of the system
                times[name].append((used * 1e3, wall * 1e3))
    return {
        name: (median(used), median(wall)) for name, found in times.items() for used, wall in [zip(*found, strict=True)]
    }


def analyse_spec() -> None:
    clear_caches()
    analyse(resolve(NAME))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    module = build(resolve(NAME))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{NAME}.onnx")
        path.write_bytes(onnx_model(resolve(NAME)))
        graph = read(path)
        found = measure(
            {
                "spec": analyse_spec,
                "module": lambda: analyse_module(module),
                "onnx.load": lambda: onnx.load(path),
                "process with onnx.load": lambda: subprocess.run([sys.executable, "-c", LOAD, str(path)], check=True),
                "read": lambda: read(path),
                "analyse": lambda: analyse_graph(graph),
                "read and analyse": lambda: analyse_graph(read(path)),
            },
            arguments.rounds,
        )
    print(f"{'':24}{'processor':>10}{'wall':>10}")
    for name, times in found.items():
        print(f"{name:24}{times[0]:10.1f}{times[1]:10.1f}")
    for one, other in (
        ("module", "spec"),
        ("read and analyse", "onnx.load"),
        ("read and analyse", "process with onnx.load"),
    ):
        ratios = [found[one][kind] / found[other][kind] for kind in (0, 1)]
        print(f"{one} / {other}: {ratios[0]:.2f} of processor time, {ratios[1]:.2f} of wall time")


if __name__ == "__main__":
    main()
