"""A backend that runs jobs in the process of the test, because importing torch in another process takes seconds."""

from collections.abc import Callable
from pathlib import Path

from explorer.jobs.run_directory import RunDirectory


class InlineBackend:
    """Runs each job inside the call that submits it."""

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
