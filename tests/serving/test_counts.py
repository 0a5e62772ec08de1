from __future__ import annotations

import pytest
from pydantic import ValidationError

from serving.counts import Counts


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"read should be positive, negative and refused together \(3\), got 4"):
        Counts(read=4, positive=1, negative=1, refused=1)


def test_counts_add_part_by_part() -> None:
    one, other = (
        Counts(read=6, positive=1, negative=2, refused=3),
        Counts(read=60, positive=10, negative=20, refused=30),
    )
    assert one + other == Counts(read=66, positive=11, negative=22, refused=33)
