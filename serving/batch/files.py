"""The files that a job makes: each appears whole or not at all, on this machine or in a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from models.errors import BadInput, Refusal
from serving.batch.layout import Layout
from serving.batch.place import Place


class Files(ABC):
    """Where the files of one job are put."""

    @abstractmethod
    def held(self, layout: Layout) -> AbstractContextManager[None]:
        """Nobody else makes the same files meanwhile; what a killed job left unfinished is cleared away.

        Raises BadInput if another job is at it, or nothing can be written there.
        """

    @abstractmethod
    def check(self) -> None:
        """Raises BadInput if they are no longer held, so that others may be making them by now."""

    @abstractmethod
    def scratch(self, layout: Layout) -> Path:
        """A folder of this machine for files that are not finished."""

    @abstractmethod
    def put(self, file: Path, address: str) -> None:
        """Give a finished file of the scratch folder its place; it is no longer where it was."""

    @abstractmethod
    def write(self, address: str, data: bytes) -> None:
        """A small file, whole."""

    @abstractmethod
    def read(self, address: str) -> bytes | None:
        """What is in a small file; None if there is none."""

    @abstractmethod
    def size(self, address: str) -> int | None:
        """Bytes of a file; None if there is none."""

    @abstractmethod
    def names(self, address: str) -> list[str]:
        """What is in a folder, by name; nothing if it is not there."""

    @abstractmethod
    def remove(self, address: str) -> None:
        """Take a file away, if it is there."""


@contextmanager
def writing(address: str) -> Iterator[None]:
    """Turns a disk that is full or gone into a refusal that names what was to be written."""
    try:
        yield
    except OSError as error:
        said = str(error.strerror or error)
        raise BadInput([Refusal(address, "should be a file that can be written to its end", said)]) from None


def files_of(target: str) -> Files:
    """What puts files where a job's result goes."""
    from serving.batch.here import Here  # noqa: PLC0415  # both know what they are members of
    from serving.batch.stored import Stored  # noqa: PLC0415

    return Here() if Place(target).local is not None else Stored()
