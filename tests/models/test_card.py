from __future__ import annotations

from pathlib import Path

from models.bundle import open_bundle
from models.card import card, table
from tests import handmade

STORED = open_bundle(Path(__file__).parent / "stored" / "format-1").manifest


def test_the_card_says_promise_figures_columns_and_origin() -> None:
    text = card(STORED)
    assert text.startswith("# handmade/presurgical\n")
    point = STORED.point
    for part in (
        "Promise: **precision >= 0.6 at prevalence 0.2 with confidence 0.95**.",
        f"Certified: precision >= {point.certified:.4f} on {point.positives:,} positives",
        f"Rows with a probability of {point.threshold:.6g} or more are flagged.",
        "| age | age at the visit | years | a number from 0 to 120 years | refused |",
        "| fluid | fluid in the retina | um | a number from 0 to 900 um or empty | filled in |",
        f"| recall | {point.measured.recall} |",
        "was kept on the 300 test cases",
        "| certification | 4,000 | ",
    ):
        assert part in text


def test_a_broken_promise_stands_out() -> None:
    assert STORED.evidence is not None
    broken = STORED.model_copy(update={"evidence": STORED.evidence.model_copy(update={"kept": False})})
    assert "was **not kept** on the 300 test cases" in card(broken)


def test_a_model_without_evidence_has_a_card_too() -> None:
    text = card(handmade.finished()[1])
    assert "test cases" not in text
    assert "## Measured" in text


def test_a_bar_in_a_cell_breaks_no_table() -> None:
    assert table(["a", "b"], [["x|y", "z"]]) == ["| a | b |", "| --- | --- |", "| x/y | z |", ""]
