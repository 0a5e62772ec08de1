"""Files of a store that fsspec knows."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from models.errors import BadInput, Refusal
from serving.batch.files import Files
from serving.batch.layout import Layout
from serving.batch.lease import Lease
from serving.batch.place import Place


class Stored(Files):
    """Files are made on this machine and sent when they are whole: a store shows a file as a whole or not at all."""

    def __init__(self) -> None:
        self._scratch: Path | None = None
        self._lease: Lease | None = None

    @contextmanager
    def held(self, layout: Layout) -> Iterator[None]:
        system, path = Place(f"{layout.work}/lock").store
        try:
            with suppress(FileExistsError, NotImplementedError):
                system.makedirs(path.rpartition("/")[0], exist_ok=True)
            lease = Lease(system, path, layout.target).__enter__()
        except OSError as error:
            rule = "should be in a store in which files can be made"
            raise BadInput([Refusal(layout.target, rule, str(error))]) from None
        self._lease = lease
        try:
            yield
        finally:
            self._lease = None
            lease.__exit__()
            if not layout.folder and not lease.lost:
                with suppress(FileNotFoundError):
                    system.rm(path.rpartition("/")[0], recursive=True)

    def scratch(self, layout: Layout) -> Path:
        del layout
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="fulcrum-"))
            weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        return self._scratch

    def check(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def put(self, file: Path, address: str) -> None:
        self.check()
        system, path = Place(address).store
        system.put_file(str(file), path)
        file.unlink()

    def write(self, address: str, data: bytes) -> None:
        self.check()
        system, path = Place(address).store
        system.pipe_file(path, data)

    def read(self, address: str) -> bytes | None:
        system, path = Place(address).store
        try:
            found: bytes = system.cat_file(path)
        except FileNotFoundError:
            return None
        return found

    def size(self, address: str) -> int | None:
        found = self._about(address)
        return None if found is None else int(found["size"])

    def names(self, address: str) -> list[str]:
        system, path = Place(address).store
        system.invalidate_cache()
        try:
            return sorted(str(found).rstrip("/").rpartition("/")[2] for found in system.ls(path, detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, address: str) -> None:
        system, path = Place(address).store
        with suppress(FileNotFoundError):
            system.rm_file(path)

    def _about(self, address: str) -> dict[str, Any] | None:
        system, path = Place(address).store
        system.invalidate_cache()
        try:
            found: dict[str, Any] = system.info(path)
        except FileNotFoundError:
            return None
        return found
