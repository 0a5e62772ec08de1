"""Bundles and their swaps as they are sent."""

from __future__ import annotations

from typing import Self

from pydantic import Field, JsonValue

from models.bundle import Bundle
from models.manifest import Digest
from models.scorer import RELEASED
from models.turn import turn
from models.value import Value
from serving.change import Change
from serving.points import Changed, WorkingPoint


class Certified(Value):
    """A bundle, and its operating point as it was released."""

    bundle: str = Field(description="SHA-256 of its manifest, by which it is named")
    name: str = Field(description="study and model")
    version: int = Field(description="of the bundle: 1 as trained; each new operating point for a site adds one")
    released: WorkingPoint = Field(description="its operating point as released; another one may be live")

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """An opened bundle."""
        return cls(
            bundle=bundle.digest,
            name=bundle.name,
            version=bundle.manifest.version,
            released=WorkingPoint.of(turn(bundle.manifest, RELEASED)),
        )


class LiveBundle(Value):
    """The bundle that answers."""

    endpoint: str
    version: int = Field(description="0 is the bundle that the service began with; each swap or roll-back adds one")
    live: Certified
    changed: Changed | None = Field(description="the last swap; null: none")

    def without_names(self) -> Self:
        """The same, but for who swapped it and why."""
        return self.model_copy(update={"changed": self.changed and self.changed.without_names()})


class Offer(Value):
    """What lies in a sub-folder of the folder of releases, and whether it can be swapped in."""

    folder: str = Field(
        description="name of the sub-folder; the model's own for the bundle that the service began with"
    )
    certified: Certified | None = Field(description="null: it can not be opened")
    compatible: bool
    why_not: tuple[str, ...]


class Bundles(LiveBundle):
    """The bundle that answers, and those that are there to be swapped in."""

    offers: tuple[Offer, ...]


class SwapIn(Value):
    """A swap: another bundle is to answer."""

    bundle: Digest = Field(description="SHA-256 of the manifest of the bundle that is to answer")
    reason: str = Field(min_length=1, max_length=2000, description="why")
    version: int = Field(ge=0, description="the version of the live bundle on which the swap was decided")


class BundleBack(Value):
    """A return to the bundle that answered before, as a new version."""

    reason: str = Field(min_length=1, max_length=2000, description="why")
    version: int = Field(ge=0, description="the version of the live bundle on which the roll-back was decided")


class Swapped(Value):
    """One swap or roll-back of the history."""

    version: int
    bundle: JsonValue
    name: JsonValue
    in_words: JsonValue
    by: str
    at: str
    reason: str
    hash: str

    @classmethod
    def of(cls, change: Change) -> Self:
        """A change as it is kept."""
        said = {name: change.outcome.get(name) for name in ("name", "in_words")}
        fields = {name: getattr(change, name) for name in ("version", "by", "at", "reason", "hash")}
        return cls(bundle=change.setting.get("bundle"), **said, **fields)


class BundleHistory(Value):
    """All swaps of an endpoint since the bundle that the service began with, oldest first."""

    endpoint: str
    begun: str = Field(description="SHA-256 of the manifest of the bundle that the service began with")
    verified: bool = Field(description="whether every swap is what was written, in its place")
    problems: tuple[str, ...] = Field(description="what is not")
    swaps: tuple[Swapped, ...]
