from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadBundle, BadInput
from models.pathway import ANSWERS, CLEAR, OPERATE, REFER, Pathway
from models.schema import Numeric
from models.scorer import Scorer
from models.turn import Setting
from tests import two_models
from tests.two_models import A, B

MANY = np.stack(np.meshgrid(np.linspace(-6, 6, 41), np.linspace(-6, 6, 41)), axis=-1).reshape(-1, 2).astype(np.float32)


@pytest.fixture(scope="module")
def scorers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scorer, Scorer]:
    folder = tmp_path_factory.mktemp("two")
    return Scorer(two_models.bundle(folder, "screen")), Scorer(two_models.bundle(folder, "presurgical"))


def slow(pathway: Pathway, person: list[float], clear_below: float, operate_from: float) -> str:
    """The answer to one person, who is asked about alone."""
    rows = [dict(zip("ab", person, strict=True))]
    if pathway.screen.score_rows(rows).probability[0] < clear_below:
        return "clear"
    return "operate" if pathway.presurgical.score_rows(rows).probability[0] >= operate_from else "refer"


@given(st.floats(0.01, 0.99), st.floats(0.0, 1.0), st.floats(0.01, 0.99), st.integers(0, len(MANY) - 9))
def test_each_person_gets_the_answer_that_the_two_models_asked_alone_give(
    scorers: tuple[Scorer, Scorer], upper: float, lower_share: float, operate_from: float, first: int
) -> None:
    pathway = Pathway(*scorers)
    screen = scorers[0].turn(Setting(operating_point=upper))
    clear_below = float(np.float32(screen.threshold * lower_share))
    zoned = replace(screen, clear_below=clear_below, own=(screen.own[0], clear_below))
    presurgical = scorers[1].turn(Setting(operating_point=operate_from))
    some = MANY[first : first + 9]
    found = pathway.score(some, some, at=(zoned, presurgical))
    assert [ANSWERS[answer] for answer in found.answers] == [
        slow(pathway, person, clear_below, presurgical.threshold) for person in some.tolist()
    ]


def test_all_three_answers_occur_and_only_a_negative_screen_clears(scorers: tuple[Scorer, Scorer]) -> None:
    found = Pathway(*scorers).score(MANY, MANY)
    assert found.answers.dtype == np.int8
    assert len(found) == len(MANY)
    assert set(found.answers.tolist()) == {CLEAR, REFER, OPERATE}
    assert np.array_equal(found.answers == CLEAR, found.screen.negative)
    assert np.array_equal(found.answers == OPERATE, ~found.screen.negative & found.presurgical.positive)


def test_whom_the_screen_does_not_decide_is_referred_or_operated_on_but_never_cleared(
    scorers: tuple[Scorer, Scorer],
) -> None:
    screen = scorers[0].turn(Setting(operating_point=0.8))
    zoned = replace(screen, clear_below=0.25, own=(0.8, 0.25))
    people = np.array([[0.0, -5.0], [0.0, 5.0], [-5.0, 5.0]], dtype=np.float32)
    found = Pathway(*scorers).score(people, people, at=(zoned, scorers[1].turn()))
    assert not found.screen.positive.any()
    assert [ANSWERS[answer] for answer in found.answers] == ["refer", "operate", "clear"]


def test_whom_the_pre_surgical_model_does_not_decide_is_referred(scorers: tuple[Scorer, Scorer]) -> None:
    presurgical = scorers[1].turn(Setting(operating_point=0.8))
    zoned = replace(presurgical, clear_below=0.25, own=(0.8, 0.25))
    people = np.array([[5.0, 0.0], [5.0, -5.0], [5.0, 5.0]], dtype=np.float32)
    found = Pathway(*scorers).score(people, people, at=(scorers[0].turn(), zoned))
    assert not found.presurgical.positive[0]
    assert not found.presurgical.negative[0]
    assert [ANSWERS[answer] for answer in found.answers] == ["refer", "refer", "operate"]


def test_a_person_on_a_threshold_is_flagged_by_it(scorers: tuple[Scorer, Scorer]) -> None:
    people = np.array([[0.0, 0.0]], dtype=np.float32)
    screen, presurgical = (float(scorer.score(people).probability[0]) for scorer in scorers)
    at = tuple(
        scorer.turn(Setting(operating_point=limit))
        for scorer, limit in zip(scorers, (screen, presurgical), strict=True)
    )
    pathway = Pathway(*scorers)
    assert pathway.score(people, people, at=at).answers.tolist() == [OPERATE]
    above = scorers[1].turn(Setting(operating_point=float(np.nextafter(np.float32(presurgical), np.float32(1)))))
    assert pathway.score(people, people, at=(at[0], above)).answers.tolist() == [REFER]
    above = scorers[0].turn(Setting(operating_point=float(np.nextafter(np.float32(screen), np.float32(1)))))
    assert pathway.score(people, people, at=(above, at[1])).answers.tolist() == [CLEAR]


def test_the_answer_is_the_same_alone_as_among_others_and_at_other_prevalences(scorers: tuple[Scorer, Scorer]) -> None:
    pathway = Pathway(*scorers)
    for prevalence in (0.001, 0.3, 0.7):
        at = tuple(scorer.turn(Setting(prevalence=prevalence)) for scorer in scorers)
        together = pathway.score(MANY, MANY, at=at)
        alone = [pathway.score(row[None], row[None], at=at).answers[0] for row in MANY[::97]]
        assert together.answers[::97].tolist() == alone
        assert together.screen.prevalence == together.presurgical.prevalence == prevalence


@pytest.mark.parametrize("row", [{"a": 21, "b": 0}, {"a": 0, "b": 21}, {"a": 0}, {"a": 0, "b": 0, "c": 1}])
def test_a_row_that_breaks_either_schema_is_refused_and_never_cleared(tmp_path: Path, row: dict[str, float]) -> None:
    pathway = Pathway(
        Scorer(two_models.bundle(tmp_path, "screen", columns=(A,))),
        Scorer(two_models.bundle(tmp_path, "presurgical", columns=(B,))),
    )
    with pytest.raises(BadInput, match=r"^rows\.1\.[abc]: "):
        pathway.score_rows([{"a": -5, "b": 5}, row])


@pytest.mark.parametrize("place", [0, 1])
def test_an_encoded_row_that_either_model_can_not_take_is_refused(scorers: tuple[Scorer, Scorer], place: int) -> None:
    columns = [np.full((2, 2), -6, dtype=np.float32) for _ in range(2)]
    columns[place][1] = np.nan
    with pytest.raises(BadInput, match=r"^rows\.1: should keep the schema of the model"):
        Pathway(*scorers).score(*columns)


def test_as_many_rows_are_asked_for_both_models(scorers: tuple[Scorer, Scorer]) -> None:
    with pytest.raises(BadInput) as caught:
        Pathway(*scorers).score(MANY[:3], MANY[:1])
    assert str(caught.value) == "rows: should be as many for both models, 3, got 1."


def test_models_with_other_columns_are_asked_with_the_columns_of_both(
    tmp_path: Path, scorers: tuple[Scorer, Scorer]
) -> None:
    apart = Pathway(
        Scorer(two_models.bundle(tmp_path, "screen", columns=(A,))),
        Scorer(two_models.bundle(tmp_path, "presurgical", columns=(B.model_copy(update={"meaning": "b"}), A))),
    )
    together = Pathway(*scorers)
    assert together.columns is scorers[0].columns
    assert apart.columns.names == ("a", "b")
    rows = [{"a": float(a), "b": float(b)} for a, b in MANY[::7]]
    found, wanted = apart.score_rows(rows), together.score_rows(rows)
    assert np.array_equal(found.answers, wanted.answers)
    assert np.array_equal(found.presurgical.probability, wanted.presurgical.probability)


def test_a_column_that_both_models_know_means_the_same_to_both(tmp_path: Path, scorers: tuple[Scorer, Scorer]) -> None:
    other = Numeric(name="a", low=-20, high=20, unit="mm")
    with pytest.raises(BadBundle) as caught:
        Pathway(scorers[0], Scorer(two_models.bundle(tmp_path, "presurgical", columns=(B, other))))
    assert str(caught.value) == f"two/presurgical: columns.a: should be that of two/screen, {A!r}, got {other!r}."


def test_models_of_two_diseases_are_no_pathway(tmp_path: Path, scorers: tuple[Scorer, Scorer]) -> None:
    with pytest.raises(BadBundle) as caught:
        Pathway(scorers[0], Scorer(two_models.bundle(tmp_path, "presurgical", target="lame")))
    assert str(caught.value) == "two/presurgical: target: should be that of two/screen, sick, got lame."


def test_joint_evidence_of_other_bundles_is_refused(scorers: tuple[Scorer, Scorer]) -> None:
    joint = two_models.joint(scorers[0].bundle, scorers[1].bundle)
    with pytest.raises(BadBundle, match=r"^pathway\.json: screen: should be [0-9a-f]{64}, the SHA-256 of the manifest"):
        Pathway(*scorers, joint.model_copy(update={"screen": "0" * 64}))


def test_what_is_measured_is_what_the_pathway_answers_the_certification_cases(scorers: tuple[Scorer, Scorer]) -> None:
    pathway = Pathway(*scorers, two_models.joint(scorers[0].bundle, scorers[1].bundle))
    columns, sick = two_models.people("certification")
    released = pathway.turn()
    other = (scorers[0].turn(Setting(operating_point=0.4)), scorers[1].turn(Setting(operating_point=0.1)))
    elsewhere = (scorers[0].turn(Setting(prevalence=0.05)), scorers[1].turn(Setting(prevalence=0.05)))
    for at in (None, released, other, elsewhere):
        answers = pathway.score(columns, columns, at=at).answers
        found = pathway.measure(0.1, at=at)
        assert found is not None
        for answer, name in enumerate(("cleared", "referred", "operated")):
            cases = getattr(found.answered, name)
            assert (cases.sick, cases.healthy) == (
                int((sick[answers == answer] == 1).sum()),
                int((sick[answers == answer] == 0).sum()),
            )


def test_without_joint_evidence_nothing_is_said_of_what_a_pathway_does(scorers: tuple[Scorer, Scorer]) -> None:
    assert Pathway(*scorers).measure(0.1) is None
