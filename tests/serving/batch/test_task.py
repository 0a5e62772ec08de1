"""A shard as a task: what goes out as text, and what has to come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from models.errors import BadBundle, BadInput
from models.scorer import Scorer
from models.turn import Setting
from serving.batch.job import score_files
from serving.batch.judge import Judge
from serving.batch.order import Order, judge_of
from serving.batch.receipt import Receipt
from serving.batch.shard import Shard
from serving.batch.task import receipt_of, score_shard
from tests.serving.batch import people


class Tasks:
    """An engine that sends each shard as text and keeps what it was given."""

    def run(self, order: Order, judge: Judge, shards: Sequence[Shard], *_: object) -> Iterator[Receipt]:
        self.order, self.judge, self.shard = order, judge, shards[0]
        for shard in shards:
            yield receipt_of(self.done(shard), order, judge, shard)

    def done(self, shard: Shard) -> tuple[str, list[tuple[str, str, str]]]:
        return score_shard(self.order.absolute().model_dump_json(), shard.model_dump_json())


def test_shards_sent_as_text_give_the_files_of_the_local_engine(screen: Scorer, tmp_path: Path) -> None:
    source, tasks = people.csv_file(tmp_path / "in.csv", people.spoiled(people.cells(40))), Tasks()
    here = score_files(screen, source, tmp_path / "here")
    there = score_files(screen, source, tmp_path / "there", engine=tasks)  # type: ignore[arg-type]  # told nothing
    assert [each.blake3 for each in here.outputs] == [each.blake3 for each in there.outputs]


def test_a_receipt_of_anything_else_than_what_was_asked_is_refused(screen: Scorer, tmp_path: Path) -> None:
    source, tasks = people.csv_file(tmp_path / "in.csv", people.cells(40)), Tasks()
    score_files(screen, source, tmp_path / "out", engine=tasks)  # type: ignore[arg-type]  # told nothing
    found = tasks.done(tasks.shard)
    assert receipt_of(found, tasks.order, tasks.judge, tasks.shard).tally.read == 40
    other = judge_of([screen], [Setting(operating_point=0.9)])
    with pytest.raises(BadInput, match=r"should be scored by handmade/screen .* at threshold 0\.8999"):
        receipt_of(found, tasks.order, other, tasks.shard)


def test_a_bundle_that_became_another_one_is_refused(screen: Scorer, tmp_path: Path) -> None:
    source, tasks = people.csv_file(tmp_path / "in.csv", people.cells(40)), Tasks()
    score_files(screen, source, tmp_path / "out", engine=tasks)  # type: ignore[arg-type]  # told nothing
    (asked,) = tasks.order.models
    tasks.order = tasks.order.model_copy(update={"models": (asked.model_copy(update={"bundle": "0" * 64}),)})
    with pytest.raises(BadBundle, match=f"should have SHA-256 {'0' * 64}, got {asked.bundle}"):
        tasks.done(tasks.shard)
