from __future__ import annotations

from pathlib import Path

from tests.asking import DONE, REFUSED, asked
from training.studies import breast
from training.study import find_study


def test_every_tap_of_every_model_is_listed_with_the_terms_that_sit_on_it(here: Path) -> None:
    answer = asked("taps", "breast")
    assert (answer.code, answer.err) == (DONE, "")
    study = find_study("breast")
    for model in study.models:
        assert f"breast/{model.name}" in answer.out
        for tap, meaning in study.taps(model).items():
            assert any(tap in line and meaning in line for line in answer.out.splitlines()), tap
    first = breast.study.models[0].terms
    assert f"{first[0]} x 1" in answer.out
    assert "SquaredSize on weights x 0.01" in answer.out


def test_a_study_that_is_nowhere_is_refused(here: Path) -> None:
    answer = asked("taps", "eyes")
    assert answer.code == REFUSED
    assert answer.err.startswith("eyes: should be one of ")
