from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from statsmodels.stats.multitest import multipletests

from models.bundle import write_bundle
from models.card import card
from models.comparison import (
    PAIR,
    PLAIN,
    Compared,
    Comparison,
    Difference,
    Figure,
    Found,
    holm,
    read_comparison,
    write_comparison,
)
from models.errors import BadStudy
from models.facts.facts import Facts
from models.manifest import Manifest
from models.report.report import Report, html
from tests import handmade

SCREEN = Figure(kind="false-positive rate", at_least=0.9, model="screen")
SURE = Figure(kind="recall", at_least=0.8, prevalence=0.1, model="presurgical")


def difference(value: float, width: float, figure: Figure, *, holds: bool = False) -> Difference:
    low, high = value - width, value + width
    return Difference(value=value, low=low, high=high, verdict=figure.verdict(low, high), chance=0.01, holds=holds)


def found(value: float, apart: Difference | None) -> Found:
    return Found(value=value, low=value - 0.01, high=value + 0.01, seeds=(value, value), difference=apart)


def comparison(**fields: object) -> Comparison:
    """The pair makes no difference to the screen and harms the other; one loss helps, and of one that may be luck."""
    rows = {
        PAIR: (difference(-0.01, 0.02, SCREEN), difference(-0.05, 0.02, SURE, holds=True)),
        PLAIN: (None, None),
        "Focal": (difference(-0.03, 0.02, SCREEN, holds=True), difference(0.0, 0.01, SURE)),
        "LDAM": (difference(0.03, 0.02, SCREEN), difference(0.01, 0.02, SURE)),
    }
    made = tuple(
        Compared(name=name, what=f"{name}, in words", found=tuple(found(0.4, apart) for apart in each))
        for name, each in rows.items()
    )
    values: dict[str, object] = {
        "study": "handmade",
        "definition": "0" * 64,
        "data": {"people.csv": "1" * 64},
        "seeds": 2,
        "rows": 300,
        "positives": 60,
        "people": 500,
        "dealt": "Dealt anew.",
        "resamples": 1000,
        "figures": (SCREEN, SURE),
        "candidates": made,
    }
    return Comparison(**{**values, **fields})  # type: ignore[arg-type]  # fields of every type


@pytest.mark.parametrize(
    ("figure", "low", "high", "verdict"),
    [
        (SCREEN, -0.02, -0.01, "better"),
        (SCREEN, 0.01, 0.02, "worse"),
        (SURE, -0.02, -0.01, "worse"),
        (SURE, 0.01, 0.02, "better"),
        (SURE, -0.01, 0.02, "no difference"),
        (SCREEN, 0.0, 0.02, "no difference"),
        (SURE, -0.01, 0.0, "no difference"),
    ],
)
def test_fewer_alarms_are_better_and_more_recall_is_and_an_interval_that_holds_0_says_nothing(
    figure: Figure, low: float, high: float, verdict: str
) -> None:
    assert figure.verdict(low, high) == verdict


def test_the_verdicts_are_told_in_words() -> None:
    assert comparison().words == (
        (
            "false-positive rate at recall >= 0.9, screen as it is against one plain model (0.4000):"
            " -0.0100 [-0.0300, +0.0100], no difference."
        ),
        (
            "false-positive rate at recall >= 0.9, other losses: Focal better; LDAM (not if all are counted) worse;"
            " 0 of 2 make no difference."
        ),
        (
            "recall at precision >= 0.8 at prevalence 0.1, presurgical as it is against one plain model (0.4000):"
            " -0.0500 [-0.0700, -0.0300], worse."
        ),
        "recall at precision >= 0.8 at prevalence 0.1, other losses: 2 of 2 make no difference.",
    )


@pytest.mark.parametrize("seed", range(20))
def test_what_holds_if_all_are_counted_is_what_statsmodels_holds(seed: int) -> None:
    chances = np.random.default_rng(seed).beta(0.3, 3, size=12).tolist()
    assert holm(chances) == tuple(multipletests(chances, alpha=0.05, method="holm")[0].tolist())


def test_a_comparison_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_comparison(tmp_path) is None
    made = comparison(refused={"GAN": "it never settles"})
    assert read_comparison(write_comparison(made, tmp_path).parent) == made


def test_a_comparison_that_can_not_be_read_is_refused_by_its_file(tmp_path: Path) -> None:
    file = write_comparison(comparison(), tmp_path)
    file.write_text(file.read_text().replace('"seeds": 2', '"seeds": 1'))
    with pytest.raises(BadStudy) as caught:
        read_comparison(tmp_path)
    assert str(caught.value) == f"{file}: seeds: Input should be greater than or equal to 2."


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"candidates": comparison().candidates[2:]},
            "candidates should have a name each, plain among them, got Focal, LDAM",
        ),
        ({"figures": (SCREEN,)}, "candidates.as it is: should have 1 figures, got 2"),
    ],
)
def test_a_comparison_without_what_all_are_compared_with_is_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        comparison(**change)
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_a_verdict_that_its_interval_does_not_bear_out_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        Difference(value=0.0, low=-0.1, high=0.1, verdict="better", chance=0.5, holds=False)
    assert caught.value.errors()[0]["msg"] == "Value error, verdict should be of the interval -0.1 to 0.1, got better"
    with pytest.raises(ValidationError) as caught:
        Difference(value=0.0, low=-0.1, high=0.1, verdict="no difference", chance=0.5, holds=True)
    assert caught.value.errors()[0]["msg"] == "Value error, holds should be false where there is no difference"


def test_a_precision_is_meant_at_a_prevalence_and_a_recall_at_none() -> None:
    with pytest.raises(ValidationError) as caught:
        Figure(kind="recall", at_least=0.9, model="presurgical")
    assert caught.value.errors()[0]["msg"] == (
        "Value error, prevalence should be named for a recall at a precision alone, got None"
    )


def with_comparison(model: str, made: Comparison | None) -> Manifest:
    return handmade.finished(model)[1].model_copy(update={"comparison": made})


def test_a_card_cites_what_the_weighting_of_its_own_model_changes() -> None:
    text = card(with_comparison("screen", comparison()))
    assert (
        "## Weighting\n\nas it is, in words. Compared on 2 seeds, 300 people judged in each, 60 of them sick, none of"
        " them of the test part:\n\n- false-positive rate at recall >= 0.9: 0.4000; less that of one plain model with"
        " two thresholds: -0.0100 [-0.0300, +0.0100], no difference (95 % interval, paired by person and seed).\n\n"
    ) in text
    other = card(with_comparison("presurgical", comparison()))
    assert "- recall at precision >= 0.8 at prevalence 0.1: 0.4000; less that of one plain model" in other
    assert "-0.0500 [-0.0700, -0.0300], worse" in other
    assert "false-positive rate at recall" not in other


def test_a_bundle_without_a_comparison_says_nothing_of_weighting_and_is_written_as_before() -> None:
    manifest = with_comparison("screen", None)
    assert "## Weighting" not in card(manifest)
    assert "comparison" not in manifest.model_dump()
    assert any(gap.startswith("No comparison with another model") for gap in Facts.of(manifest).lacking)


def test_a_manifest_with_a_comparison_is_read_back_and_no_longer_lacks_one() -> None:
    manifest = with_comparison("screen", comparison())
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
    assert "No comparison with another test or present practice." in Facts.of(manifest).lacking


def test_the_report_has_a_section_with_every_difference_and_none_without_a_comparison(tmp_path: Path) -> None:
    graph, manifest = handmade.finished("screen")
    pages = {}
    for name, made in (("with", comparison()), ("without", None)):
        told = manifest.model_copy(update={"comparison": made})
        bundle = write_bundle(tmp_path / name / "screen", model=graph, manifest=told, card=card(told))
        pages[name] = html(Report.of(bundle))
    assert 'id="weighting"' in pages["with"]
    assert 'id="weighting"' not in pages["without"]
    assert "Focal better; LDAM (not if all are counted) worse" in pages["with"]
    for cell in ("-0.0500", "[-0.0700, -0.0300]", "+0.0300", "LDAM, in words"):
        assert cell in pages["with"]
