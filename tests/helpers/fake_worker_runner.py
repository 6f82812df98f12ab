"""The real runner with a fake worker that needs no torch: ``python -m tests.helpers.fake_worker_runner``."""

import sys
import time
from pathlib import Path

from explorer.jobs.run_directory import RunDirectory

SECONDS = 0.2


def work(folder: Path) -> None:
    """Pretend to train; write the times of begin and end to a file."""
    begin = time.time()
    time.sleep(SECONDS)
    with (folder / "worked.txt").open("a") as file:
        file.write(f"{begin} {time.time()}\n")
    RunDirectory(folder).end("finished", result={"top1": 1.0})


def run() -> int:
    """Run the real runner."""
    from explorer.jobs import local, processes, runner

    local.SUPERVISOR = "tests.helpers.fake_worker_supervisor"
    processes.MODULES = ("tests.helpers.fake_worker_runner",)
    return runner.main()


if __name__ == "__main__":
    if sys.argv[1:]:
        work(Path(sys.argv[1]))
    else:
        sys.exit(run())
