"""Where changes are kept: a file of SQLite or a server of PostgreSQL, opened so that what it acknowledges stays."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from models.errors import FulcrumError

# How long a writer waits for another one, and anybody for a server that does not answer.
PATIENCE_SECONDS = 5

CHANGES = sa.Table(
    "operating_point_changes",
    sa.MetaData(),
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("bundle", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    # JSON as text: a database that understands it writes numbers its own way, and the hash would be another one.
    sa.Column("setting", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)


class CannotOpen(FulcrumError):
    """Mend the setting or the place that it names: the store of changes cannot be opened."""


def place_of(url: str) -> sa.URL:
    """The place that a URL names: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/DATABASE`.

    Raises CannotOpen if it names another kind; the error never shows a password.

    >>> place_of("sqlite:///changes.db").database
    'changes.db'
    """
    try:
        place = sa.make_url(url)
    except (ArgumentError, ValueError):
        place = None
    if place is not None and (_is_file(place) or place.drivername == "postgresql+psycopg"):
        return place
    # Before its first colon, a text that is no URL holds no password either.
    got = repr(place.render_as_string(hide_password=True) if place else f"{url.partition(':')[0][:20]}...")
    kinds = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
    raise CannotOpen(f"store of changes: should be {kinds}, got {got}.")


def open_place(place: sa.URL) -> tuple[sa.Engine, Watch | None]:
    """Connections to a place, where the table is made if it is missing; of a file, also what watches it.

    Raises CannotOpen naming the place and what is wrong with it.
    """
    try:
        if not _is_file(place):
            return _open_server(place), None
        file = Path(str(place.database)).absolute()
        return _open_file(file), Watch(file)
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        name = place.render_as_string(hide_password=True)
        raise CannotOpen(f"{name}: should be a store of changes, got: {cause(error)}.") from None


class Watch:
    """Tells whether an SQLite file was written, by a connection of its own that never writes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._identity = self._identify()
        self._connection = sqlite3.connect(
            file, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )

    def check(self) -> None:
        """Raises OSError if the file was taken away or replaced.

        What is written to the old one would be lost, and the new one is another history.
        """
        if self._identify() != self._identity:
            raise FileExistsError(f"another file than the one that was opened at {self._file}")

    def data_version(self) -> int:
        """A number that moves with every commit of any other connection, in this or any process.

        Source: https://sqlite.org/pragma.html#pragma_data_version.
        """
        # All rows: a statement that is not read to its end would hold on to what it has seen.
        [(number,)] = self._connection.execute("PRAGMA data_version").fetchall()
        return int(number)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _identify(self) -> tuple[int, int]:
        found = self._file.stat()
        return found.st_dev, found.st_ino


def cause(error: Exception) -> str:
    """What a database said, in one line."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(said).strip().partition("\n")[0].rstrip(".")


def _is_file(place: sa.URL) -> bool:
    # SQLite's own names of what is no file, and its options, are nothing that several processes can share.
    named = place.database or ":memory:"
    return place.drivername == "sqlite" and not named.startswith((":memory:", "file:")) and not place.query


def _open_file(file: Path) -> sa.Engine:
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(sa.URL.create("sqlite", database=str(file)), connect_args={"timeout": PATIENCE_SECONDS})
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=FULL"))
    try:
        _write_ahead(engine)
        with engine.connect() as connection:
            connection.execute(CreateTable(CHANGES, if_not_exists=True))
    except BaseException:
        engine.dispose()
        raise
    return engine


def _write_ahead(engine: sa.Engine) -> None:
    """Let readers and a writer go on beside each other; the file stays so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one()
        except OperationalError as error:
            # Where several open a new file at once, SQLite does not wait for its lock (23 of 360 failed at once).
            if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            if mode != "wal":
                raise OSError(f"journal mode {mode}, for there is no shared memory on that file system")
            return


def _open_server(place: sa.URL) -> sa.Engine:
    waits = {"connect_timeout": f"{PATIENCE_SECONDS}", "tcp_user_timeout": f"{1000 * PATIENCE_SECONDS}"}
    engine = _engine(place.set(query={**waits, **place.query}))
    try:
        with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection, connection.begin():
            # IF NOT EXISTS asks for the right to create, and of two that create at once one fails.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(CHANGES.name))))
            if not sa.inspect(connection).has_table(CHANGES.name):
                connection.execute(CreateTable(CHANGES))
    except BaseException:
        engine.dispose()
        raise
    return engine


def _engine(place: sa.URL, **options: Any) -> sa.Engine:
    """Connections where each statement is its own transaction; the one last used is used first."""
    return sa.create_engine(
        place, isolation_level="AUTOCOMMIT", pool_use_lifo=True, pool_timeout=PATIENCE_SECONDS, **options
    )
