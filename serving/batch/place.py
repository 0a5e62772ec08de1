"""Where a file is: a path of this machine, or the address of a store that fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

from blake3 import blake3
from pydantic import Field

from models.errors import BadInput, Refusal

# Where a processor has no instructions for SHA-256, that takes fourteen times as long: of a job a tenth.
Blake3 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="BLAKE3, as b3sum prints it")]
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Place:
    """A file, or a folder of files, by its address: `scores.parquet`, `s3://bucket/people/2026.csv`."""

    address: str

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rstrip("/").rpartition("/")[2]

    @property
    def local(self) -> Path | None:
        """The path on this machine; None if it is elsewhere."""
        return None if "://" in self.address else Path(self.address)

    @property
    def absolute(self) -> Place:
        """The same place for whoever works in another folder."""
        return self if self.local is None else Place(str(self.local.absolute()))

    @cached_property
    def store(self) -> tuple[Any, str]:
        """What fsspec opens it with, and how it is called there.

        Raises BadInput if there is no such kind of store, or its library is not installed.
        """
        import fsspec  # noqa: PLC0415  # files of this machine do without
        from fsspec.core import url_to_fs  # noqa: PLC0415

        try:
            found: tuple[Any, str] = url_to_fs(self.address)
        except (ValueError, ImportError) as error:
            kinds = ", ".join(sorted(set(fsspec.registry) | {"file", "s3", "gs", "az"}))
            rule = f"should be a path or the address of a store whose library is installed ({kinds} ...)"
            raise BadInput([Refusal(self.address, rule, _first_line(error))]) from None
        return found

    def open(self) -> BinaryIO:
        """The file, to be read from its beginning.

        Raises BadInput if it is not there or can not be read.
        """
        with self._readable():
            if self.local is not None:
                return self.local.open("rb")
            system, path = self.store
            return cast(BinaryIO, system.open(path, "rb"))

    def size(self) -> int:
        """Bytes of the file."""
        with self._readable():
            if self.local is not None:
                return self.local.stat().st_size
            system, path = self.store
            return int(system.size(path))

    def state(self) -> str:
        """What tells the file from a changed one, without reading it."""
        with self._readable():
            if self.local is not None:
                found = self.local.stat()
                return f"{found.st_size} bytes of {found.st_mtime_ns}"
            system, path = self.store
            system.invalidate_cache()
            return str(system.ukey(path))

    def digest(self) -> str:
        """BLAKE3 of a file of this machine; of another what its store calls this version of it."""
        if self.local is None:
            return self.state()
        found, data = blake3(), bytearray(READ_BYTES)
        with self._readable(), self.local.open("rb", buffering=0) as file:
            while size := file.readinto(data):
                found.update(memoryview(data)[:size])
        return found.hexdigest()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # A store says what is missing in its own words, most often the name alone.
            said = error.strerror or ("No such file or directory" if isinstance(error, FileNotFoundError) else error)
            raise BadInput([Refusal(self.address, "should be a file that can be read", str(said))]) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
