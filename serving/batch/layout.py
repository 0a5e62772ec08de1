"""Where the files of a job are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from models.errors import BadInput, Refusal
from serving.batch.formats.form import Writer
from serving.batch.formats.known import WRITTEN
from serving.batch.place import Place

FOLDER_OF_WORK = "_shards"


@dataclass(frozen=True)
class Layout:
    """The addresses of a job's files: one result, or a folder of results by the numbers of their shards.

    Beside `OUT` there are `OUT.refused` and, last of all, `OUT.manifest.json`. What is being made lies in `work`:
    hidden beside a file and gone in the end; in a folder it stays, for it holds what is known of each shard.
    """

    target: str
    folder: bool
    ending: str

    @property
    def work(self) -> str:
        """The folder of what is being made."""
        if self.folder:
            return f"{self.target}/{FOLDER_OF_WORK}"
        home, slash, name = self.target.rpartition("/")
        return f"{home}{slash}.{name}.partial"

    @property
    def refused(self) -> str:
        """The table of refusals."""
        return f"{self.target}.refused"

    @property
    def manifest(self) -> str:
        """What was done, with what, and how its files can be known again."""
        return f"{self.target}.manifest.json"

    @property
    def writer(self) -> type[Writer]:
        """What writes the result."""
        return WRITTEN[self.ending].writer

    def name(self, number: int) -> str:
        """What a shard is called."""
        return f"part-{number:05}{self.ending}"

    def part(self, number: int) -> str:
        """The result of a shard."""
        return f"{self.target}/{self.name(number)}" if self.folder else self.target

    def receipt(self, number: int) -> str:
        """What is known of a shard that is done."""
        return f"{self.work}/part-{number:05}.json"

    def turned_away(self, number: int) -> str:
        """The refusals of a shard."""
        return f"{self.work}/part-{number:05}.refused"


def layout_of(target: str, *, like: Place) -> Layout:
    """Where a job to `target` puts its files: in a file by the ending of its name, without one in a folder.

    Shards in a folder are of the kind that is read, `like`, or Parquet if that is not written.

    Raises BadInput if the ending is another one.
    """
    ending = PurePath(target).suffix.lower()
    if target.endswith("/") or not ending:
        kind = next((each for each in WRITTEN if like.name.lower().endswith((each, f"{each}.gz"))), ".parquet")
        return Layout(target.rstrip("/"), folder=True, ending=kind)
    if ending not in WRITTEN:
        kinds = list(WRITTEN)
        rule = f"should end in {', '.join(kinds[:-1])} or {kinds[-1]}, or be a folder"
        raise BadInput([Refusal(target, rule, ending)])
    return Layout(target, folder=False, ending=ending)
