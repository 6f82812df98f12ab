"""A PostgreSQL server of Debian's package for tests, on a socket of its own in a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

USER = "explorer"
# What is killed leaves its files to the system, and no test cuts the power.
OPTIONS = (
    "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB",
    "max_connections=80", "autovacuum=off", "logging_collector=off",
)  # fmt: skip


def programs() -> Path | None:
    """The folder of PostgreSQL's programs. None if it is not installed."""
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return folders[-1].parent if folders else None


class Server:
    """A running server, which can be stopped and started again."""

    def __init__(self, folder: Path, binaries: Path, account: dict[str, Any], options: tuple[str, ...]) -> None:
        self.folder = folder
        self._options = options
        self._binaries = binaries
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._engines: dict[str, sa.Engine] = {}

    def url(self, database: str, user: str = USER) -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Execute statements outside of transactions."""
        engine = sa.create_engine(self.url(database), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def new_database(self, template: str = "template0") -> str:
        """Create a database; returns its name."""
        self._count += 1
        name = f"test_{os.getpid()}_{self._count}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def empty(self, database: str) -> None:
        """End what others do in a database with a store, and delete its rows: a new database takes five times as long.

        The number of its version stays, because pages keep what they have read by it.
        """
        if database not in self._engines:
            url = self.url(database)
            self._engines[database] = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with self._engines[database].connect() as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            for statement in (
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}",  # noqa: S608
                "DELETE FROM jobs",  # and with them their metrics
                "DELETE FROM runners",
                "UPDATE counters SET turn = 0, version = version + 1",
            ):
                connection.execute(sa.text(statement))

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        with (self.folder / "log.txt").open("ab") as log:
            options = [word for option in self._options for word in ("-c", option)]
            self._process = subprocess.Popen([*command, *options], stdout=log, stderr=log, **self._account)
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log.txt").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except sa.exc.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop the server at once, in the middle of what others do."""
        assert self._process is not None
        for engine in self._engines.values():
            engine.dispose()
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


@contextmanager
def running(options: tuple[str, ...] = OPTIONS) -> Iterator[Server]:
    """A new server."""
    binaries = programs()
    assert binaries is not None
    account: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if os.getuid() == 0:  # PostgreSQL refuses to work for root
            owner = next(one for one in pwd.getpwall() if one.pw_name in {"postgres", "nobody"})
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        command = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "trust", "--no-sync"]
        subprocess.run(
            [*command, "-E", "UTF8", "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder, **account
        )
        access = folder / "data" / "pg_hba.conf"  # the first line that fits counts
        access.write_text(f"local all guarded scram-sha-256\n{access.read_text()}")
        server = Server(folder, binaries, account, options)
        server.start()
        try:
            yield server
        finally:
            if server.runs:
                server.stop()
