from __future__ import annotations

import numpy as np

import models.manifest  # noqa: F401  # every contract is known by it
from models.contract import Span
from models.sharing import in_common

TESTED = np.array([0.1, 0.2, 0.3, 0.5], dtype=np.float32)


def test_spans_that_touch_have_one_threshold_in_common() -> None:
    found = in_common([Span(0.0, 0.25, ()), Span(0.25, 1.0, ())])
    assert found is not None
    assert (found.low, found.high) == (0.25, 0.25)
    assert in_common([Span(0.0, 0.25, ()), Span(0.3, 1.0, ())]) is None


def test_a_threshold_in_common_was_tested_by_every_part_that_tests() -> None:
    others = np.array([0.2, 0.25, 0.5, 0.6], dtype=np.float32)
    spans = [Span(0.1, 0.5, (), TESTED), Span(0.2, 0.6, (), others)]
    for found in (in_common(spans), in_common(spans[::-1])):
        assert found is not None
        assert found.among is not None
        assert found.among.tolist() == [np.float32(0.2), 0.5]
        assert (found.low, found.high) == (np.float32(0.2), 0.5)


def test_a_threshold_in_common_lies_in_the_spans_that_test_nothing() -> None:
    found = in_common([Span(0.1, 0.5, (), TESTED), Span(0.15, 0.3001, ())])
    assert found is not None
    assert found.among is not None
    assert found.among.tolist() == TESTED[1:3].tolist()
    assert in_common([Span(0.1, 0.5, (), TESTED), Span(0.35, 0.45, ())]) is None
