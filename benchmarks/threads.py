"""Training speed with one thread and with several, alone on the machine and with other processes.

    python -m benchmarks.threads [--rounds 3] [--seconds 3] [--others 0]

* one: one thread
* active: one thread for each core, which keeps its core busy while it waits, as is OpenMP's default
* passive: one thread for each core, which sleeps while it waits, as in the product (``explorer/__init__.py``)

They run alternately, each in its own process. ``--others`` is the number of other busy processes. The speeds are images
per second: the median over windows of a tenth of a second, and the fastest tenth of them, which is the best estimate
for an idle machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

TASKS = (("digits-cnn", "quick"), ("mnist-cnn", "r3-mnist"), ("vgg16-cifar10", "r0"), ("resnet20", "r1"))
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
KINDS = {"one": (1, "PASSIVE"), "active": (CORES, "ACTIVE"), "passive": (CORES, "PASSIVE")}
WINDOW = 0.1  # seconds


def steps(name: str, recipe_name: str, threads: int, seconds: float) -> None:
    """Prints the images per second of each window as JSON."""
    import torch

    from explorer.families import resolve
    from explorer.jobs.job import Job, Resources
    from explorer.recipes import resolve as resolve_recipe
    from explorer.recipes.recipe import MAX_EPOCHS
    from explorer.training.dry_run import forward_macs
    from explorer.training.loop import step
    from explorer.training.setup import prepare
    from explorer.training.throughput import synthetic_dataset

    spec, recipe = resolve(name), resolve_recipe(recipe_name).changed(epochs=MAX_EPOCHS)
    job = Job.new(spec, "", recipe, Resources(device="cpu", threads=threads))
    training = prepare(job, synthetic_dataset(spec, recipe.batch_size)).training
    torch.set_flush_denormal(True)
    batch = next(iter(training.batches.epoch(0)))
    training.network.train()
    step(training, batch)
    windows, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin, images = time.perf_counter(), 0
        while time.perf_counter() < begin + WINDOW:
            step(training, batch)
            images += batch.total
        windows.append(images / (time.perf_counter() - begin))
    print(json.dumps({"macs": forward_macs(spec) * recipe.batch_size, "windows": windows}))


def main() -> None:
    parser = argparse.ArgumentParser(description="threads of a training, alone and beside other work")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--others", type=int, default=0)
    parser.add_argument("--child", nargs=3, default=None)
    arguments = parser.parse_args()
    if arguments.child:
        name, recipe, threads = arguments.child
        steps(name, recipe, int(threads), arguments.seconds)
        return
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _other in range(arguments.others)]
    print("| network, batch | MACs of a batch | one | active | passive | one, best | active, best | passive, best |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    try:
        for name, recipe in TASKS:
            windows: dict[str, list[float]] = {kind: [] for kind in KINDS}
            macs = 0
            for _round in range(arguments.rounds):
                for kind, (threads, policy) in KINDS.items():
                    output = subprocess.run(
                        [sys.executable, "-m", "benchmarks.threads", "--seconds", str(arguments.seconds),
                         "--child", name, recipe, str(threads)],
                        env=os.environ | {"OMP_WAIT_POLICY": policy}, check=True, capture_output=True, text=True,
                    ).stdout  # fmt: skip
                    result = json.loads(output)
                    macs = result["macs"]
                    windows[kind] += result["windows"]
            middle = [statistics.median(values) for values in windows.values()]
            best = [sorted(values)[-(len(values) // 10) - 1] for values in windows.values()]
            print(
                f"| {name}, {recipe} | {macs / 1e6:,.0f} M | " + " | ".join(f"{v:,.0f}" for v in middle + best) + " |",
                flush=True,
            )
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
