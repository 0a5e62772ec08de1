from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.errors import BadStudy
from models.manifest import CrossFitted
from tests import small_study
from training.comparing.bench import Bench, Purpose
from training.comparing.dealing import (
    Dealt,
    Pool,
    chosen,
    deal,
    dealt_in_words,
    for_search,
    pool,
    without_test,
)
from training.data import Data
from training.model import Budget
from training.run import Crossed, Loaded
from training.split import PARTS, ByDate, ByGroup, CrossFit, Random, Shares, Split
from training.study import Study

DAYS = ByDate(
    column="day",
    since=date(2020, 1, 1),
    certify_from=date(2020, 3, 1),
    test_from=date(2020, 4, 1),
    until=date(2020, 5, 1),
    before=Random(shares=Shares(training=0.7, validation=0.3, certification=0.0, test=0.0)),
)


def table(rows: int = 1200) -> pl.DataFrame:
    days = [date(2020, 1, 1) + timedelta(days=row % 120) for row in range(rows)]
    return pl.DataFrame({"row": np.arange(rows), "patient": np.arange(rows) // 3, "day": days})


def study(split: Split) -> Study:
    return small_study.study(split=split)


def parts(split: Split, rows: int = 1200) -> dict[str, Data]:
    """The parts of a study as they are loaded; each row knows its own number."""
    people = table(rows)
    sick = (np.arange(rows) % 7 < 2).astype(np.float32)
    places = split.parts(people, sick.astype(np.int64), 0)
    columns = np.column_stack([np.arange(rows), np.zeros(rows)]).astype(np.float32)
    whole = Data(columns=columns, labels={"sick": sick}, groups=None, table=people)
    return {name: chosen(whole, places[name]) for name in PARTS}


def rows_of(part: Data) -> set[int]:
    return set(part.columns[:, 0].astype(int).tolist())


def dealt(split: Split, seed: int = 1) -> tuple[Pool, Dealt]:
    held = pool(study(split), parts(split))
    return held, deal(without_test(split), held, "sick", seed)


@pytest.mark.parametrize("split", [Random(), ByGroup(column="patient"), DAYS], ids=lambda split: type(split).__name__)
def test_no_row_of_the_test_part_is_dealt_and_none_is_for_two_things(split: Split) -> None:
    held, each = dealt(split)
    test = rows_of(parts(split)["test"])
    assert test
    used = [rows_of(chosen(held.data, rows)) for rows in (each.fit, each.stop, each.judge)]
    assert sum(map(len, used)) == len(set.union(*used))
    assert not test & set.union(*used)
    fit, stop = (held.parts(each)[name] for name in ("training", "validation"))
    assert (rows_of(fit), rows_of(stop)) == (used[0], used[1])
    np.testing.assert_array_equal(fit.table["row"].to_numpy(), fit.columns[:, 0])


def test_as_many_rows_are_fitted_on_as_the_study_itself_has() -> None:
    for split in (Random(), ByGroup(column="patient")):
        held, each = dealt(split)
        own = parts(split)
        for name, rows in (("training", each.fit), ("validation", each.stop), ("certification", each.judge)):
            assert len(rows) == pytest.approx(len(own[name].columns), abs=6)
        assert held.data.labels["sick"][each.judge].mean() == pytest.approx(2 / 7, abs=0.03)


def test_all_rows_of_a_person_are_for_one_thing() -> None:
    held, each = dealt(ByGroup(column="patient"))
    people = [set(held.people[rows].tolist()) for rows in (each.fit, each.stop, each.judge)]
    assert sum(map(len, people)) == len(set.union(*people))


def test_another_seed_deals_otherwise_and_the_same_seed_alike() -> None:
    _, first = dealt(Random(), 1)
    _, again = dealt(Random(), 1)
    _, second = dealt(Random(), 2)
    np.testing.assert_array_equal(first.judge, again.judge)
    assert not np.array_equal(first.judge, second.judge)


def test_where_time_splits_the_later_rows_are_judged_in_every_seed() -> None:
    (held, first), (_, second) = dealt(DAYS, 1), dealt(DAYS, 2)
    np.testing.assert_array_equal(first.judge, second.judge)
    assert not np.array_equal(first.fit, second.fit)
    judged = chosen(held.data, first.judge).table["day"]
    assert judged.min() == date(2020, 3, 1)
    assert judged.max() == date(2020, 3, 31)
    assert chosen(held.data, first.fit).table["day"].max() < date(2020, 3, 1)
    assert dealt_in_words((first, second), grouped=False) == (
        "The same later rows judged in every seed; those before dealt anew to fit and to stop by, a row a person."
    )


def test_how_rows_were_dealt_is_told() -> None:
    split = ByGroup(column="patient")
    (_, first), (_, second) = dealt(split, 1), dealt(split, 2)
    assert dealt_in_words((first, second), grouped=True) == (
        "Dealt anew in every seed to fit, to stop by and to judge, all rows of a person in one part."
    )
    assert dealt_in_words((first, first), grouped=False) == (
        "The same rows in every seed, as the study splits them; only the luck of training differs."
    )


def test_a_search_deals_training_and_validation_part_alone_and_keeps_people_together() -> None:
    split = ByGroup(column="patient")
    own = parts(split)
    held = pool(study(split), own, ("training", "validation"))
    assert rows_of(held.data) == rows_of(own["training"]) | rows_of(own["validation"])
    each = deal(for_search(study(split)), held, "sick", 1)
    people = [set(held.people[rows].tolist()) for rows in (each.fit, each.stop, each.judge)]
    assert sum(map(len, people)) == len(set.union(*people))
    assert isinstance(for_search(study(DAYS)), Random)


def test_where_every_row_teaches_a_search_judges_by_people_that_nothing_is_certified_on() -> None:
    split = CrossFit(column="patient", searched=0.25, test=0.2, certify_one_each=True)
    bench = crossed(split, "search")
    own = parts(split)
    certified = set(own["certification"].table["patient"])
    assert rows_of(bench.pool.data) == rows_of(own["training"])
    judged = set()
    for seed in (1, 2):
        each = bench.deal(seed)
        used = [rows_of(chosen(bench.pool.data, rows)) for rows in (each.fit, each.stop, each.judge)]
        # All that teaches has its use, and no person has two.
        assert set.union(*used) == rows_of(own["training"])
        assert sum(map(len, used)) == len(own["training"].columns)
        people = [set(bench.pool.people[rows].tolist()) for rows in (each.fit, each.stop, each.judge)]
        assert sum(map(len, people)) == len(set.union(*people))
        assert used[2] == rows_of(own["validation"])
        assert not {row // 3 for row in used[2]} & certified
        judged.add(frozenset(used[0]))
    assert len(judged) == 2


def test_where_every_row_teaches_and_is_certified_on_a_search_has_nothing_to_judge_by() -> None:
    with pytest.raises(BadStudy) as caught:
        crossed(CrossFit(), "search")
    assert str(caught.value) == (
        "split.searched: should be above 0 to search for models: on what they are chosen by, none is certified."
    )


def test_where_every_row_teaches_a_comparison_deals_all_of_them_anew() -> None:
    split = CrossFit(column="patient", test=0.2)
    bench, own = crossed(split, "comparison"), parts(split)
    first, second = bench.deal(1), bench.deal(2)
    for each in (first, second):
        people = [set(bench.pool.people[rows].tolist()) for rows in (each.fit, each.stop, each.judge)]
        assert sum(map(len, people)) == len(set.union(*people)) == len(set(own["training"].table["patient"]))
    assert not np.array_equal(first.judge, second.judge)
    assert not rows_of(bench.pool.data) & rows_of(own["test"])


def crossed(split: CrossFit, purpose: Purpose) -> Bench:
    own = parts(split)
    places = np.searchsorted(own["training"].columns[:, 0], own["certification"].columns[:, 0])
    held = np.zeros((len(own["training"].columns), split.copies), dtype=bool)
    how = CrossFitted(folds=split.folds, repeats=split.repeats)
    made = small_study.model().model_copy(update={"budget": Budget(schedule="cosine")})
    study = small_study.study(made, split=split)
    return Bench.of(study, Loaded(own, {}, Crossed(how, held, places)), purpose)


def test_rows_of_one_kind_alone_can_not_be_dealt() -> None:
    held = pool(study(Random()), parts(Random()))
    healthy = Pool(chosen(held.data, np.flatnonzero(held.data.labels["sick"] == 0)), held.people)
    with pytest.raises(BadStudy) as caught:
        deal(without_test(Random()), healthy, "sick", 3)
    assert str(caught.value).startswith("split: the training rows should hold cases of both kinds in seed 3, got ")
