from __future__ import annotations

from pathlib import Path

from models.pathway import Pathway
from models.scorer import Scorer
from tests import two_models
from tests.two_models import A, B


def test_a_column_may_be_worded_otherwise_by_the_second_model(tmp_path: Path) -> None:
    worded = B.model_copy(update={"meaning": "the same, said otherwise"})
    first = Scorer(two_models.bundle(tmp_path, "screen", columns=(A, B)))
    second = Scorer(two_models.bundle(tmp_path, "presurgical", columns=(worded, A)))
    assert Pathway(first, second).columns is first.columns
