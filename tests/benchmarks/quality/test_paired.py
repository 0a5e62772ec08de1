from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from benchmarks.quality import paired
from benchmarks.quality.paired import Share


def runs(cells: list[tuple[str, int, str, float | None]]) -> pl.DataFrame:
    return pl.DataFrame(cells, schema=["table", "repeat", "peer", "figure"], orient="row", infer_schema_length=None)


TWO = runs(
    [
        ("small", 0, "a", 0.5), ("small", 1, "a", 0.7), ("large", 0, "a", 0.9),
        ("small", 0, "b", 0.4), ("small", 1, "b", 0.4), ("large", 0, "b", 0.95),
    ]
)  # fmt: skip


def test_tables_count_alike_however_many_repeats_they_have() -> None:
    assert paired.means(TWO, "figure") == pytest.approx({"a": (0.6 + 0.9) / 2, "b": (0.4 + 0.95) / 2})


def test_the_highest_figure_of_a_table_has_rank_one_and_equals_share_a_rank() -> None:
    assert paired.mean_ranks(TWO, "figure") == {"a": 1.5, "b": 1.5}
    three = pl.concat([TWO, runs([("small", 0, "c", 0.6), ("small", 1, "c", 0.6), ("large", 0, "c", 0.1)])])
    assert paired.mean_ranks(three, "figure") == {"a": (1.5 + 2) / 2, "b": (3 + 1) / 2, "c": (1.5 + 3) / 2}


def test_only_runs_that_all_peers_have_are_compared() -> None:
    short = TWO.filter(~((pl.col("peer") == "b") & (pl.col("repeat") == 1)))
    kept = paired.common(short, ["a", "b"])
    assert sorted(kept.select("table", "repeat", "peer").rows()) == [
        ("large", 0, "a"), ("large", 0, "b"), ("small", 0, "a"), ("small", 0, "b"),
    ]  # fmt: skip
    apart = paired.difference(short, "a", "b", "figure")
    assert apart is not None
    assert apart.mean == pytest.approx((0.1 - 0.05) / 2)


def test_a_difference_is_taken_table_by_table() -> None:
    random = np.random.default_rng(3)
    ours, theirs = random.random((9, 2)), random.random((9, 2)) * 0.6
    cells = [
        (str(t), r, name, float(of[t, r]))
        for t in range(9)
        for r in range(2)
        for name, of in (("a", ours), ("b", theirs))
    ]
    found = paired.difference(runs(cells), "a", "b", "figure")
    apart = (ours - theirs).mean(axis=1)
    assert found is not None
    assert found.mean == pytest.approx(apart.mean())
    assert found.p == pytest.approx(stats.wilcoxon(apart).pvalue)
    reference = stats.bootstrap((apart,), np.mean, method="percentile", random_state=1).confidence_interval
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=0.02)
    assert (found.better, found.alike, found.worse) == (int((apart > 0.002).sum()), 0, int((apart < -0.002).sum()))


def test_the_other_way_round_a_difference_changes_its_sign() -> None:
    one, other = paired.difference(TWO, "a", "b", "figure"), paired.difference(TWO, "b", "a", "figure")
    assert one is not None
    assert other is not None
    assert (one.mean, one.low, one.better) == pytest.approx((-other.mean, -other.high, other.worse))


def test_no_difference_at_all_has_a_p_of_one() -> None:
    same = paired.difference(TWO.with_columns(figure=pl.lit(0.5)), "a", "b", "figure")
    assert same is not None
    assert (same.mean, same.p, same.alike) == (0, 1, 2)


def test_a_peer_without_a_figure_is_not_ranked_by_it() -> None:
    holes = TWO.with_columns(pl.when(pl.col("peer") == "b").then(None).otherwise(pl.col("figure")).alias("figure"))
    assert paired.mean_ranks(holes, "figure") == {"a": 1.0}
    assert paired.difference(holes, "a", "b", "figure") is None


def test_a_run_without_a_promise_neither_keeps_nor_breaks_one() -> None:
    share = Share.of([True, False, None, True, True])
    assert share is not None
    assert share.share == 0.75
    assert share.error == pytest.approx(stats.binom(4, 0.75).std() / 4)
    assert share.runs == 4
    assert Share.of([None]) is None
    cells = pl.DataFrame({"peer": ["a", "a", "b"], "kept": [True, None, False]})
    assert paired.kept(cells, "a", "kept") == Share(1.0, 0.0, 1)
