from __future__ import annotations

import pytest
from pydantic import ValidationError

from serving.counts import Counts


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"read should be positive, .* and refused together \(4\), got 5"):
        Counts(read=5, positive=1, negative=1, indeterminate=1, refused=1)


def test_counts_add_part_by_part() -> None:
    one, other = (
        Counts(read=10, positive=1, negative=2, indeterminate=4, refused=3),
        Counts(read=100, positive=10, negative=20, indeterminate=40, refused=30),
    )
    assert one + other == Counts(read=110, positive=11, negative=22, indeterminate=44, refused=33)
