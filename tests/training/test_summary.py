from __future__ import annotations

import pytest
from rich.console import Console

from models.operating_point import Measured
from tests import handmade
from training.summary import empty_promise, summary


def test_a_promise_kept_by_flagging_nearly_everybody_is_said_to_be() -> None:
    _, manifest = handmade.finished("screen")
    assert empty_promise(manifest) is None
    everybody = manifest.point.model_copy(update={"measured": Measured.of(manifest.curve, 0.0)})
    assert empty_promise(manifest.model_copy(update={"points": (everybody,)})) == (
        "handmade/screen: keeps its promise by flagging 100.0% of the certification cases."
        " Ask for less, or give it more to tell people apart by."
    )


def test_a_summary_has_a_column_a_model_and_a_dash_where_nothing_was_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifests = [handmade.finished(model)[1] for model in ("screen", "presurgical")]
    Console(width=200).print(summary(manifests))
    lines = {
        line.split("│")[1].strip(): line.split("│")[2:-1]
        for line in capsys.readouterr().out.splitlines()
        if "│" in line
    }
    points = [manifest.point for manifest in manifests]
    found = {name: [cell.strip() for cell in cells] for name, cells in lines.items()}
    assert found["promise"] == [str(point.promises[0]) for point in points]
    assert found["certified"] == [str(point.certificates[0]) for point in points]
    assert found["recall, certification"] == [str(point.measured.recall) for point in points]
    assert found["specificity, certification"] == [str(point.measured.specificity) for point in points]
    for name in ("recall, test", "precision, test", "area under ROC, test", "kept on the test part"):
        assert found[name] == ["-", "-"]
