"""Makes the tables of a job store, and upgrades those of earlier versions by Alembic.

Opening a current store costs one small query: Alembic is imported only to upgrade. A test compares the tables that a
new store gets with those that the migrations make.
"""

import time
from pathlib import Path

import sqlalchemy as sa

from explorer.errors import StoreError, one_line
from explorer.i18n import _
from explorer.jobs.tables import COUNTERS, HEAD, JOBS, METADATA, METRICS, POINTS, VERSION

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x6578706C  # PostgreSQL's advisory lock of those who make or upgrade the tables
MAX_NAMED = 3  # tables of another program that a message names

# Columns of the first released schema. Later ones were added without a version: see :func:`_released`.
FIRST_COLUMNS = frozenset(
    "id turn status changed name spec dataset recipe resources sweep varied submitted started ended slots pids "
    "progress live notes error result".split()
)


def prepare(engine: sa.Engine, place: object) -> None:
    """Makes the tables of an empty database, or upgrades those of an earlier version, all or none.

    Args:
        engine: Engine of the database.
        place: Name of the database in messages.

    Raises:
        StoreError: If the tables are those of a later version, or of another program.
    """
    with engine.connect() as connection:
        if _version(connection.execution_options(reading=True)) == HEAD:
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        found = _version(connection)  # another process may have done it meanwhile
        if found is None:
            found = _adopt(connection, place)
        if found != HEAD:
            _upgrade(connection, found, place)


def _version(connection: sa.Connection) -> str | None:
    """Returns the version of the tables. None if it is not recorded."""
    if not sa.inspect(connection).has_table(VERSION.name):
        return None
    found: str | None = connection.execute(sa.select(VERSION.c.version_num)).scalar()
    return found


def _adopt(connection: sa.Connection, place: object) -> str:
    """Records the version of tables of which it is not recorded. Makes them if there are none. Returns the version."""
    inspector = sa.inspect(connection)
    names = set(inspector.get_table_names()) - {VERSION.name}
    if not names:
        METADATA.create_all(connection)
        # The number of a store that this one replaces is another one, so no page shows its runs.
        connection.execute(sa.insert(COUNTERS).values(id=1, turn=0, version=time.time_ns() // 1000))
        found = HEAD
    elif {JOBS.name, METRICS.name} <= names and _columns(inspector) >= FIRST_COLUMNS:
        found = _released(inspector, names)
    else:
        listed = ", ".join(sorted(names)[:MAX_NAMED])
        raise StoreError(
            _(
                "the database {place} holds tables of another program ({names}), and nothing was changed; give the job "
                "store an empty database"
            ).format(place=place, names=one_line(listed))
        )
    VERSION.create(connection, checkfirst=True)
    connection.execute(sa.insert(VERSION).values(version_num=found))
    return found


def _released(inspector: sa.Inspector, names: set[str]) -> str:
    """Returns which of the schemas that were released without a version the tables have."""
    if POINTS.name not in names:
        return "0001"
    return "0003" if "base" in _columns(inspector) else "0002"


def _columns(inspector: sa.Inspector) -> set[str]:
    return {column["name"] for column in inspector.get_columns(JOBS.name)}


def _upgrade(connection: sa.Connection, found: str | None, place: object) -> None:
    """Runs the migrations after a version, or all of them."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            _(
                "the job store {place} is of a later version of this program (its tables have the version {found}, and "
                "this program knows those up to {known}); update the program, or use another store"
            ).format(place=place, found=one_line(found), known=HEAD)
        )
    command.upgrade(config, HEAD)
