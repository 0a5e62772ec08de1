"""What is known of a shard that is done: enough to tell whether it is what is asked for now, and to skip it."""

from __future__ import annotations

from pydantic import Field, ValidationError

from models.errors import BadInput, Refusal
from models.manifest import Digest
from models.value import Value
from serving.batch.judge import Judge
from serving.batch.order import Order
from serving.batch.place import Blake3, Place
from serving.batch.shard import Shard
from serving.counts import Tally

# Raised whenever the same order would give other bytes.
WAY = 1


class Point(Value):
    """A model and where it works."""

    model: str
    bundle: Digest
    threshold: float
    clear_below: float
    prevalence: float


class Input(Value):
    """A part of a file that was read."""

    path: str
    digest: str
    start: int
    stop: int | None


class Made(Value):
    """All that decides what a shard holds: the same of it gives the same bytes."""

    way: int = WAY
    models: tuple[Point, ...]
    inputs: tuple[Input, ...]
    keep: tuple[str, ...] | None
    rows_per_chunk: int | None

    @classmethod
    def of(cls, order: Order, judge: Judge, shard: Shard) -> Made:
        """What decides a shard of an order."""
        models = tuple(
            Point(
                model=scorer.bundle.name,
                bundle=scorer.bundle.digest,
                threshold=at.threshold,
                clear_below=at.clear_below,
                prevalence=at.prevalence,
            )
            for scorer, at in judge.models
        )
        pairs = [(order.sources[piece.source], piece) for piece in shard.pieces]
        inputs = tuple(
            Input(path=Place(source.path).absolute.address, digest=source.digest, start=piece.start, stop=piece.stop)
            for source, piece in pairs
        )
        return cls(models=models, inputs=inputs, keep=order.keep, rows_per_chunk=order.rows_per_chunk)

    def other(self, wanted: Made) -> tuple[str, str] | None:
        """The first thing in which this is not what is wanted: what it should be, and what it is."""
        for one, two in zip(wanted.inputs, self.inputs, strict=False):
            if one != two:
                changed = one.path == two.path and one.digest != two.digest
                what = "content" if changed else "part"
                return f"should be made of {_input(one)}", f"{_input(two)}, another {what}"
        for point, was in zip(wanted.models, self.models, strict=False):
            if point != was:
                return f"should be scored by {_point(point)}", _point(was)
        if self != wanted:
            return "should be made in the same way, of as many files and with the same columns", "another way"
        return None


class Receipt(Value):
    """A shard that is done: `read` rows of each of its pieces, and the file it became."""

    number: int = Field(ge=0)
    made: Made
    part: str = Field(description="the name of its file")
    size: int = Field(ge=0, description="bytes")
    blake3: Blake3
    tally: Tally
    read: tuple[int, ...] = Field(description="rows of each piece")
    refused_lines: int = Field(ge=0, description="bad cells")
    weight: int = Field(ge=0, description="bytes of the files that it took")

    @classmethod
    def read_from(cls, address: str, text: bytes) -> Receipt:
        """What stands in a file.

        Raises BadInput if that is no receipt.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            raise BadInput([Refusal(address, "should be what a job wrote of its shard", "something else")]) from None


def _input(found: Input) -> str:
    return f"{found.path} with digest {found.digest[:12]} from {found.start} to {found.stop or 'its end'}"


def _point(found: Point) -> str:
    return (
        f"{found.model} {found.bundle[:12]} at threshold {found.threshold!r}, clear below {found.clear_below!r},"
        f" prevalence {found.prevalence!r}"
    )
