"""The tables of the store: those of every released version are upgraded, and those of others are refused."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from explorer.errors import StoreError
from explorer.families import NamedNetwork
from explorer.jobs import schema
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import Row
from explorer.jobs.store import Status, Store
from explorer.jobs.tables import COUNTERS, HEAD, METADATA, VERSION
from explorer.recipes import Recipe
from tests.helpers.stores import SPEC, add_jobs, reopened

RELEASED = Path(__file__).parent / "released_stores"  # dumps of stores as each released version wrote them


def released(name: str, folder: Path) -> Store:
    """Opens a store of a released version, in which a job had finished and another waited."""
    with sqlite3.connect(folder / "store.db") as file:
        file.executescript((RELEASED / f"{name}.sql").read_text(encoding="utf-8"))
    file.close()
    return Store(f"sqlite:///{folder / 'store.db'}")


@pytest.mark.parametrize("name", ["jobs", "points", "submitted_network"])
def test_a_store_of_every_released_version_is_opened(name: str, tmp_path: Path) -> None:
    found = released(name, tmp_path)
    finished, waiting = found.records()
    assert (finished.status, waiting.status) == (Status.FINISHED, Status.QUEUED)
    assert found.rows(finished.id)[-1] == Row(2, "validation/top1", 0.75)
    assert any(row.name == "step/loss" for row in found.rows(finished.id)) is (name != "jobs")
    for record in (finished, waiting):
        assert record.network == record.submitted_network
        assert record.network.base == ("mnist-fc" if name == "submitted_network" else "")
        assert record.machine is None
    made = Job.new(NamedNetwork(SPEC, "mnist-cnn"), "digits", Recipe(), Resources())
    found.add([made])
    found.change(made.id, [Status.QUEUED], spec=SPEC.changed(num_classes=3).to_dict())
    record = reopened(found).get(made.id)
    assert record.turn == waiting.turn + 1
    assert record.submitted_network == NamedNetwork(SPEC, "mnist-cnn")
    assert record.network == NamedNetwork(SPEC.changed(num_classes=3), "mnist-cnn")
    with found._engine.connect() as connection:
        assert not differences(connection, types=False)  # SQLite has one type of text


def differences(connection: sa.Connection, *, types: bool) -> list[object]:
    """Returns how the tables differ from those that the code describes."""
    options = {"compare_type": types, "version_table": VERSION.name}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


@pytest.mark.parametrize("server", [False, True])
def test_a_new_store_has_the_tables_that_the_migrations_make(
    *, server: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'migrated.db'}"
    if server:
        postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.new_database())
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        schema._upgrade(connection, None, "here")
        assert not differences(connection, types=True)
        assert connection.execute(sa.select(COUNTERS.c.turn)).scalar_one() == 0
    engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite", "new postgresql"], indirect=True)
def test_a_store_of_a_later_version_is_refused(job_store: Store) -> None:
    (job,) = add_jobs(job_store)
    with job_store._engine.begin() as connection:
        connection.execute(sa.update(VERSION).values(version_num="0999"))
    with pytest.raises(
        StoreError, match=r"is of a later version of this program .* 0999, .*update the program"
    ) as caught:
        reopened(job_store).records()
    assert "\n" not in str(caught.value)
    with job_store._engine.begin() as connection:
        connection.execute(sa.update(VERSION).values(version_num=HEAD))
    assert reopened(job_store).get(job).status is Status.QUEUED


@pytest.mark.parametrize("database_url", ["sqlite", "new postgresql"], indirect=True)
@pytest.mark.parametrize(
    "tables",
    [["CREATE TABLE users (id INTEGER)"], ["CREATE TABLE jobs (id INTEGER)", "CREATE TABLE metrics (id INTEGER)"]],
)
def test_the_tables_of_another_program_are_left_alone(tables: list[str], database_url: str, tmp_path: Path) -> None:
    url = database_url or f"sqlite:///{tmp_path / 'store.db'}"
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        VERSION.drop(connection, checkfirst=True)
        for table in tables:
            connection.execute(sa.text(table))
    before = sorted(sa.inspect(engine).get_table_names())
    with pytest.raises(StoreError, match=rf"holds tables of another program \({', '.join(before)}\)"):
        Store(url).records()
    assert sorted(sa.inspect(engine).get_table_names()) == before


@pytest.mark.process
def test_opening_a_current_store_does_not_import_alembic(job_store: Store) -> None:
    code = "import sys; from explorer.jobs.store import Store; Store(sys.argv[1]).records()"
    check = f"{code}; sys.exit('alembic' in sys.modules)"
    subprocess.run([sys.executable, "-c", check, str(job_store.url)], check=True)


def test_the_newest_migration_is_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
