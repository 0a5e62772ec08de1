"""Files in, files out: the scorer that answers over HTTP scores every row of them, or refuses it by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa

from models.errors import BadInput, Refusal
from models.scorer import RELEASED, Scorer
from models.turn import Setting
from serving.batch.apart import check_apart
from serving.batch.doing import Told, check_unchanged, columns_of, cores, opened
from serving.batch.engines.engine import Engine
from serving.batch.engines.local import Local
from serving.batch.files import files_of, writing
from serving.batch.formats.form import WHOLE
from serving.batch.giving_back import give_back
from serving.batch.judge import Judge
from serving.batch.layout import layout_of
from serving.batch.order import Asked, Order, Source, judge_of
from serving.batch.place import Place
from serving.batch.receipt import Made, Receipt
from serving.batch.refused import gather
from serving.batch.resuming import done_before
from serving.batch.run import ModelRun, Output, Run
from serving.batch.shard import SHARD_BYTES, SHARD_ROWS, Piece, Shard
from serving.batch.sources import sources
from serving.counts import Tally


@dataclass(frozen=True)
class Progress:
    """How far a job is: the rows counted, and which share of the bytes of its files, from 0 to 1."""

    tally: Tally
    share: float


def score_files(
    scorer: Scorer | Sequence[Scorer],
    source: str | Path,
    target: str | Path,
    *,
    strict: bool = False,
    setting: Setting | Sequence[Setting] = RELEASED,
    keep: Sequence[str] | None = None,
    overwrite: bool = False,
    engine: Engine | None = None,
    progress: Callable[[Progress], None] | None = None,
    rows_per_chunk: int | None = None,
) -> Run:
    """Score the tables of a file, a folder, a pattern or a store into a file or a folder, in constant memory.

    Two scorers, the screen and the pre-surgical model, answer in one pass, and together by the pathway. A photograph is
    the path of a file, from the folder of its table on, or in Parquet its bytes.

    The result has the columns of the source, unchanged and in order, or those to `keep`; then those of the answer. A
    row that breaks the schema is left out of it and goes to `OUT.refused`, a line a bad cell; with `strict` the first
    of them stops the job. A target that ends in .parquet, .csv or .arrow is one file, any other a folder of one file a
    shard. Each appears whole or not at all, and last of all `OUT.manifest.json`. Shards in a folder that are done are
    not done again; those of another job are refused unless they are to be written over.

    Raises BadInput, and nothing is written, if a file, a column or a setting is refused; if that is found out later,
    the shards that were done by then stay.
    """
    return _Job(
        scorers=[scorer] if isinstance(scorer, Scorer) else list(scorer),
        settings=[setting] if isinstance(setting, Setting) else list(setting),
        source=str(source),
        target=str(target),
        strict=strict,
        keep=None if keep is None else tuple(dict.fromkeys(keep)),
        overwrite=overwrite,
        rows_per_chunk=rows_per_chunk,
    ).run(engine or Local(), progress or (lambda _: None))


@dataclass(frozen=True)
class _Job:
    scorers: list[Scorer]
    settings: list[Setting]
    source: str
    target: str
    strict: bool
    keep: tuple[str, ...] | None
    overwrite: bool
    rows_per_chunk: int | None

    def run(self, engine: Engine, progress: Callable[[Progress], None]) -> Run:
        places = sources(self.source)
        layout = layout_of(self.target, like=places[0])
        check_apart(self.source, places, layout)
        settings = self.settings * len(self.scorers) if len(self.settings) == 1 else self.settings
        judge = judge_of(self.scorers, settings)
        known = [Source(path=str(place), size=place.size(), state=place.state(), digest="") for place in places]
        order = Order(
            models=tuple(
                Asked(folder=scorer.bundle.folder.absolute(), bundle=scorer.bundle.digest, setting=setting)
                for scorer, setting in zip(self.scorers, settings, strict=True)
            ),
            sources=tuple(known),
            target=layout.target,
            folder=layout.folder,
            ending=layout.ending,
            keep=self.keep,
            strict=self.strict,
            rows_per_chunk=self.rows_per_chunk,
        )
        shards = _cut(order, judge)
        give_back()
        files = files_of(layout.target)
        with files.held(layout):
            order = order.model_copy(update={"sources": _digested(order.sources)})
            wanted = {shard.number: Made.of(order, judge, shard) for shard in shards}
            receipts = done_before(files, order, wanted, overwrite=self.overwrite)
            todo = [shard for shard in shards if shard.number not in receipts]
            if todo and layout.folder:
                files.remove(layout.manifest)  # What it speaks of is not all there.
            meter = _Meter(order, judge, tuple(receipts.values()), progress)

            def told(now: Told) -> None:
                files.check()
                meter.told(now)

            for receipt in engine.run(order, judge, todo, told):
                receipts[receipt.number] = receipt
            done = [receipts[shard.number] for shard in shards]
            with writing(layout.refused):
                refused = gather(files, order, shards, done)
            run = _run(order, judge, done, refused=refused)
            with writing(layout.manifest):
                files.write(layout.manifest, f"{run.model_dump_json(indent=1)}\n".encode())
        return run


class _Meter:
    """Adds up what is told."""

    def __init__(
        self, order: Order, judge: Judge, before: Sequence[Receipt], progress: Callable[[Progress], None]
    ) -> None:
        self._all = max(1, sum(source.size for source in order.sources))
        self._weight = sum(receipt.weight for receipt in before)
        self._tally = sum((receipt.tally for receipt in before), judge.refusing(0))
        self._progress = progress

    def told(self, told: Told) -> None:
        self._weight += told.weight
        self._tally += told.tally
        self._progress(Progress(self._tally, min(1.0, self._weight / self._all)))


def _cut(order: Order, judge: Judge) -> Sequence[Shard]:
    """The shards of a job, all of whose files are looked at before any work."""
    first: pa.Schema | None = None
    pieces: list[Piece] = []
    for number, source in enumerate(order.sources):
        with closing(opened(source, judge)) as reader:
            try:
                schema = columns_of(order, judge, reader.schema)
            except BadInput as error:
                raise (error if len(order.sources) == 1 else _named(source, error)) from None
            first = schema if first is None else first
            if not schema.equals(first):
                # What is said of rows comes last, and is the same.
                own, others = (list(each)[: -len(judge.said)] for each in (schema, first))
                raise BadInput([_unlike(source, own, order.sources[0], others)])
            spans = reader.spans(SHARD_ROWS, SHARD_BYTES) if order.folder else (WHOLE,)
            pieces += [Piece.of(number, span) for span in spans]
    if not order.folder:
        return (Shard(number=0, pieces=tuple(pieces)),)
    return tuple(Shard(number=number, pieces=(piece,)) for number, piece in enumerate(pieces))


def _named(source: Source, error: BadInput) -> BadInput:
    return BadInput(
        [Refusal(f"{source.path}: {refusal.path}", refusal.rule, refusal.got) for refusal in error.refusals]
    )


def _unlike(source: Source, fields: Sequence[pa.Field], other: Source, first: Sequence[pa.Field]) -> Refusal:
    """In which column two files of a job differ."""
    rule = f"should have the columns of {other.path}"
    for one, two in zip_longest(first, fields):
        if one is None or two is None or not one.equals(two):
            wanted, got = (f"{each.name} ({each.type})" if each is not None else "no column" for each in (one, two))
            return Refusal(source.path, f"{rule}, {wanted}", got)
    return Refusal(source.path, rule, "other metadata")


def _digested(known: Sequence[Source]) -> tuple[Source, ...]:
    """What is in the files, by several threads at once."""
    with ThreadPoolExecutor(cores()) as pool:
        digests = list(pool.map(lambda source: Place(source.path).digest(), known))
    for source in known:
        check_unchanged(source)
    return tuple(source.model_copy(update={"digest": digest}) for source, digest in zip(known, digests, strict=True))


def _run(order: Order, judge: Judge, done: Sequence[Receipt], *, refused: bool) -> Run:
    tally: Tally = sum((receipt.tally for receipt in done), judge.refusing(0))
    layout = order.layout
    return Run(
        sources=order.sources,
        target=order.target,
        outputs=tuple(
            Output(
                path=layout.part(receipt.number),
                blake3=receipt.blake3,
                size=receipt.size,
                rows=receipt.tally.read - receipt.tally.refused,
            )
            for receipt in done
        ),
        refused=layout.refused if refused else None,
        manifest=layout.manifest,
        keep=order.keep,
        strict=order.strict,
        models=tuple(
            ModelRun(
                model=scorer.bundle.name,
                bundle=scorer.bundle.digest,
                threshold=at.threshold,
                prevalence=at.prevalence,
                clear_below=at.clear_below,
                certificates=at.certificates,
                counts=counts,
            )
            for (scorer, at), counts in zip(judge.models, tally.models, strict=True)
        ),
        pathway=tally.pathway,
    )
