from __future__ import annotations

import errno
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.bundle import Bundle
from models.curve import Curve
from models.errors import BadBundle
from models.joint import PATHWAY, Joint, Pairs, check_joint, open_joint, write_joint
from models.pathway_figures import Cases
from tests import two_models
from tests.two_models import turned

# Few distinct probabilities, so that most pairs are tied and thresholds lie on them.
LEVELS = [float(np.float32(level)) for level in (0.0, 0.001, 0.1, 0.5, 0.7, 0.9, 1.0)]
cases = st.lists(
    st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS), st.integers(0, 1)), min_size=2, max_size=60
).filter(lambda drawn: len({sick for _, _, sick in drawn}) == 2)
limits = st.one_of(st.sampled_from(LEVELS), st.floats(0, 1, width=32))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    folder = tmp_path_factory.mktemp("two")
    return two_models.bundle(folder, "screen"), two_models.bundle(folder, "presurgical")


@pytest.fixture(scope="module")
def joint(bundles: tuple[Bundle, Bundle]) -> Joint:
    return two_models.joint(*bundles)


@given(cases, limits, limits, limits)
def test_people_are_counted_as_a_slow_loop_over_them_counts(
    drawn: list[tuple[float, float, int]], upper: float, lower: float, operate_from: float
) -> None:
    clear_below = min(upper, lower)
    tally: Counter[tuple[str, int]] = Counter()
    for screen, surgery, sick in drawn:
        if screen < clear_below:
            tally["cleared", sick] += 1
            tally["overruled", sick] += surgery >= operate_from
        elif surgery >= operate_from:
            tally["operated", sick] += 1
        else:
            tally["referred", sick] += 1
    pairs = Pairs.of(*zip(*drawn, strict=True))
    # Where the pre-surgical model has a zone too, its lower threshold is nobody's.
    presurgical = turned(operate_from, operate_from / 2)
    found = pairs.answered(turned(upper, clear_below), presurgical)
    for name in ("cleared", "referred", "operated", "overruled"):
        assert getattr(found, name) == Cases(sick=tally[name, 1], healthy=tally[name, 0])
    assert pairs.measure(turned(upper, clear_below), presurgical, 0.1).answered == found


@given(cases)
def test_each_distinct_pair_is_kept_once_with_all_its_cases(drawn: list[tuple[float, float, int]]) -> None:
    pairs = Pairs.of(*zip(*drawn, strict=True), part="test")
    assert pairs.part.model_dump() == {
        "name": "test",
        "rows": len(drawn),
        "positives": sum(sick for _, _, sick in drawn),
    }
    found = list(zip(pairs.screen, pairs.presurgical, strict=True))
    assert found == sorted({(first, second) for first, second, _ in drawn})
    for pair, sick, healthy in zip(found, pairs.sick, pairs.healthy, strict=True):
        kinds = [kind for first, second, kind in drawn if (first, second) == pair]
        assert (sick, healthy) == (sum(kinds), len(kinds) - sum(kinds))


@given(cases)
def test_one_model_of_the_pairs_alone_has_its_own_curve(drawn: list[tuple[float, float, int]]) -> None:
    first, second, sick = zip(*drawn, strict=True)
    pairs = Pairs.of(first, second, sick)
    assert pairs.curve("screen", 0.2) == Curve.of(first, sick, prevalence=0.2)
    assert pairs.curve("presurgical", None) == Curve.of(second, sick)


def test_pairs_are_equal_by_their_fields_also_once_they_were_measured() -> None:
    one, same = (Pairs.of([0.1, 0.3, 0.6], [0.1, 0.1, 0.9], [0, 0, 1]) for _ in range(2))
    other = Pairs.of([0.1, 0.3, 0.6], [0.1, 0.2, 0.9], [0, 0, 1])
    for pairs in (one, same, other):
        pairs.answered(turned(0.5), turned(0.5))
    assert one == same
    assert one != other


def test_a_screen_with_a_zone_clears_below_its_lower_threshold_in_whatever_order_they_come() -> None:
    pairs = Pairs.of([0.1, 0.3, 0.6], [0.1, 0.1, 0.9], [0, 0, 1])
    for screen in (turned(0.5, 0.2), turned(0.2, 0.5)):
        found = pairs.answered(screen, turned(0.5))
        assert (found.cleared, found.referred) == (Cases(sick=0, healthy=1), Cases(sick=0, healthy=1))


@pytest.mark.parametrize(
    ("screen", "presurgical", "targets", "text"),
    [
        ([0.1, 0.2], [0.1], [0, 1], "Expected one shape [rows], got screen (2,), presurgical (1,), targets (2,)."),
        ([0.1, 0.2], [0.1, 0.2], [0, 2], "Targets should be 0 or 1."),
        ([0.1, 0.2], [0.1, 0.2], [0, float("nan")], "Targets should be 0 or 1."),
        ([[0.1, 0.2]], [[0.1, 0.2]], [[0, 1]], "Expected one shape [rows], got"),
        ([0.1, 0.2], [0.1, 0.2], [1, 1], "pairs should be of cases of both kinds, got 2 sick of 2"),
        ([], [], [], "pairs should be of cases of both kinds, got 0 sick of 0"),
        ([0.1, float("nan")], [0.1, 0.2], [0, 1], "screen.1"),
        ([0.1, 0.2], [0.1, 1.5], [0, 1], "presurgical.1"),
    ],
)
def test_what_can_not_be_counted_is_refused(
    screen: list[Any], presurgical: list[Any], targets: list[Any], text: str
) -> None:
    with pytest.raises(ValueError) as caught:
        Pairs.of(screen, presurgical, targets)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sick": (1,)}, "screen, presurgical, sick and healthy should be of one length, got [1, 2]"),
        ({"presurgical": (0.5, 0.5), "screen": (0.25, 0.25)}, "pairs should rise"),
        ({"sick": (1, 1)}, "part should be of 3 rows with 2 positives, as are the pairs, got 2 rows with 1"),
        ({"healthy": (2, 0)}, "part should be of 3 rows with 1 positives, as are the pairs, got 2 rows with 1"),
    ],
)
def test_pairs_that_disagree_with_themselves_are_refused(change: dict[str, Any], text: str) -> None:
    pairs = Pairs.of([0.25, 0.5], [0.5, 0.25], [0, 1])
    with pytest.raises(ValidationError) as caught:
        Pairs.model_validate(pairs.model_dump() | change)
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_a_part_in_the_place_of_the_other_is_refused(joint: Joint) -> None:
    with pytest.raises(ValidationError, match=r"test\.part\.name should be test, got certification"):
        Joint(screen="0" * 64, presurgical="1" * 64, certification=joint.certification, test=joint.certification)


def test_what_was_written_is_read_back_and_twice_written_is_the_same_bytes(
    tmp_path: Path, bundles: tuple[Bundle, Bundle], joint: Joint
) -> None:
    file = write_joint(joint, tmp_path)
    first = file.read_bytes()
    assert file == tmp_path / PATHWAY
    assert file.stat().st_mode & 0o777 == 0o644
    assert open_joint(tmp_path, *bundles) == joint
    write_joint(two_models.joint(*bundles), tmp_path)
    assert file.read_bytes() == first
    assert [left.name for left in tmp_path.iterdir()] == [PATHWAY]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, joint: Joint, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_joint(joint, tmp_path).read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no room"):
        write_joint(joint.model_copy(update={"test": None}), tmp_path)
    assert [left.read_bytes() for left in tmp_path.iterdir()] == [old]


@pytest.mark.parametrize("name", ["screen", "presurgical"])
def test_evidence_of_another_bundle_is_refused_by_name(
    tmp_path: Path, bundles: tuple[Bundle, Bundle], joint: Joint, name: str
) -> None:
    file = write_joint(joint.model_copy(update={name: "0" * 64}), tmp_path)
    digest = bundles[name == "presurgical"].digest
    with pytest.raises(BadBundle) as caught:
        open_joint(tmp_path, *bundles)
    rule = f"should be {digest}, the SHA-256 of the manifest of two/{name}"
    assert str(caught.value) == f"{file}: {name}: {rule}, got {'0' * 64}."


def test_exchanged_bundles_are_refused(bundles: tuple[Bundle, Bundle], joint: Joint) -> None:
    with pytest.raises(BadBundle, match=r"^pathway\.json: screen: should be"):
        check_joint(joint, bundles[1], bundles[0])


def moved(pairs: Pairs, column: str) -> Pairs:
    """The pairs with one sick case moved to a place that differs from its own in one model's answer."""
    people = [
        (first, second, kind)
        for first, second, sick, healthy in zip(pairs.screen, pairs.presurgical, pairs.sick, pairs.healthy, strict=True)
        for kind in [1] * sick + [0] * healthy
    ]
    first, second, kind = people[0]
    people[0] = (0.123, second, kind) if column == "screen" else (first, 0.123, kind)
    return Pairs.of(*zip(*people, strict=True), part=pairs.part.name)


@pytest.mark.parametrize("part", ["certification", "test"])
@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_pairs_of_other_people_than_the_manifests_are_refused(
    bundles: tuple[Bundle, Bundle], joint: Joint, part: str, model: str
) -> None:
    wrong = joint.model_copy(update={part: moved(getattr(joint, part), model)})
    with pytest.raises(BadBundle) as caught:
        check_joint(wrong, *bundles)
    rule = f"should have the counts of the curve of two/{model}, got others."
    assert str(caught.value) == f"pathway.json: {part}.{model}: {rule}"


def test_bundles_without_a_test_part_need_none(tmp_path: Path) -> None:
    bundles = [two_models.bundle(tmp_path, model, tested=False) for model in ("screen", "presurgical")]
    check_joint(two_models.joint(*bundles, tested=False), *bundles)
    # What the manifests do not know can not disagree with them.
    check_joint(two_models.joint(*bundles), *bundles)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"screen": "short"}, "screen: String should match pattern '^[0-9a-f]{64}$', got 'short'."),
        ({"format": 2}, "format: Input should be 1, got 2."),
        ({"more": 1}, "more: Extra inputs are not permitted, got 1."),
        ({"test": {}}, "test.part: Field required, got {}."),
        ({"certification": None}, "certification: Input should be an object, got None."),
    ],
)
def test_a_file_of_another_form_is_refused_by_file_field_rule_and_value(
    tmp_path: Path, bundles: tuple[Bundle, Bundle], joint: Joint, change: dict[str, Any], text: str
) -> None:
    (tmp_path / PATHWAY).write_text(json.dumps(joint.model_dump(mode="json") | change))
    with pytest.raises(BadBundle) as caught:
        open_joint(tmp_path, *bundles)
    assert str(caught.value) == f"{tmp_path / PATHWAY}: {text}"


def test_a_rule_of_our_own_says_itself_what_was_got(
    tmp_path: Path, bundles: tuple[Bundle, Bundle], joint: Joint
) -> None:
    document = joint.model_dump(mode="json")
    document["test"]["part"]["rows"] += 1
    (tmp_path / PATHWAY).write_text(json.dumps(document))
    with pytest.raises(BadBundle) as caught:
        open_joint(tmp_path, *bundles)
    assert str(caught.value).startswith(f"{tmp_path / PATHWAY}: test: part should be of 900 rows with ")
    assert str(caught.value).count(", got ") == 1


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path, bundles: tuple[Bundle, Bundle]) -> None:
    with pytest.raises(BadBundle) as caught:
        open_joint(tmp_path, *bundles)
    assert str(caught.value) == f"{tmp_path / PATHWAY}: should be a readable file, got: No such file or directory."
    (tmp_path / PATHWAY).write_text("{")
    with pytest.raises(BadBundle, match="document: Invalid JSON"):
        open_joint(tmp_path, *bundles)
