"""What a job is, written down: enough for another process, on another machine, to do any shard of it."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from pydantic import Field

from models.bundle import open_bundle
from models.errors import BadBundle
from models.joint import PATHWAY, open_joint
from models.manifest import Digest
from models.pathway import Pathway
from models.scorer import Scorer
from models.turn import Setting
from models.value import Value
from serving.batch.judge import BothModels, Judge, OneModel
from serving.batch.layout import Layout
from serving.batch.place import Place


class Asked(Value):
    """One model and where it is to work."""

    folder: Path
    bundle: Digest = Field(description="SHA-256 of its manifest")
    setting: Setting = Setting()


class Source(Value):
    """A file that is read."""

    path: str
    size: int = Field(ge=0, description="bytes")
    state: str = Field(description="what tells it from a changed one without reading it")
    digest: str = Field(description="BLAKE3; of a file in a store what that calls this version of it")


class Order(Value):
    """A job: by which models, of which files, to where, and how."""

    models: tuple[Asked, ...] = Field(min_length=1, max_length=2)
    sources: tuple[Source, ...]
    target: str
    folder: bool
    ending: str
    keep: tuple[str, ...] | None = Field(None, description="columns that are carried along; null for all")
    strict: bool = False
    rows_per_chunk: int | None = Field(None, ge=1)

    def absolute(self) -> Self:
        """The same job for a process that works in another folder."""
        sources = tuple(
            source.model_copy(update={"path": Place(source.path).absolute.address}) for source in self.sources
        )
        return self.model_copy(update={"sources": sources, "target": Place(self.target).absolute.address})

    @cached_property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(self.target, folder=self.folder, ending=self.ending)

    def judge(self) -> Judge:
        """Who answers; opened once a process.

        Raises BadBundle if a bundle is not the one that was meant.
        """
        return _judge(self.models)


@lru_cache(maxsize=4)
def _judge(models: tuple[Asked, ...]) -> Judge:
    scorers = []
    for asked in models:
        bundle = open_bundle(asked.folder)
        if bundle.digest != asked.bundle:
            raise BadBundle(f"{asked.folder}: should have SHA-256 {asked.bundle}, got {bundle.digest}.")
        scorers.append(Scorer(bundle))
    return judge_of(scorers, [asked.setting for asked in models])


def judge_of(scorers: list[Scorer], settings: list[Setting]) -> Judge:
    """One model at a setting, or two at one each, the screen first.

    Raises BadInput or Unreachable if a setting can not be had, BadBundle if two models do not belong together.
    """
    if len(scorers) == 1:
        return OneModel(scorers[0], scorers[0].turn(settings[0]))
    screen, presurgical = scorers
    home = screen.bundle.folder.parent
    joint = open_joint(home, screen.bundle, presurgical.bundle) if (home / PATHWAY).exists() else None
    pathway = Pathway(screen, presurgical, joint)
    return BothModels(pathway, screen.turn(settings[0]), presurgical.turn(settings[1]))
