from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from models.background import TITLES, Background
from models.bundle import open_bundle
from models.facts.facts import Facts
from models.guidelines.every import EVERY_GUIDELINE
from models.guidelines.guideline import answered
from models.manifest import Manifest
from models.report.declared import background
from models.report.page import manifest_source
from tests import handmade

SHIPPED = open_bundle(Path(__file__).parents[2] / "models/covid/screen").manifest


def told(manifest: Manifest, **words: str) -> Facts:
    study = {**manifest.provenance.study, "background": words}
    return Facts.of(manifest.model_copy(update={"provenance": manifest.provenance.model_copy(update={"study": study})}))


def test_every_field_has_a_title_of_its_own() -> None:
    assert len(set(TITLES.values())) == len(TITLES) == len(Background.model_fields)
    assert all(TITLES.values())


def test_blank_text_tells_nothing() -> None:
    made = Background(funding="  ", ethics="Approved.")
    assert made.told == {"Approval by an ethics committee": "Approved."}
    assert "Funding" in made.untold
    assert len(made.untold) == len(TITLES) - 1


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="sponsor"):
        Background.model_validate({"sponsor": "nobody"})


def test_every_field_fills_an_item_of_some_guideline_and_none_is_filled_without_it() -> None:
    facts = Facts.of(SHIPPED)
    everything = facts.model_copy(update={"background": Background(**dict.fromkeys(TITLES, "Told."))})
    asked = {path for one in EVERY_GUIDELINE for item in one.items for path in item.answered_by}
    for name in TITLES:
        path = f"background.{name}"
        assert path in asked
        without = everything.model_copy(update={"background": everything.background.model_copy(update={name: ""})})
        for guideline in EVERY_GUIDELINE:
            mine = {item.number for item in guideline.items if path in item.answered_by}
            full, less = answered(guideline, everything), answered(guideline, without)
            lost = {answer.number for answer in full.answers if answer.state == "filled"} - {
                answer.number for answer in less.answers if answer.state == "filled"
            }
            assert lost == mine


def test_the_report_shows_what_is_told_as_declared_and_names_what_is_not() -> None:
    section = background(told(SHIPPED, funding="Nobody paid."), manifest_source("0" * 64))
    (table,) = section.blocks
    funding, left = ([cell.text for cell in row] for row in table.rows)  # type: ignore[union-attr]
    assert funding == ["Funding", "Nobody paid."]
    assert left == ["Not told", "; ".join(title for title in TITLES.values() if title != "Funding")]
    assert section.text == ("As declared; nothing of it was counted or checked.",)


def test_a_study_that_tells_nothing_is_said_to() -> None:
    facts = Facts.of(handmade.finished()[1])
    section = background(facts, manifest_source("0" * 64))
    assert (section.blocks, section.text) == ((), ("The study tells nothing of its people, setting and makers.",))
    assert "Nothing on people, setting, ethics, funding and protocol: the study has no background." in facts.lacking


def test_what_is_left_open_is_counted_among_what_is_lacking() -> None:
    lacking = told(SHIPPED, funding="Nobody paid.").lacking
    assert f"No background on {len(TITLES) - 1} of {len(TITLES)} things that guidelines ask for." in lacking
    assert not any("background" in gap for gap in told(SHIPPED, **dict.fromkeys(TITLES, "Told.")).lacking)
