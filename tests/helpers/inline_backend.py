"""A backend that keeps a test in its own process: importing torch in another one takes seconds."""

from collections.abc import Callable
from pathlib import Path

from explorer.jobs.run_directory import RunDirectory


class Here:
    """Runs a job as soon as it is submitted, and is done when that call returns."""

    def __init__(self, run: Callable[[Path], object]) -> None:
        self.run = run

    def submit(self, directory: RunDirectory, ticket: str, _environment: dict[str, str]) -> None:
        assert directory.ticket() == ticket
        directory.write_supervisor((1, 0.0))
        self.run(directory.folder)

    def poll(self, _directory: RunDirectory) -> bool:
        return False

    def cancel(self, _directory: RunDirectory, *, force: bool) -> None:
        raise AssertionError(force)

    def make_ready(self) -> None:
        pass

    def close(self) -> None:
        pass
