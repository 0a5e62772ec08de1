"""The live operating point: what holds now, and every change that led there.

The store knows nothing of statistics: what was asked for and what came of it are JSON objects to it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from pydantic import JsonValue, ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from models.errors import FulcrumError, shown
from serving.change import Change, broken, canonical, version_of
from serving.databases import CHANGES, cause, open_place, place_of

# Made once: to make a query takes longer than PostgreSQL needs to answer it.
_ALL = sa.select(CHANGES).where(
    CHANGES.c.endpoint == sa.bindparam("endpoint"), CHANGES.c.bundle == sa.bindparam("bundle")
)
HISTORY = _ALL.order_by(CHANGES.c.version)
SINCE = HISTORY.where(CHANGES.c.version >= sa.bindparam("since"))
KEPT = sa.select(CHANGES.c.endpoint, CHANGES.c.bundle).distinct().order_by(CHANGES.c.endpoint, CHANGES.c.bundle)
INSERT = sa.insert(CHANGES)
# An endpoint and the bundle whose changes are meant.
Key = tuple[str, str]
Asked = Mapping[str, str | int]


@cache
def newest_of(keys: int) -> sa.CompoundSelect[Any]:
    """The newest change of each of so many keys, asked for in one go: their parameters are numbered."""
    each = (
        sa.select(CHANGES)
        .where(
            CHANGES.c.endpoint == sa.bindparam(f"endpoint{place}"), CHANGES.c.bundle == sa.bindparam(f"bundle{place}")
        )
        .order_by(CHANGES.c.version.desc())
        .limit(1)
        .subquery()
        for place in range(keys)
    )
    return sa.union_all(*map(sa.select, each))


class StoreLost(FulcrumError):
    """Try again when the store of changes is back: it cannot be read or written now."""


class StoreSpoiled(FulcrumError):
    """Restore the store of changes from a copy: what it holds is not what was written."""


class Moved(FulcrumError):
    """Look at the newest change and decide again: the decision was made on another version.

    `newest` is the change that came first; None where there is none yet.
    """

    def __init__(self, version_seen: int, newest: Change | None) -> None:
        self.seen = version_seen
        self.newest = newest
        came_first = f"{newest.version}, by {newest.by} at {newest.at}" if newest else "0, as released"
        super().__init__(f"version: should be the newest ({came_first}), got {version_seen}.")


class Store:
    """All changes, in SQLite (`sqlite:///FILE`) or PostgreSQL (`postgresql+psycopg://USER@HOST/DATABASE`).

    Rows are only ever added. A change that was returned is on disk, as far as the database promises it (SQLite: WAL
    with synchronous=FULL; PostgreSQL: its `synchronous_commit`). Threads may share a store; processes may not, so each
    opens its own. An SQLite file belongs on a local disk, for its readers share memory: several machines need
    PostgreSQL, where the rights to SELECT and INSERT are enough once the table is there.

    Raises CannotOpen naming the place and what is wrong with it.
    """

    def __init__(self, url: str) -> None:
        place = place_of(url)
        self._name = place.render_as_string(hide_password=True)
        self._process = os.getpid()
        self._engine, self._watch = open_place(place)
        self._lock = threading.Lock()
        # SQLite only: what was read since the file was last written, and the number it had then.
        self._read_before: dict[tuple[str, str], Change | None] = {}
        self._data_version: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def local(self) -> bool:
        """Whether it is a file on this machine, which answers in microseconds."""
        return self._watch is not None

    def close(self) -> None:
        """Let go of all connections."""
        if self._watch is not None:
            self._watch.close()
        self._engine.dispose()

    def current(self, endpoint: str, bundle: str) -> Change | None:
        """The newest change that any process committed before this call; None as released.

        Raises what `currents` does.
        """
        return self.currents((endpoint, bundle))[0]

    def currents(self, *keys: Key) -> tuple[Change | None, ...]:
        """The newest change under each key, all read at one moment.

        With SQLite a row is read again only if the file was written since.

        Raises StoreLost if the store does not answer, StoreSpoiled if the newest change is not what was written:
        nobody is screened at a point that nobody chose.
        """
        if self._watch is None:
            return self._newest(*keys)
        with self._lock:
            self._check()
            # Asked before the row is read, so that what is written in between is read by the next call.
            if (number := self._ask()) != self._data_version:
                self._read_before.clear()
                self._data_version = number
            if unread := [key for key in keys if key not in self._read_before]:
                self._read_before.update(zip(unread, self._newest(*unread), strict=True))
            return tuple([self._read_before[key] for key in keys])

    def history(self, endpoint: str, bundle: str) -> tuple[Change, ...]:
        """All changes, oldest first, as they stand; `audit.verify` says whether they are what was written.

        Raises StoreLost if the store does not answer, StoreSpoiled if a row does not have the form of a change.
        """
        return tuple(map(_change, self._read(HISTORY, {"endpoint": endpoint, "bundle": bundle})))

    def kept(self) -> tuple[tuple[str, str], ...]:
        """Every endpoint and bundle of which there is a change.

        Raises StoreLost if the store does not answer.
        """
        return tuple((row.endpoint, row.bundle) for row in self._read(KEPT, {}))

    def since(self, endpoint: str, bundle: str, version: int) -> tuple[Change, ...]:
        """The changes from a version on, oldest first, as they stand.

        Raises what `history` does.
        """
        asked: Asked = {"endpoint": endpoint, "bundle": bundle, "since": version}
        return tuple(map(_change, self._read(SINCE, asked)))

    def append(
        self,
        endpoint: str,
        bundle: str,
        *,
        version_seen: int,
        setting: Mapping[str, JsonValue],
        outcome: Mapping[str, JsonValue],
        by: str,
        reason: str,
    ) -> Change:
        """Add the change that was decided on `version_seen`, and return it once it is kept.

        Raises Moved if `version_seen` is not the newest, BadInput if a field cannot be kept, StoreSpoiled if the
        newest change is not what was written, StoreLost if the store does not answer. After StoreLost the change may
        have been kept nevertheless: to try again is safe, for then it is Moved by itself.
        """
        newest = self.current(endpoint, bundle)
        if version_seen != version_of(newest):
            raise Moved(version_seen, newest)
        change = Change.make(endpoint, bundle, after=newest, setting=setting, outcome=outcome, by=by, reason=reason)
        fields = change.model_dump()
        row = fields | {name: canonical(fields[name]) for name in ("setting", "outcome")}
        try:
            with self._engine.connect() as connection:
                connection.execute(INSERT, row)
        except IntegrityError:
            # Between the look and the insert, another one took this version.
            raise Moved(version_seen, self._newest((endpoint, bundle))[0]) from None
        except SQLAlchemyError as error:
            raise self._lost(error) from error
        return change

    def _newest(self, *keys: Key) -> tuple[Change | None, ...]:
        asked = {
            f"{name}{place}": part
            for place, key in enumerate(keys)
            for name, part in zip(("endpoint", "bundle"), key, strict=True)
        }
        found: dict[Key, Change] = {}
        for row in self._read(newest_of(len(keys)), asked):
            change = _change(row)
            if change.hash != change.sealed():
                raise StoreSpoiled(f"{_path(row)}.hash: should be {change.sealed()}, got {shown(change.hash)}.")
            found[change.endpoint, change.bundle] = change
        return tuple(map(found.get, keys))

    def _read(self, query: sa.Select[Any] | sa.CompoundSelect[Any], asked: Asked) -> Sequence[sa.Row[Any]]:
        self._check()
        try:
            try:
                return self._fetch(query, asked)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # A server that was restarted closed all pooled connections; with the first, all are given up.
                return self._fetch(query, asked)
        except SQLAlchemyError as error:
            raise self._lost(error) from error

    def _fetch(self, query: sa.Select[Any] | sa.CompoundSelect[Any], asked: Asked) -> Sequence[sa.Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(query, asked).all()

    def _check(self) -> None:
        if self._process != os.getpid():
            raise StoreLost(
                f"{self._name}: should be opened in the process that uses it, got one opened before a fork."
            )
        if self._watch is not None:
            try:
                self._watch.check()
            except OSError as error:
                raise self._lost(error) from error

    def _ask(self) -> int:
        assert self._watch is not None
        try:
            return self._watch.data_version()
        except sqlite3.Error as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> StoreLost:
        return StoreLost(f"{self._name}: should answer as a store of changes, got: {cause(error)}.")


def _change(row: sa.Row[Any]) -> Change:
    fields = row._asdict()
    try:
        for name in ("setting", "outcome"):
            fields[name] = json.loads(fields[name])
        return Change.model_validate(fields)
    except ValidationError as error:
        raise StoreSpoiled("\n".join(f"{_path(row)}.{refusal}" for refusal in broken(error))) from None
    except (TypeError, ValueError) as error:
        raise StoreSpoiled(f"{_path(row)}.{name}: should be JSON, got {shown(fields[name])}: {error}.") from None


def _path(row: sa.Row[Any]) -> str:
    return f"{CHANGES.name}.{row.endpoint}.{row.version}"
