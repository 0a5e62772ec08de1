from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.errors import BadStudy
from models.value import Value, descendants
from training.split import PARTS, ByDate, ByGroup, CrossFit, Random, Shares, Split

BEFORE = Random(shares=Shares(training=0.75, validation=0.25, certification=0, test=0))
DAYS = ByDate(
    column="day",
    since=date(2020, 3, 1),
    certify_from=date(2020, 3, 20),
    test_from=date(2020, 3, 25),
    until=date(2020, 4, 1),
    before=BEFORE,
)
SPLITS: list[Split] = [
    Random(),
    ByGroup(column="patient"),
    DAYS,
    DAYS.model_copy(update={"before": ByGroup(column="patient", shares=BEFORE.shares)}),
    CrossFit(test=0.2),
    CrossFit(column="patient", searched=0.3),
    DAYS.model_copy(update={"before": CrossFit(column="patient", folds=3), "certify_from": None}),
]
NAMES = ["Random", "ByGroup", "ByDate", "ByDate of groups", "CrossFit", "CrossFit of groups", "ByDate of CrossFit"]
every_split = pytest.mark.parametrize("split", SPLITS, ids=NAMES)


def visits(rows: int = 2000, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "patient": [f"p{number}" for number in random.integers(0, rows // 3, rows)],
            "day": [date(2020, 2, 20) + timedelta(int(day)) for day in random.integers(0, 50, rows)],
        }
    )
    return table, (random.random(rows) < 0.2).astype(np.int64)


def test_every_split_is_tested_here() -> None:
    assert {type(split) for split in SPLITS} == {
        kind for kind in descendants(Split) if kind.__module__.startswith("training.")
    }


@every_split
@pytest.mark.parametrize("seed", range(5))
def test_no_row_is_in_two_parts_and_the_order_of_the_table_is_kept(split: Split, seed: int) -> None:
    table, targets = visits(seed=seed)
    parts = split.parts(table, targets, seed)
    assert set(parts) == set(PARTS)
    alone = PARTS
    if split.crossing is not None:
        # What teaches is certified on too, by copies of a network that never saw it, but for what a search chooses by.
        others = np.sort(np.concatenate([parts["validation"], parts["certification"]]))
        assert np.array_equal(others, parts["training"])
        assert (len(parts["validation"]) > 0) is (split.crossing.searched > 0)
        alone = ("training", "test")
    together = np.concatenate([parts[name] for name in alone])
    assert len(np.unique(together)) == len(together)
    for rows in parts.values():
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()


@every_split
def test_a_row_is_left_out_on_purpose_only(split: Split) -> None:
    table, targets = visits()
    used = np.unique(np.concatenate(list(split.parts(table, targets, 0).values())))
    days = table["day"].to_numpy()
    wanted = np.arange(len(table))
    if isinstance(split, ByDate):
        wanted = np.flatnonzero((days >= np.datetime64("2020-03-01")) & (days < np.datetime64("2020-04-01")))
    if isinstance(split, ByDate) and split.group:
        # A later row of a patient who was seen before is left out too; that is the only other reason.
        patients = table[split.group].to_numpy()
        wanted = wanted[np.isin(wanted, used) | ~np.isin(patients[wanted], patients[used])]
    assert np.array_equal(used, wanted)


@every_split
def test_a_seed_gives_the_same_parts_again_and_another_seed_others(split: Split) -> None:
    table, targets = visits()
    first, again, other = (split.parts(table, targets, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in PARTS)
    if split.crossing is None:
        assert not np.array_equal(first["training"], other["training"])


@every_split
def test_it_is_read_back_as_what_it_was(split: Split) -> None:
    class Parted(Value):
        split: Split

    assert Parted.model_validate_json(Parted(split=split).model_dump_json()) == Parted(split=split)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(2, 400), min_size=2, max_size=2),
    st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    st.integers(0, 2**31),
)
def test_each_kind_is_shared_out_to_the_row(kinds: list[int], sizes: list[float], seed: int) -> None:
    whole = [size / sum(sizes) for size in sizes]
    shares = Shares(**dict(zip(PARTS, whole, strict=True)))
    targets = np.random.default_rng(seed).permutation(np.repeat([0, 1], kinds))
    parts = Random(shares=shares).parts(pl.DataFrame({"x": targets}), targets, seed)
    for name, share in zip(PARTS, whole, strict=True):
        for kind, count in enumerate(kinds):
            found = int((targets[parts[name]] == kind).sum())
            assert abs(found - share * count) <= 1 + 1e-6, (name, kind)


def test_chance_is_blind_to_the_order_of_the_table() -> None:
    targets = np.repeat([0, 1], 500)
    places = [Random().parts(pl.DataFrame({"x": targets}), targets, seed)["test"] for seed in range(100)]
    counts = np.bincount(np.concatenate(places), minlength=1000)
    # Each row is in the test part 15 times of 100, give or take chance: no row is always or never there.
    assert counts.min() >= 1
    assert counts.max() <= 34


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=200), st.integers(0, 1000))
def test_pitfall_a_patient_is_never_on_both_sides_of_a_split(rows: list[tuple[int, bool]], seed: int) -> None:
    table = pl.DataFrame({"patient": [f"patient {patient}" for patient, _ in rows]})
    targets = np.array([sick for _, sick in rows], dtype=np.int64)
    parts = ByGroup(column="patient").parts(table, targets, seed)
    patients = [set(table["patient"].gather(chosen).to_list()) for chosen in parts.values()]
    assert sum(map(len, patients)) == len(set.union(*patients))
    assert sum(len(chosen) for chosen in parts.values()) == len(rows)


def test_sick_patients_are_shared_out_like_healthy_ones() -> None:
    table, targets = visits(6000)
    table = table.with_columns(pl.Series("sick", targets))
    patients = table.group_by("patient").agg(pl.col("sick").max())
    sick = dict(zip(patients["patient"], patients["sick"], strict=True))
    parts = ByGroup(column="patient").parts(table, targets, 0)
    for name, share in zip(PARTS, Shares().all, strict=True):
        here = set(table["patient"].gather(parts[name]).to_list())
        for kind in (0, 1):
            everywhere = sum(value == kind for value in sick.values())
            assert abs(sum(sick[patient] == kind for patient in here) - share * everywhere) <= 1 + 1e-6


def test_one_row_of_each_patient_may_be_certified_on_and_is_drawn_by_chance() -> None:
    table, targets = visits(seed=1)
    whole = ByGroup(column="patient").parts(table, targets, 1)
    one = ByGroup(column="patient", certify_one_each=True).parts(table, targets, 1)
    for name in ("training", "validation", "test"):
        assert np.array_equal(one[name], whole[name])
    patients = table["patient"].to_numpy()
    certified = patients[one["certification"]]
    assert set(certified) == set(patients[whole["certification"]])
    assert len(certified) == len(set(certified)) < len(whole["certification"])
    assert np.isin(one["certification"], whole["certification"]).all()
    # By chance: neither always the first nor always the last visit.
    first = np.unique(patients[whole["certification"]], return_index=True)[1]
    taken = np.isin(one["certification"], whole["certification"][first]).mean()
    assert 0.2 < taken < 0.8


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series("patient", [1, 1, 2, 3] * 25),
        pl.Series("patient", [True, False] * 50),
        pl.Series("patient", ["a", "b", "c", "a"] * 25, dtype=pl.Categorical),
        pl.Series("patient", [date(2020, 1, 1), date(2020, 1, 2)] * 50),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_a_group_may_be_named_in_any_type(cells: pl.Series) -> None:
    parts = ByGroup(column="patient").parts(pl.DataFrame([cells]), np.array([0, 1] * 50), 0)
    found = [set(cells.gather(rows).to_list()) for rows in parts.values()]
    assert sum(map(len, found)) == cells.n_unique()


def test_a_row_without_a_group_is_refused() -> None:
    table = pl.DataFrame({"patient": ["a", None, "b", None]})
    with pytest.raises(BadStudy) as caught:
        ByGroup(column="patient").parts(table, np.array([0, 1, 0, 1]), 0)
    assert str(caught.value) == "split.column: patient should be known in every row, got 2 empty."


def test_no_rows_are_parted_into_no_rows() -> None:
    for split in SPLITS:
        parts = split.parts(visits()[0][:0], np.empty(0, dtype=np.int64), 0)
        assert [len(parts[name]) for name in PARTS] == [0, 0, 0, 0]


def test_dates_bound_the_parts_the_first_day_in_and_the_last_out() -> None:
    table, targets = visits()
    parts = DAYS.parts(table, targets, 0)
    days = {name: table["day"].gather(rows) for name, rows in parts.items()}
    assert (days["test"].min(), days["test"].max()) == (date(2020, 3, 25), date(2020, 3, 31))
    assert (days["certification"].min(), days["certification"].max()) == (date(2020, 3, 20), date(2020, 3, 24))
    early = pl.concat([days["training"], days["validation"]])
    assert (early.min(), early.max()) == (date(2020, 3, 1), date(2020, 3, 19))
    assert len(days["training"]) / len(early) == pytest.approx(0.75, abs=0.005)


def test_without_a_day_of_certification_the_earlier_split_makes_that_part() -> None:
    table, targets = visits()
    before = Random(shares=Shares(training=0.5, validation=0.2, certification=0.3, test=0))
    split = DAYS.model_copy(update={"certify_from": None, "before": before})
    parts = split.parts(table, targets, 0)
    assert table["day"].gather(parts["certification"]).max() == date(2020, 3, 24)
    assert len(parts["certification"]) == pytest.approx(0.3 * sum(len(parts[name]) for name in PARTS[:3]), abs=2)


@pytest.mark.parametrize("kind", ["text", "time of day"])
def test_dates_may_be_text_or_carry_a_time(kind: str) -> None:
    table, targets = visits()
    if kind == "text":
        written = table.with_columns(pl.col("day").cast(pl.String))
    else:
        written = table.with_columns(pl.col("day").cast(pl.Datetime) + timedelta(hours=23))
    first, second = DAYS.parts(table, targets, 0), DAYS.parts(written, targets, 0)
    assert all(np.array_equal(first[name], second[name]) for name in PARTS)


def days(*cells: object) -> pl.DataFrame:
    return pl.DataFrame({"day": cells, "patient": ["a"] * len(cells)}, strict=False)


NO_DATE = "split.column: day should hold a date in every row."


@pytest.mark.parametrize(
    ("split", "table", "text"),
    [
        (DAYS, days(date(2020, 3, 3), None), NO_DATE),
        (DAYS, days("2020-03-03", ""), NO_DATE),
        (DAYS, days("2020-03-03", "3 March"), NO_DATE),
        (DAYS, days(20200303, 20200304), NO_DATE),
        (
            DAYS.model_copy(update={"column": "date"}),
            days("2020-03-03", "2020-03-03"),
            "split.column: should be a column of the table (day, patient), got date.",
        ),
        (
            ByGroup(column="household"),
            days("2020-03-03", "2020-03-03"),
            "split.column: should be a column of the table (day, patient), got household.",
        ),
        (
            DAYS.model_copy(
                update={"before": Random(shares=Shares(training=0.5, validation=0.25, certification=0.25, test=0))}
            ),
            days(*["2020-03-03"] * 20),
            "split.before: its certification share should be 0, that part being the later rows.",
        ),
        (
            DAYS.model_copy(
                update={"before": Random(shares=Shares(training=0.5, validation=0.25, certification=0, test=0.25))}
            ),
            days(*["2020-03-03"] * 20),
            "split.before: its test share should be 0, that part being the later rows.",
        ),
    ],
)
def test_a_table_that_can_not_be_taken_apart_is_refused(split: Split, table: pl.DataFrame, text: str) -> None:
    with pytest.raises(BadStudy) as caught:
        split.parts(table, np.arange(table.height) % 2, 0)
    assert str(caught.value) == text


def test_dates_rise() -> None:
    with pytest.raises(ValidationError) as caught:
        ByDate(column="day", since=date(2020, 3, 2), test_from=date(2020, 3, 2), until=date(2020, 3, 3), before=BEFORE)
    assert caught.value.errors()[0]["msg"] == (
        "Value error, since, certify_from, test_from and until should rise, got 2020-03-02, 2020-03-02, 2020-03-03"
    )


def test_shares_add_up() -> None:
    with pytest.raises(ValidationError) as caught:
        Shares(training=0.5, validation=0.5, certification=0.2, test=0.1)
    assert caught.value.errors()[0]["msg"] == "Value error, shares should add up to 1, got 1.3"


def test_pitfall_a_patient_seen_early_is_left_out_of_the_later_parts() -> None:
    random = np.random.default_rng(0)
    days = [date(2020, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 90, 3000)]
    table = pl.DataFrame({"day": days, "patient": random.integers(0, 900, 3000)})
    sick = (random.random(3000) < 0.3).astype(np.int64)
    shares = Shares(training=0.7, validation=0.3, certification=0, test=0)
    split = ByDate(
        column="day",
        since=date(2020, 1, 1),
        certify_from=date(2020, 2, 1),
        test_from=date(2020, 3, 1),
        until=date(2020, 4, 1),
        before=ByGroup(column="patient", shares=shares),
    )
    parts = split.parts(table, sick, 0)
    owners = {name: set(table["patient"].gather(rows).to_list()) for name, rows in parts.items()}
    assert sum(map(len, owners.values())) == len(set().union(*owners.values()))
    seen = owners["training"] | owners["validation"]
    new = table.with_row_index().filter(
        (pl.col("day") >= date(2020, 2, 1)) & (pl.col("day") < date(2020, 3, 1)) & ~pl.col("patient").is_in(list(seen))
    )
    assert parts["certification"].tolist() == new["index"].to_list()
    assert len(parts["test"]) > 0


def test_a_later_row_without_a_group_is_refused_too() -> None:
    table = pl.DataFrame(
        {
            "day": [date(2020, 1, 1 + place % 20) for place in range(40)] + [date(2020, 2, 1)] * 2 + [date(2021, 1, 1)],
            "patient": [*map(str, range(41)), None, None],
        }
    )
    split = ByDate(
        column="day",
        since=date(2020, 1, 1),
        test_from=date(2020, 2, 1),
        until=date(2020, 3, 1),
        before=ByGroup(column="patient", shares=Shares(training=0.4, validation=0.3, certification=0.3, test=0)),
    )
    with pytest.raises(BadStudy) as caught:
        split.parts(table, np.arange(43) % 2, 0)
    assert str(caught.value) == "split.column: patient should be known in every row, got 1 empty."


# Every row teaches


CROSSED: list[Split] = [split for split in SPLITS if split.crossing is not None]
every_crossing = pytest.mark.parametrize("split", CROSSED, ids=NAMES[-len(CROSSED) :])


def dealt(split: Split, seed: int = 1) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """The rows that teach, who of them is sick, and which copies never see which of them."""
    table, targets = visits(seed=seed)
    rows, held = split.parts(table, targets, seed)["training"], split.held(table, targets, seed)
    assert held is not None
    assert held.dtype == np.bool_
    assert held.shape == (len(rows), split.copies)
    return table[rows], targets[rows], held


@every_crossing
def test_each_row_that_teaches_is_kept_from_one_copy_each_time_rows_are_dealt(split: Split) -> None:
    assert split.crossing is not None
    folds, repeats = split.crossing.folds, split.crossing.repeats
    assert split.copies == folds * repeats
    held = dealt(split)[2]
    for repeat in range(repeats):
        assert (held[:, repeat * folds : (repeat + 1) * folds].sum(axis=1) == 1).all()
    # Dealt anew each time: what was together is taken apart, but for one in `folds` or so.
    once, again = held[:, 0], held[:, folds]
    assert (once & again).sum() < 2 * once.sum() / folds


@every_crossing
def test_folds_hold_as_many_sick_and_as_many_healthy_people_to_one(split: Split) -> None:
    table, targets, held = dealt(split)
    people = table[split.group].to_numpy() if split.group else np.arange(len(table))
    sick = set(people[targets == 1])
    for wanted in (True, False):
        counts = [len({person for person in people[fold] if (person in sick) is wanted}) for fold in held.T]
        assert max(counts) - min(counts) <= 1
        assert min(counts) > 0


@pytest.mark.parametrize("seed", range(3))
def test_pitfall_a_copy_sees_all_rows_of_a_patient_or_none(seed: int) -> None:
    for split in CROSSED[1:]:
        table, _, held = dealt(split, seed)
        patients = table["patient"].to_numpy()
        for fold in held.T:
            assert not set(patients[fold]) & set(patients[~fold])


@every_crossing
def test_the_same_seed_deals_alike_and_another_otherwise(split: Split) -> None:
    table, targets = visits()
    first, again, other = (split.held(table, targets, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_splits_that_set_cases_aside_to_certify_on_keep_nothing_from_a_network() -> None:
    table, targets = visits()
    for split in SPLITS:
        if split.crossing is None:
            assert (split.held(table, targets, 0), split.copies) == (None, 1)


def test_the_test_share_is_of_people_of_both_kinds_and_nothing_of_it_teaches() -> None:
    table, targets = visits(4000)
    patients = table["patient"].to_numpy()
    parts = CrossFit(column="patient", test=0.25).parts(table, targets, 3)
    tested = set(patients[parts["test"]])
    assert not tested & set(patients[parts["training"]])
    sick = set(patients[targets == 1])
    for people in (sick, set(patients) - sick):
        assert abs(len(people & tested) - 0.25 * len(people)) <= 1
    assert np.array_equal(parts["certification"], parts["training"])


def test_nothing_is_certified_on_people_that_a_search_may_judge_by() -> None:
    table, targets = visits(4000)
    patients = table["patient"].to_numpy()
    whole = CrossFit(column="patient", test=0.25).parts(table, targets, 3)
    parts = CrossFit(column="patient", test=0.25, searched=0.2).parts(table, targets, 3)
    for name in ("training", "test"):
        assert np.array_equal(parts[name], whole[name])
    assert len(whole["validation"]) == 0
    taught, searched = set(patients[parts["training"]]), set(patients[parts["validation"]])
    assert not searched & set(patients[parts["certification"]])
    assert len(searched) == pytest.approx(0.2 * len(taught), rel=0.15)
    sick = set(patients[targets == 1])
    assert len(searched & sick) == pytest.approx(0.2 * len(taught & sick), rel=0.2)


def test_one_row_of_each_patient_may_be_certified_on_while_all_of_them_teach() -> None:
    table, targets = visits(seed=1)
    split = CrossFit(column="patient", searched=0.3)
    whole, one = (
        each.parts(table, targets, 1) for each in (split, split.model_copy(update={"certify_one_each": True}))
    )
    assert np.array_equal(one["training"], whole["training"])
    patients = table["patient"].to_numpy()
    certified = patients[one["certification"]]
    assert len(certified) == len(set(certified)) < len(whole["certification"])
    assert set(certified) == set(patients[whole["certification"]])
    assert np.isin(one["certification"], whole["certification"]).all()
    first = whole["certification"][np.unique(patients[whole["certification"]], return_index=True)[1]]
    assert 0.2 < np.isin(one["certification"], first).mean() < 0.8


def test_later_rows_are_tested_on_and_the_earlier_ones_are_crossed() -> None:
    table, targets = visits()
    split = CROSSED[2]
    parts = split.parts(table, targets, 1)
    assert table["day"].gather(parts["training"]).max() == date(2020, 3, 24)
    assert table["day"].gather(parts["test"]).min() == date(2020, 3, 25)
    assert np.array_equal(parts["certification"], parts["training"])
    # Dates that are text say the same.
    written = table.with_columns(pl.col("day").cast(pl.String))
    assert np.array_equal(split.held(table, targets, 1), split.held(written, targets, 1))


@pytest.mark.parametrize(
    ("sick", "healthy", "text"),
    [
        (4, 50, "split.folds: should be 4 at most, with so many sick cases, got 5."),
        (50, 3, "split.folds: should be 3 at most, with so many healthy cases, got 5."),
    ],
)
def test_a_fold_without_cases_of_both_kinds_is_refused(sick: int, healthy: int, text: str) -> None:
    targets = np.repeat([1, 0], [sick, healthy])
    table = pl.DataFrame({"x": targets})
    with pytest.raises(BadStudy) as caught:
        CrossFit().held(table, targets, 0)
    assert str(caught.value) == text
    fewer = CrossFit(folds=min(sick, healthy)).held(table, targets, 0)
    assert all(set(targets[fold]) == {0, 1} for fold in fewer.T)


def test_people_are_counted_and_not_their_rows_where_folds_are_too_many() -> None:
    table = pl.DataFrame({"patient": np.arange(60) // 6})
    targets = (np.arange(60) < 24).astype(np.int64)
    with pytest.raises(BadStudy) as caught:
        CrossFit(column="patient").held(table, targets, 0)
    assert str(caught.value) == "split.folds: should be 4 at most, with so many sick cases, got 5."


def test_more_copies_are_the_same_folds_dealt_more_often() -> None:
    split = CrossFit(folds=4, repeats=3, searched=0.1)
    assert split.more(2.5) == CrossFit(folds=4, repeats=7, searched=0.1)
    assert split.more(0.1).repeats == 1
    later = DAYS.model_copy(update={"before": split})
    assert later.more(2) == DAYS.model_copy(update={"before": split.more(2)})
    assert all(each.more(2) is None for each in SPLITS if each.crossing is None)
    table, targets = visits()
    held = split.held(table, targets, 0)
    assert np.array_equal(split.more(2).held(table, targets, 0)[:, :12], held)


def test_one_row_of_each_group_needs_groups() -> None:
    with pytest.raises(ValidationError) as caught:
        CrossFit(certify_one_each=True)
    assert caught.value.errors()[0]["msg"] == (
        "Value error, certify_one_each needs the column that names the group of each row, got none"
    )


def test_where_a_later_time_is_certified_on_rows_are_not_crossed() -> None:
    table, targets = visits()
    with pytest.raises(BadStudy) as caught:
        DAYS.model_copy(update={"before": CrossFit()}).parts(table, targets, 0)
    assert str(caught.value) == "split.before: its certification share should be 0, that part being the later rows."
