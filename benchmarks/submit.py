"""The time from the submission of a job to its first optimizer step, compared with the import of torch.

    python -m benchmarks.submit [--rounds 5]

The queue is idle before each submission, so the runner has had the time to prepare a process. The first step is done
when the loop has counted it. The other import includes torchvision. Run it alone on the machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PREPARATION = 15.0  # seconds in which the runner prepares a process


def seconds_to_first_step() -> float:
    """Submits a job, waits for its first step, and stops it."""
    from explorer.families import resolve
    from explorer.jobs import service
    from explorer.jobs.job import Resources
    from explorer.jobs.make import make_jobs
    from explorer.jobs.store import ACTIVE, store
    from explorer.recipes import resolve as resolve_recipe

    # Live numbers are written once a second, but the end of an epoch at once.
    recipe = resolve_recipe("quick").changed(epochs=2000, batch_size=1293)
    job = make_jobs(resolve("digits-cnn"), "digits", recipe, Resources())
    begin = time.monotonic()
    record = service.submit(job)[0]
    directory = service.directory(record.id)
    while not directory.rows():
        time.sleep(0.005)
    seconds = time.monotonic() - begin
    service.stop(record.id)
    while store().get(record.id).status in ACTIVE:
        time.sleep(0.05)
    return seconds


def seconds_to_import() -> float:
    begin = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch, torchvision"], check=True)
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description="submission to first step")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(EXPLORER_RUNS_DIR=str(Path(folder) / "runs"), EXPLORER_RUNNER_IDLE="60")
        from explorer.jobs import service

        service.ensure_runner()
        steps, imports = [], []
        for _round in range(rounds):
            time.sleep(PREPARATION)
            steps.append(seconds_to_first_step())
            imports.append(seconds_to_import())
    spread = f"{min(steps):.2f} to {max(steps):.2f}"
    print(f"submission to the end of the first epoch, which has one step: {median(steps):.2f} s ({spread})")
    print(f"import torch, torchvision: {median(imports):.2f} s; ratio {median(steps) / median(imports):.2f}")


if __name__ == "__main__":
    main()
