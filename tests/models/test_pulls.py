from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from models.facts.facts import Facts
from models.pulls import Look, PullTable
from models.report.heat_map import depth
from models.report.page import Plot, manifest_source
from models.report.pulls import pulls
from tests import handmade

TABLE = PullTable(
    terms=("CostWeighted on sick against sick", "SquaredSize on weights"),
    taps=("inputs", "sick", "weights"),
    looks=(
        Look(epoch=1, norms=((0.125, 0.5, 2.0), (None, None, 0.01))),
        Look(epoch=2, norms=((0.25, 0.375, 1.5), (None, None, 0.02))),
        Look(epoch=4, norms=((0.0625, 0.75, 1.0), (None, None, 0.03))),
    ),
)


def section(table: PullTable | None) -> tuple[str, ...] | Plot:
    manifest = handmade.finished()[1].model_copy(update={"pulls": table})
    made = pulls(Facts.of(manifest), manifest_source("0" * 64))
    assert (made.anchor, made.title) == ("pulls", "Which loss pulled where")
    if made.blocks:
        (plot,) = made.blocks
        assert isinstance(plot, Plot)
        return plot
    return made.text


def test_every_look_has_a_row_a_term_and_a_cell_a_tap() -> None:
    for norms in (((0.1, 0.1),), ((0.1, 0.1, 0.1),), ((0.1, 0.1), (0.1,))):
        with pytest.raises(ValidationError) as caught:
            PullTable(terms=("a", "b"), taps=("x", "y"), looks=(Look(epoch=1, norms=norms),))
        assert caught.value.errors()[0]["msg"] == "Value error, looks.0.norms should have 2 rows of 2 cells"


def test_a_table_is_read_back_as_what_it_was() -> None:
    assert PullTable.model_validate_json(TABLE.model_dump_json()) == TABLE


def test_the_report_draws_the_first_and_the_last_look_and_writes_the_numbers() -> None:
    plot = section(TABLE)
    assert isinstance(plot, Plot)
    assert plot.title == "Pull in epoch 1 and 4"
    first, last = (drawing.svg for drawing in plot.drawings)
    assert ">0.12<" in first
    assert ">0.062<" in last
    for svg in (first, last):
        assert svg.count("\u00d7") == 2
        assert all(f">{tap}<" in svg for tap in TABLE.taps)
    assert [cell.text for cell in plot.table.rows[0]] == [
        "1: CostWeighted on sick against sick, epoch 1", "0.125", "0.5", "2",
    ]  # fmt: skip
    assert [row[0].text[-7:] for row in plot.table.rows] == ["epoch 1", "epoch 2", "epoch 4"] * 2
    assert plot.table.rows[3][1].text == "does not reach"


def test_a_harder_pull_is_darker_on_one_scale_for_both_looks() -> None:
    plot = section(TABLE)
    assert isinstance(plot, Plot)
    shades = [
        float(found) for drawing in plot.drawings for found in re.findall(r"(?:fill-)?opacity: ([0-9.]+)", drawing.svg)
    ]
    norms = [norm for look in (TABLE.looks[0], TABLE.looks[-1]) for row in look.norms for norm in row if norm]
    assert len(shades) == len(norms)
    assert [shade for _, shade in sorted(zip(norms, shades, strict=True))] == sorted(shades)
    assert depth(2.0, 2.0) == 1.0
    assert depth(2e-9, 2.0) == 0.0


def test_one_look_is_drawn_once() -> None:
    plot = section(TABLE.model_copy(update={"looks": TABLE.looks[:1]}))
    assert isinstance(plot, Plot)
    assert len(plot.drawings) == 1


def test_a_bundle_that_does_not_tell_says_so() -> None:
    wanted = ("The bundle does not tell how hard its losses pulled.",)
    assert section(None) == wanted
    assert section(TABLE.model_copy(update={"looks": ()})) == wanted
