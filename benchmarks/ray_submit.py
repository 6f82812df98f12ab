"""Time from a submission to the first step on a warm Ray cluster, beside an empty script by ``ray job submit``.

``python -m benchmarks.ray_submit [--rounds N]`` starts a cluster of two nodes on this machine, and then takes turns:

- ``ray job submit -- python -c pass``, from its start until it has returned: Ray's own way for a script that does
  nothing;
- a job of the explorer, from the call that submits it until the live numbers of its first step are in the store.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.ray_backend import RayBackend, RaySlots
from explorer.jobs.runner import POLL, Runner
from explorer.jobs.store import Status, store
from explorer.recipes import Recipe
from explorer.settings import settings
from tests.helpers.ray_nodes import local_nodes


def bare(address: str) -> float:
    """Seconds of an empty script by Ray's command line."""
    ray = Path(sys.executable).with_name("ray")
    begin = time.monotonic()
    command = [str(ray), "job", "submit", "--address", address, "--", sys.executable, "-c", "pass"]
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - begin


def first_step(runner: Runner) -> float:
    """Seconds until the first step of a job."""
    job = Job.new(resolve("digits-cnn"), "digits", Recipe(epochs=1), Resources(device="cpu", threads=1))
    begin = time.monotonic()
    (record,) = service.submit([job])
    while (
        not (store().get(record.id).live or {}).get("batches") and store().get(record.id).status is not Status.FINISHED
    ):
        runner.step()
        time.sleep(POLL)
    seconds = time.monotonic() - begin
    while store().get(record.id).status is not Status.FINISHED:
        runner.step()
        time.sleep(POLL)
    return seconds


def main(rounds: int) -> None:
    """Print the medians of both."""
    with tempfile.TemporaryDirectory() as folder, local_nodes(2) as nodes:
        os.environ.update(
            EXPLORER_BACKEND="ray", EXPLORER_RAY_ADDRESS=nodes.address, EXPLORER_RUNS_DIR=str(Path(folder) / "runs")
        )
        settings.cache_clear()
        service.ensure_runner = lambda: None  # this process is the runner
        backend = RayBackend()
        runner = Runner(store(), backend, RaySlots(backend, 1))
        bare(nodes.address), first_step(runner)  # the cluster is warm from here on
        times = [(bare(nodes.address), first_step(runner)) for _round in range(rounds)]
        backend.close()
    for name, found in zip(("ray job submit of an empty script", "first step"), zip(*times, strict=True), strict=True):
        print(f"{name:34} {statistics.median(found):5.1f} s  (" + ", ".join(f"{each:.1f}" for each in found) + ")")
    ratios = [ours / theirs for theirs, ours in times]
    print(f"{'ratio':34} {statistics.median(ratios):5.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args().rounds)
