from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cross_fit import tables
from benchmarks.cross_fit.__main__ import read
from benchmarks.cross_fit.page import page, wrong
from benchmarks.cross_fit.tables import NEEDED, WAYS, Certified, Tried, tried
from benchmarks.cross_fit.worlds import World

KEPT, BROKEN = Certified(0.95, 0.96, 0.5), Certified(0.95, 0.94, 0.6)


def one(found: Certified | None, rows: int = 500) -> Tried:
    ways = dict.fromkeys(WAYS, found)
    return Tried(rows, 100, discrete=False, recall=ways, precision=ways, naive=BROKEN)


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_a_world_draws_people_who_are_sick_with_their_own_risk(seed: int) -> None:
    world = World.drawn(seed)
    assert world == World.drawn(seed)
    assert 100 <= world.rows <= 10_000
    people, risk = world.people(np.random.default_rng(0), 40_000)
    sick = (people["sick"] == "yes").to_numpy()
    assert risk.mean() == pytest.approx(world.prevalence, rel=0.1)
    # In every tenth of the risks as many are sick as these say.
    for part in np.array_split(np.argsort(risk), 10):
        error = (risk[part] * (1 - risk[part])).sum() ** 0.5
        assert abs(sick[part].sum() - risk[part].sum()) < 4 * error + 1e-9
    numbers = [column for column in world.columns if column.kind in {"normal", "skewed", "heavy"}]
    assert (not numbers) is (seed % 7 == 0)


def test_a_table_is_tried_and_read_back(tmp_path: Path) -> None:
    # Of the first worlds the smallest that holds as many sick as are needed.
    seed, world = min(
        ((seed, world) for seed in range(1, 40) if (world := World.drawn(seed)).rows * world.prevalence > 1.5 * NEEDED),
        key=lambda each: each[1].rows,
    )
    found = tried(seed)
    assert found is not None
    assert found.positives >= NEEDED
    assert all(found.recall.values())
    assert set(found.recall) == set(found.precision) == set(WAYS)
    for each in (*found.recall.values(), found.naive):
        assert each is None or (0 < each.truth <= 1 and 0 <= each.price <= 1)
    # At the worse of two scores more are flagged, never fewer.
    whole, unseen = found.recall["worse of both"], found.recall["unseen"]
    if whole and unseen:
        assert whole.truth >= unseen.truth
    file = tmp_path / "tables.jsonl"
    file.write_text(f"{json.dumps([seed, asdict(found)])}\n{json.dumps([seed + 1, None])}\n")
    assert dict(read(file)) == {seed: found, seed + 1: None}
    assert not dict(read(tmp_path / "none.jsonl"))


def test_a_table_with_fewer_sick_than_carry_the_promise_is_refused_untaught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "taught", lambda *_, **__: pytest.fail("nothing should be taught"))
    few = [seed for seed in range(1, 40) if (world := World.drawn(seed)).rows * world.prevalence < NEEDED / 2]
    assert few
    assert all(tried(seed) is None for seed in few)


def test_promises_that_are_broken_too_often_are_said() -> None:
    assert wrong([one(KEPT)] * 90 + [one(BROKEN)] * 10 + [one(None)] * 50) == []
    assert wrong([one(KEPT)] * 80 + [one(BROKEN)] * 20) == [
        "recall: should be kept in 0.840 at least, got 0.800 of 100.",
        "precision: should be kept in 0.840 at least, got 0.800 of 100.",
    ]


def test_the_page_counts_what_was_kept_and_what_was_refused() -> None:
    results = [*[one(KEPT)] * 3, one(BROKEN), one(None), replace(one(KEPT, rows=5000), discrete=True)]
    text = page(results, 8)
    assert "| all | 5 | 1 | 0.800 [0.376, 0.964] | 0.520 |" in text
    assert "| 300 to 999 rows | 4 | 1 | 0.750 [0.301, 0.954] | 0.525 |" in text
    assert "| no measured number | 1 | 0 | 1.000 [0.207, 1.000] | 0.500 |" in text
    assert "2 tables were refused whole" in text
