"""One file in, one file out: the scorer that answers over HTTP scores every row of it, or refuses it by name."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydantic import Field

from models.errors import BadInput, Refusal
from models.manifest import Digest
from models.operating_point import Certificate
from models.scorer import RELEASED, Scorer
from models.turn import Setting, Turned
from models.value import Value
from serving.aside import aside, durable, put
from serving.chunk import ScoredChunk, score_chunk, scored_schema
from serving.counts import Counts
from serving.readers import open_reader
from serving.writers import Writer, writer_of

# Measured on 2 cores: each chunk costs some 3 ms of its own, which 16,384 rows make up for in little memory.
ROWS_PER_CHUNK = 16_384
# A photograph of 512 x 512 takes 0.8 MB beside its row.
PHOTOGRAPHS_PER_CHUNK = 64


class Summary(Value):
    """What a job did, with what, and how its files can be known again; it is kept beside the result."""

    model: str = Field(description="study and model")
    bundle: Digest = Field(description="SHA-256 of the manifest of the bundle that scored")
    source: Path
    source_sha256: Digest
    target: Path
    target_sha256: Digest
    refused: Path | None = Field(description="the refusals; null if no row was refused")
    record: Path = Field(description="where this summary is kept")
    threshold: float = Field(description="rows whose probability is not below it are positive")
    prevalence: float = Field(description="at which the probabilities are stated")
    clear_below: float = Field(description="rows whose probability is below it are negative; between, undecided")
    certificates: tuple[Certificate, ...] = Field(
        description="what is certified there; nothing for a threshold by hand"
    )
    counts: Counts


@dataclass(frozen=True)
class Places:
    """Where the three files of a job are."""

    scores: Path
    refused: Path
    record: Path


def score_file(
    scorer: Scorer,
    source: Path,
    target: Path,
    *,
    strict: bool = False,
    setting: Setting = RELEASED,
    progress: Callable[[Counts], None] | None = None,
    rows_per_chunk: int | None = None,
) -> Summary:
    """Score a CSV or Parquet file into a CSV or Parquet file, in constant memory.

    A photograph is the path of a file, from the folder of the source on, or in Parquet its bytes.

    The result has the columns of the source, unchanged and in order, then `probability`, `positive` and one
    column a symptom head. A row that breaks the schema is left out of it and goes to `scores.refused.csv` (for
    `scores.parquet`), a line a bad cell, rows counted from 0; with `strict` the first of them stops the job.
    The result appears whole or not at all, and last of all `scores.json`, the summary. `progress` is told the
    counts after every chunk.

    Raises BadInput, and nothing is written, if a file, a column, a setting or, with `strict`, a row is refused.
    """
    writer_kind, places = writer_of(target), _beside(target)
    rows = rows_per_chunk or (PHOTOGRAPHS_PER_CHUNK if scorer.columns.image else ROWS_PER_CHUNK)
    _check_places(source, places)
    with closing(open_reader(source)) as reader:
        before = _state(source)
        at = scorer.turn(setting)
        schema = scored_schema(scorer.manifest, reader.schema).with_metadata(
            {**(reader.schema.metadata or {}), **_metadata(scorer, at)}
        )
        writer_kind.check(schema)
        score = partial(score_chunk, scorer, at=at, folder=source.parent)
        with aside(target) as folder:
            made = Places(folder / "scores", folder / "refused", folder / "record")
            with durable(made.refused) as refused, durable(made.scores) as scores:
                chunks = map(score, reader.chunks(rows))
                counts = _write(chunks, writer_kind(scores, schema), refused, strict=strict, progress=progress)
            summary = Summary(
                model=scorer.bundle.name,
                bundle=scorer.bundle.digest,
                source=source,
                source_sha256=_sha256(source),
                target=target,
                target_sha256=_sha256(made.scores),
                refused=places.refused if counts.refused else None,
                record=places.record,
                threshold=at.threshold,
                prevalence=at.prevalence,
                clear_below=at.clear_below,
                certificates=at.certificates,
                counts=counts,
            )
            if _state(source) != before:
                raise BadInput([Refusal(str(source), "should stay the same while it is read", "a change")])
            _publish(made, places, summary)
    return summary


def _beside(target: Path) -> Places:
    return Places(target, target.with_suffix(".refused.csv"), target.with_suffix(".json"))


def _check_places(source: Path, places: Places) -> None:
    for place in (places.scores, places.refused, places.record):
        if place.is_dir():
            raise BadInput([Refusal(str(place), "should be the name of a file", "a folder")])
        if source.exists() and place.exists() and source.samefile(place):
            raise BadInput([Refusal(str(source), "should be another file than those that are written", str(place))])


def _state(source: Path) -> tuple[int, int, int]:
    """What tells a file from a changed one, without reading it."""
    found = source.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _metadata(scorer: Scorer, at: Turned) -> dict[str, str]:
    """What a Parquet file says of its scores."""
    return {
        "fulcrum.model": scorer.bundle.name,
        "fulcrum.bundle": scorer.bundle.digest,
        "fulcrum.threshold": repr(at.threshold),
        "fulcrum.clear_below": repr(at.clear_below),
        "fulcrum.prevalence": repr(at.prevalence),
    }


def _write(
    chunks: Iterable[ScoredChunk],
    writer: Writer,
    refused: BinaryIO,
    *,
    strict: bool,
    progress: Callable[[Counts], None] | None,
) -> Counts:
    """Write scores and refusals as they come."""
    total = Counts()
    refused.write(_lines([("row", "path", "rule", "got")]))
    with closing(writer):
        for chunk in chunks:
            if strict and chunk.refused:
                raise BadInput(chunk.refused)
            writer.write(chunk.rows)
            refused.write(_lines((refusal.path.split(".")[1], *astuple(refusal)) for refusal in chunk.refused))
            total += chunk.counts
            if progress is not None:
                progress(total)
    return total


def _lines(cells: Iterable[tuple[str, ...]]) -> bytes:
    """Rows of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue().encode()


def _publish(made: Places, places: Places, summary: Summary) -> None:
    """Give the files their names: a summary that can be found always belongs to the result beside it."""
    with durable(made.record) as file:
        file.write(f"{summary.model_dump_json(indent=1)}\n".encode())
    places.record.unlink(missing_ok=True)
    if summary.refused is None:
        places.refused.unlink(missing_ok=True)
    else:
        put(made.refused, places.refused)
    put(made.scores, places.scores)
    put(made.record, places.record)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
