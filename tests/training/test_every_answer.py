"""What every form of a symptom's answer keeps, and each of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models import graph
from models.generate import generate
from models.scorer import Graph
from models.value import Value, members
from tests import handmade
from training.answer import Answer
from training.answers.count import Count
from training.answers.grade import Grade
from training.answers.number import Number
from training.answers.yes_no import YesNo
from training.export import check_parity, export
from training.networks.mlp import MLP

ANSWERS: list[Answer] = [Grade(levels=4) if kind is Grade else kind() for kind in members(Answer)]
every_answer = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)


def test_all_answers_are_found() -> None:
    assert {type(answer) for answer in ANSWERS} >= {Count, Grade, Number, YesNo}


@every_answer
def test_a_reader_is_told_one_finite_number_a_row_however_extreme_the_head(answer: Answer) -> None:
    extreme = torch.tensor([-1e4, -1.0, 0.0, 1.0, 1e4])
    told = answer.told(extreme if answer.width == 1 else extreme[:, None].repeat(1, answer.width))
    assert told.shape == (5,)
    assert torch.isfinite(told).all()
    assert (told[1:] >= told[:-1]).all()
    if answer.highest is not None:
        assert 0 <= float(told.min()) <= float(told.max()) <= answer.highest


@every_answer
def test_it_exports_with_the_network(answer: Answer) -> None:
    heads = {"sick": Number(), "sign": answer}
    torch.manual_seed(0)
    widths = {name: each.width for name, each in heads.items()}
    net = MLP(hidden=(6,)).build(handmade.SCHEMA, generate(handmade.SCHEMA, 100, 0), widths)
    raw = export(net, heads, handmade.SCHEMA)
    columns = generate(handmade.SCHEMA, 500, 1)
    assert check_parity(net, raw, heads, columns) < 1e-4
    assert Graph(graph.as_bytes(raw)).run(columns)["raw.sign"].shape == (500,)


@every_answer
def test_it_is_read_back_as_what_it_was(answer: Answer) -> None:
    class Told(Value):
        answer: Answer

    assert Told.model_validate(Told(answer=answer).model_dump(mode="json")) == Told(answer=answer)


def test_an_expected_grade_is_the_sum_over_grades_of_grade_times_its_chance() -> None:
    logits = torch.tensor([[0.3, -0.7, 1.9], [-2.0, 0.1, 0.4]])
    told = Grade(levels=4).told(logits)
    for row, answer in zip(logits.tolist(), told.tolist(), strict=True):
        chance = [1 / (1 + math.exp(-logit)) for logit in row]
        above = [1.0, chance[0], chance[0] * chance[1], chance[0] * chance[1] * chance[2], 0.0]
        of_grade = [above[grade] - above[grade + 1] for grade in range(4)]
        assert sum(of_grade) == pytest.approx(1.0)
        assert answer == pytest.approx(sum(grade * share for grade, share in enumerate(of_grade)), rel=1e-5)


@pytest.mark.parametrize(
    ("answer", "good", "bad", "rule"),
    [
        (YesNo(), [0, 1, 1], [0, 0.5], "should be 0 or 1"),
        (Grade(levels=3), [0, 2, 1], [0, 3], "should be whole numbers from 0 to 2"),
        (Grade(levels=3), [0], [1.5], "should be whole numbers from 0 to 2"),
        (Count(), [0, 7], [-1], "should be whole numbers of at least 0"),
        (Count(), [], [2.5], "should be whole numbers of at least 0"),
    ],
    ids=str,
)
def test_labels_that_do_not_fit_are_refused_with_the_rule(
    answer: Answer, good: list[float], bad: list[float], rule: str
) -> None:
    assert answer.refused(np.array(good, dtype=np.float32)) is None
    assert answer.refused(np.array(bad, dtype=np.float32)) == rule
    assert Number().refused(np.array(bad, dtype=np.float32)) is None
