"""A real PostgreSQL in a folder of its own, on a Unix socket that nobody else knows."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg


class NoPostgres(Exception):
    """Why there is none: for a test to skip with."""


@dataclass(frozen=True)
class Postgres:
    """A server that can be stopped and started again; `folder` holds its socket, its data and its log."""

    folder: Path
    binaries: Path

    def url(self, database: str, user: str = "fulcrum") -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self.folder), user="fulcrum", dbname=database, autocommit=True)

    def new_database(self) -> str:
        """A database of a new name, and its name."""
        name = f"test_{next(_NUMBERS)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def start(self) -> None:
        self._control("start", "-l", f"{self.folder}/log", "-o", f"-c listen_addresses='' -k {self.folder}")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends every connection, `immediate` is a crash."""
        self._control("stop", "-m", mode)

    def initialize(self) -> None:
        self._run("initdb", "-U", "fulcrum", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--silent", "--wait", *arguments, "-D")

    def _run(self, program: str, *arguments: str) -> None:
        # A file and no pipe, for the server keeps open what it was started with.
        with (self.folder / "output").open("w+b") as output:
            done = subprocess.run(
                [self.binaries / program, *arguments, self.folder / "data"],
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **_as_whom(),
            )
            output.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program} failed:\n{output.read().decode()}")


_NUMBERS = count(1)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server, removed afterwards. Raises NoPostgres where there are no binaries or nobody may run them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise NoPostgres("no binaries of PostgreSQL in /usr/lib/postgresql or on the PATH")
    owner = _as_whom()
    # Not in a folder of pytest's, which another user may not enter, and whose name is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="fulcrum-postgres-"))
    try:
        if owner:
            shutil.chown(folder, owner["user"], owner["group"])
        server = Postgres(folder, found[-1].parent if found else Path(str(on_path)).resolve().parent)
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_whom() -> dict[str, Any]:
    """PostgreSQL refuses to run as root, who lends it the user that its package makes."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgres("root may not run PostgreSQL, and there is no user postgres") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
