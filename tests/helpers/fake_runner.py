"""Stub of the runner: it holds the runner's lock until a file ``leave`` appears."""

import os
import time

from filelock import FileLock, Timeout

from explorer.settings import settings

if __name__ == "__main__":
    runs = settings().runs_dir
    try:
        with FileLock(runs / "store.db.runner.lock").acquire(timeout=1):
            (runs / f"works-{os.getpid()}").touch()
            while not (runs / "leave").exists():
                time.sleep(0.02)
    except Timeout:
        pass
    (runs / f"ended-{os.getpid()}").touch()
