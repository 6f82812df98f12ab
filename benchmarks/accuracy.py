"""Accuracies of trained networks: the table of the README, from runs that anybody can repeat.

    python -m benchmarks.accuracy [NAME …]      train the unfinished runs, and print the table
    python -m benchmarks.accuracy --table       print the table of the finished runs

The data are in ``EXPLORER_TEST_DATA``: CIFAR-10 re-encoded as JPEG, with accuracies some points below those on the
original images, and 10,000 MNIST digits, 2,000 of them as the test set. The runs are in ``EXPLORER_RUNS_DIR``. An
interrupted run continues. The long ones take almost an hour each on two cores.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from explorer.cli.print_train import LAST_METRIC, epoch_line
from explorer.families import resolve
from explorer.jobs.job import Job, Resources
from explorer.jobs.launch import worker_command
from explorer.jobs.run_directory import RunDirectory
from explorer.recipes import resolve as resolve_recipe
from explorer.settings import settings
from explorer.workers.subprocess_runner import ROOT

CIFAR, MNIST = "cifar10-jpeg.zip", "mnist10k.npz"
HOMEWORK_MNIST: dict[str, Any] = {"batch_size": 64, "augment": [], "mean": [0.1307], "std": [0.3081]}
PERMUTED = HOMEWORK_MNIST | {"augment": ["permute_pixels"]}


class Run(NamedTuple):
    """One line of the table.

    Attributes:
        spec: Name of the network.
        data: Name of the data set, or of a file in the data folder.
        recipe: Name of the recipe.
        changes: Changes to the recipe.
        reference: Accuracy in the notes that the recipe is from, on the original images.
    """

    spec: str
    data: str
    recipe: str
    changes: dict[str, Any]
    reference: str = ""


RUNS = {
    "digits-quick": Run("digits-cnn", "digits", "quick", {}),
    "vgg16-r0": Run("vgg16-cifar10", CIFAR, "r0", {}, "75.5 / 93.2"),
    "vgg16-default": Run("vgg16-cifar10", CIFAR, "default", {"epochs": 50}),
    "vgg11-r3": Run("vgg11-bn-cifar10", CIFAR, "r3", {"epochs": 3}),
    "cnn-r3": Run("cnn-cifar10", CIFAR, "r3", {"batch_size": 64, "augment": []}, "about 62"),
    "mnist-fc": Run("mnist-fc", MNIST, "r3", HOMEWORK_MNIST),
    "mnist-cnn": Run("mnist-cnn", MNIST, "r3", HOMEWORK_MNIST),
    "mnist-fc-permuted": Run("mnist-fc", MNIST, "r3", PERMUTED),
    "mnist-cnn-permuted": Run("mnist-cnn", MNIST, "r3", PERMUTED),
}


def directory(name: str) -> RunDirectory:
    """Returns the run directory of a run of this benchmark."""
    return RunDirectory(settings().runs_dir / f"accuracy-{name}")


def job(name: str, data: Path, threads: int | None) -> Job:
    """Returns the job of a run."""
    run = RUNS[name]
    dataset = run.data if run.data == "digits" else str(data / run.data)
    recipe = resolve_recipe(run.recipe).changed(**run.changes)
    return Job.new(resolve(run.spec), dataset, recipe, Resources(threads=threads), name)


def train(name: str, data: Path, threads: int | None) -> None:
    """Starts or continues a run that has not finished. It bypasses the queue, so that several may run at once."""
    place = directory(name)
    if (place.read_end() or {}).get("status") == "finished":
        return
    if not place.folder.exists():
        job(name, data, threads).write(place.folder)
    printed = len(epochs(place))
    with place.log.open("ab") as log:
        worker = subprocess.Popen(worker_command(place.folder), cwd=ROOT, stdout=log, stderr=log)
        try:
            while worker.poll() is None:
                time.sleep(1)
                done = epochs(place)
                for epoch in sorted(done)[printed:]:
                    print(f"{name}: {epoch_line(int(epoch), done[epoch])}", file=sys.stderr)
                printed = len(done)
        except KeyboardInterrupt:  # the worker gets it too, and writes a checkpoint
            worker.wait()
            sys.exit(1)
    if worker.returncode:
        print(f"{name}: {(place.read_end() or {}).get('error')}; see {place.log}", file=sys.stderr)


def epochs(place: RunDirectory) -> dict[float, dict[str, float]]:
    """Returns the metrics of all finished epochs."""
    metrics: dict[float, dict[str, float]] = {}
    for row in place.rows():
        metrics.setdefault(row.epoch, {})[row.name] = row.value
    return {epoch: numbers for epoch, numbers in metrics.items() if LAST_METRIC in numbers}


def line(name: str) -> str | None:
    """Returns a line of the table. None for a run that has not finished."""
    place = directory(name)
    end = place.read_end()
    if end is None or end["status"] != "finished":
        return None
    run, result, recipe = RUNS[name], end["result"], Job.read(place.folder).recipe
    seconds = sum(row.value for row in place.rows() if row.name == "time/seconds")
    data = f"{run.data}, permuted" if "permute_pixels" in run.changes.get("augment", []) else run.data
    return (
        f"| {run.spec} | {data} | {run.recipe} | {recipe.epochs} | {result['top1']:.2%} | {result['topk']['3']:.2%} | "
        f"{run.reference} | {seconds:,.0f} s | `python -m benchmarks.accuracy {name}` |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="accuracies of trained networks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RUNS))
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--threads", type=int, help="of each run, for several side by side")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - RUNS.keys():
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(RUNS)}")
    if not arguments.table:
        data = os.environ.get("EXPLORER_TEST_DATA") or sys.exit("EXPLORER_TEST_DATA must name the folder of the data")
        for name in arguments.names or RUNS:
            train(name, Path(data).resolve(), arguments.threads)
    print("| network | data | recipe | epochs | top-1 | top-3 | reference | training | command |")
    print("|---|---|---|---:|---:|---:|---|---:|---|")
    print("\n".join(filter(None, map(line, arguments.names or RUNS))))


if __name__ == "__main__":
    main()
