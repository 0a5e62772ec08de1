from __future__ import annotations

import pytest

from models.errors import BadInput, FulcrumError, Refusal, Unreachable, shown


def unreachable(positives: int | None, negatives: int | None) -> Unreachable:
    return Unreachable(
        "recall >= 0.9", reason="Too few.", nearest=0.5, missing_positives=positives, missing_negatives=negatives
    )


@pytest.mark.parametrize(
    ("positives", "negatives", "cure"),
    [
        (3, 0, "Would do: 3 more positives."),
        (0, 7, "Would do: 7 more negatives."),
        (3, 7, "Would do: 3 more positives and 7 more negatives."),
        (None, None, "More cases of the same kind would not help: ask for less, or train a better model."),
    ],
)
def test_what_can_not_be_reached_says_what_would_help(positives: int | None, negatives: int | None, cure: str) -> None:
    error = unreachable(positives, negatives)
    assert error.cure() == cure
    assert str(error) == f"recall >= 0.9: cannot be certified. Too few. {cure}"
    assert isinstance(error, FulcrumError)


@pytest.mark.parametrize(("value", "text"), [(1.5, "1.5"), ("a" * 38, f"'{'a' * 38}'"), ("a" * 39, f"'{'a' * 36}...")])
def test_a_long_value_is_cut_to_forty_characters(value: object, text: str) -> None:
    assert shown(value) == text
    assert len(shown(value)) <= 40


def test_an_input_error_keeps_all_refusals_and_shows_five() -> None:
    error = BadInput([Refusal(f"rows.{row}", "should be", "x") for row in range(7)])
    assert len(error.refusals) == 7
    assert str(error).splitlines()[4:] == ["rows.4: should be, got x.", "... and 2 more."]
