"""The real runner, whose jobs have a worker that needs no torch: ``python -m tests.unit.light``."""

import sys
import time
from pathlib import Path

from explorer.jobs import local, processes, runner
from explorer.jobs.run_directory import RunDirectory

SECONDS = 0.3


def work(folder: Path) -> None:
    """Seem to train; the log has when it began and ended."""
    begin = time.time()
    time.sleep(SECONDS)
    with (folder / "worked.txt").open("a") as file:
        file.write(f"{begin} {time.time()}\n")
    RunDirectory(folder).end("finished", result={"top1": 1.0})


if __name__ == "__main__":
    if sys.argv[1:]:
        work(Path(sys.argv[1]))
    else:
        local.SUPERVISOR = "tests.unit.light_supervisor"
        processes.MODULES = ("tests.unit.light",)
        sys.exit(runner.main())
