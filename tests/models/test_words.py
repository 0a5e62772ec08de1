from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract import Contract
from models.contracts.recall import Recall
from models.contracts.rule_in_out import ABOUT
from models.errors import BadInput
from models.words import listed, names_of, parts_of, share, share_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.05", 0.05),
        (".05", 0.05),
        ("5 %", 0.05),
        ("5%", 0.05),
        ("0.2 percent", 0.002),
        ("1.5e-1%", 0.0015),
        ("50 per 1,000", 0.05),
        ("1 in 20", 0.05),
        ("12,500 per 1,000,000", 0.0125),
        ("1e-3", 0.001),
    ],
)
def test_shares_are_read_as_people_write_them(text: str, value: float) -> None:
    match = re.fullmatch(share("x"), text)
    assert match is not None
    assert share_of(match, "x") == value


@pytest.mark.parametrize("text", ["1,5", "5,00", "1,0000", "-0.5", "half", "5 % of 10", "1.2.3"])
def test_what_could_be_misread_is_no_share(text: str) -> None:
    assert re.fullmatch(share("x"), text) is None


def test_a_share_of_nobody_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        Contract.read("recall >= 1 in 0")
    assert str(caught.value) == "operating_point: should be a share of some people, got 'recall >= 1 in 0'."


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_a_list_of_names_is_read_back_whatever_they_hold(names: list[str]) -> None:
    assert names_of(listed(names)) == tuple(names)
    assert parts_of(f"recall in {listed(names)} and more") == [f"recall in {listed(names)}", "more"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("recall >= 2", "operating_point.at_least: should be less than 1, got 'recall >= 2'."),
        ("recall >= 0", "operating_point.at_least: should be greater than 0, got 'recall >= 0'."),
        (
            "recall >= 0.9 with confidence 30 %",
            "operating_point.confidence: should be greater than 0.5, got 'recall >= 0.9 with confidence 30 %'.",
        ),
        (
            "rule in with recall >= 0.9, rule out with recall >= 0.9",
            f"operating_point: rule_in: should promise something about {ABOUT['rule_in'][1]}, got recall >= 0.9.",
        ),
    ],
)  # fmt: skip
def test_a_contract_in_words_that_can_not_be_is_refused_by_the_part_that_is_wrong(text: str, error: str) -> None:
    with pytest.raises(BadInput) as caught:
        Contract.read(text)
    assert str(caught.value) == error


@pytest.mark.parametrize("text", ["", "be careful", "recall", "recall >= 0.9 please", "precision >= 0.9"])
def test_words_that_are_no_contract_are_refused_with_examples(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        Contract.read(text)
    assert str(caught.value) == (
        "operating_point: should be a contract in words (recall >= 0.95; precision >= 0.9 at prevalence 1 %;"
        f" a miss costs 50 alarms at prevalence 0.2 %), got {text!r}."
    )


@pytest.mark.parametrize(
    "text",
    [
        "recall >= 0.95",
        "  RECALL of at least 95 %  ",
        "sensitivity ≥ 950 per 1,000",
        "recall 0.95, at confidence 95 %",
        "recall at least 19 in 20 with confidence 0.95",
    ],
)
def test_the_same_contract_is_read_from_many_words(text: str) -> None:
    assert Contract.read(text) == Recall(at_least=0.95)
