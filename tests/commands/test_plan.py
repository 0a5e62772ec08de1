from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

import models.manifest  # noqa: F401  # every contract is known by it
from models.contract import Contract
from models.plan import Expected
from models.value import members
from tests.asking import DONE, REFUSED, UNREACHABLE, asked, cells

CONTRACTS = (
    "recall >= 0.95",
    "specificity >= 0.9",
    "precision >= 0.9 at prevalence 1 %",
    "NPV >= 0.999 at prevalence 1 %",
    "a miss costs 50 alarms at prevalence 0.2 %",
    "flag at most 5 %",
    "rule in with precision >= 0.9 at prevalence 1 %, rule out with recall >= 0.99",
    "recall >= 0.9 and specificity >= 0.3, then the fewest alarms",
    "recall >= 0.9 in every sex",
)


def test_every_rule_is_asked_for_here() -> None:
    assert {type(Contract.read(words)) for words in CONTRACTS} == set(members(Contract))


@pytest.mark.parametrize("words", CONTRACTS)
def test_a_plan_shows_what_the_contract_needs(here: Path, words: str) -> None:
    answer = asked("plan", words, "--recall", "0.99", "--specificity", "0.999", "--share", "0.1", "--assurance", "0.7")
    assert (answer.code, answer.err) == (DONE, "")
    contract = Contract.read(words)
    assert answer.out.splitlines()[0].strip() == str(contract)
    needs = contract.plan(Expected(recall=0.99, specificity=0.999, share=0.1, assurance=0.7))
    head, *lines = cells(answer.out)
    # Which promise a line is of stands beside it where there are several.
    named = len({need.promise for need in needs}) > 1
    assert head == [*(["promise"] if named else []), "positives", "negatives", "misses", "alarms", "note"]
    assert [line[-1] for line in lines] == [need.note for need in needs]
    assert [line[0] for line in lines if named] == [need.promise for need in needs if named]
    numbers = [
        [need.positives or None, need.negatives or None, need.allowed_misses, need.allowed_alarms] for need in needs
    ]
    assert [[None if cell == "-" else int(cell.replace(",", "")) for cell in line[-5:-1]] for line in lines] == numbers


def test_the_positives_of_a_recall_are_the_fewest_that_the_binomial_allows(here: Path) -> None:
    for positives, _, misses, _, _ in cells(asked("plan", "recall >= 0.95").out)[1:]:
        assert stats.binom.cdf(int(misses), int(positives), 0.05) <= 0.05
        assert stats.binom.cdf(int(misses), int(positives) - 1, 0.05) > 0.05


def test_a_model_that_is_not_good_enough_is_told_so(here: Path) -> None:
    answer = asked("plan", "precision >= 0.95 at prevalence 1 %", "--recall", "0.9", "--specificity", "0.9")
    assert (answer.code, answer.out) == (UNREACHABLE, "")
    assert answer.err == (
        "precision >= 0.95 at prevalence 0.01 with confidence 0.95:"
        " no number of cases would do for a model that is only so good.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("recall > lots",),
            (
                "operating_point: should be a contract in words (recall >= 0.95; precision >= 0.9 at prevalence 1 %;"
                " a miss costs 50 alarms at prevalence 0.2 %), got 'recall > lots'.\n"
            ),
        ),
        (
            ("recall >= 0.9", "--recall", "2", "--assurance", "7"),
            "recall: should be less than or equal to 1, got 2.0.\nassurance: should be less than 1, got 7.0.\n",
        ),
    ],
)
def test_what_can_not_be_planned_is_refused_by_name(here: Path, arguments: tuple[str, ...], text: str) -> None:
    answer = asked("plan", *arguments)
    assert (answer.code, answer.out, answer.err) == (REFUSED, "", text)
