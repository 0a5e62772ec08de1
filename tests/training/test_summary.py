from __future__ import annotations

import pytest
from rich.console import Console

from models.manifest import Manifest
from models.operating_point import Measured
from tests import handmade
from tests.crossed import crossed
from training.summary import empty_promise, summary


def test_a_promise_kept_by_flagging_nearly_everybody_is_said_to_be() -> None:
    _, manifest = handmade.finished("screen")
    assert empty_promise(manifest) is None
    everybody = manifest.point.model_copy(update={"measured": Measured.of(manifest.curve, 0.0)})
    assert empty_promise(manifest.model_copy(update={"points": (everybody,)})) == (
        "handmade/screen: keeps its promise by flagging 100.0% of the certification cases."
        " Ask for less, or give it more to tell people apart by."
    )


def printed(manifests: list[Manifest], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, list[str]], str]:
    """The rows of a summary by their names, and what stands below it."""
    Console(width=200).print(summary(manifests))
    text = capsys.readouterr().out
    lines = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in text.splitlines() if "│" in line}
    below = text.split("┘")[1]
    return {name: [cell.strip() for cell in cells] for name, cells in lines.items()}, " ".join(below.split())


NONE_APART = "Nothing was set aside to test on. To have some cases set aside, write test=0.15 into the study's split."


def test_a_summary_has_a_column_a_model_and_one_line_where_nothing_was_set_aside_to_test_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifests = [handmade.finished(model)[1] for model in ("screen", "presurgical")]
    found, below = printed(manifests, capsys)
    points = [manifest.point for manifest in manifests]
    assert found["promise"] == [str(point.promises[0]) for point in points]
    assert found["certified"] == [str(point.certificates[0]) for point in points]
    assert found["recall, certification"] == [str(point.measured.recall) for point in points]
    assert found["specificity, certification"] == [str(point.measured.specificity) for point in points]
    assert list(found) == ["promise", "certified"] + [
        f"{figure}, certification" for figure in ("recall", "specificity", "precision")
    ]
    assert below == NONE_APART


def test_a_summary_of_tested_models_says_what_was_found_and_a_dash_stands_for_one_that_was_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tested = crossed(tested=True)
    assert tested.evidence is not None
    found, below = printed([tested, handmade.finished()[1]], capsys)
    assert found["recall, test"] == [str(tested.evidence.measured.recall), "-"]
    assert found["area under ROC, test"] == ["0.8750 [0.8500, 0.9000]", "-"]
    assert found["kept on the test part"] == ["yes", "-"]
    assert NONE_APART not in below


def test_below_the_figures_of_cross_fitted_models_stands_what_they_are_counted_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = (
        "Certification cases taught too: each counts at the worse of two scores, of the copies that never saw it and of"
        " the delivered model."
    )
    assert printed([crossed()], capsys)[1] == f"{counted} {NONE_APART}"
    assert printed([crossed(tested=True)], capsys)[1] == counted
