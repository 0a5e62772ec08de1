from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import open_bundle
from models.comparison import PAIR, PLAIN, read_comparison
from tests.asking import DONE, REFUSED, USAGE, asked, cells
from tests.comparable import study_file
from training.comparing import compare as comparing
from training.comparing import search as searching
from training.comparing.candidates import candidates
from training.study import find_study


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pair, the plain model and one loss."""
    monkeypatch.setattr(
        comparing,
        "candidates",
        lambda study, share: tuple(
            each for each in candidates(study, share=share) if each.name in {PAIR, PLAIN, "Focal"}
        ),
    )


def test_a_study_is_compared_and_its_bundles_carry_what_was_found(here: Path, few: None) -> None:
    study_file(here)
    answer = asked("compare", "people.py", "--seeds", 2)
    assert answer.code == DONE, answer.err
    found = read_comparison(Path("out/people"))
    assert found is not None
    head, *lines = cells(answer.out)
    assert head == ["candidate", *map(str, found.figures)]
    assert [line[0] for line in lines] == [PAIR, PLAIN, "Focal"]
    for words in found.words:
        assert f"{words}\n" in answer.out
    for name in ("json", "md", "svg"):
        assert f"Wrote out/people/comparison.{name}\n" in answer.out
    assert (
        Path("out/people/comparison.md")
        .read_text()
        .startswith("# What weighting and losses change: people\n\n`fulcrum compare people.py --seeds 2`\n")
    )
    trained = asked("train", "people.py", "--only", "screen")
    assert trained.code == DONE, trained.err
    bundle = open_bundle("out/people/screen")
    assert bundle.manifest.comparison == found
    own = found.candidates[0].found[0]
    assert f"{own.value:.4f}; less that of one plain model with two thresholds: {own.difference}" in bundle.card


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('name="people"', 'name="others"', "another study"),
        ("miss=5.0", "miss=6.0", "another version of the study"),
        ("", "", "other data"),
    ],
)
def test_a_comparison_of_something_else_is_said_and_stays_out(
    here: Path, few: None, old: str, new: str, what: str
) -> None:
    file = study_file(here)
    assert asked("compare", "people.py", "--seeds", 2).code == DONE
    file.write_text(file.read_text().replace(old, new) if old else file.read_text())
    if not old:
        table = Path("people.csv")
        table.write_text(table.read_text() + table.read_text().splitlines()[1] + "\n")
    if what == "another study":
        Path("out/people").rename("out/others")
    name = find_study("people.py").name
    answer = asked("train", "people.py", "--only", "screen")
    assert answer.code == DONE, answer.err
    assert f"out/{name}/comparison.json: is of {what}, and stays out of the bundles.\n" in answer.err
    assert open_bundle(f"out/{name}/screen").manifest.comparison is None


def test_a_search_writes_a_study_file_that_can_be_trained_and_does_not_write_over_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_file(here)
    search = searching.search
    monkeypatch.setattr(searching, "search", lambda *given, **fields: search(*given, **fields, most=2))
    answer = asked("compare", "people.py", "--search", 30, "--only", "screen")
    assert answer.code == DONE, answer.err
    assert "screen: 1800 s to search.\n" in answer.err
    assert answer.out.startswith("screen: ")
    assert answer.out.endswith("Wrote out/people/people_searched.py\n")
    assert [model.name for model in find_study("out/people/people_searched.py").models] == ["screen", "presurgical"]
    again = asked("compare", "people.py", "--search", 30)
    assert (again.code, again.out) == (REFUSED, "")
    assert again.err == "out/people/people_searched.py: is there already; --replace writes over it.\n"
    replaced = asked("compare", "people.py", "--search", 30, "--only", "screen", "--replace")
    assert replaced.code == DONE, replaced.err
    assert "screen: goes on after 2 models.\n" in replaced.err


@pytest.mark.parametrize("option", [("--only", "screen"), ("--replace",)])
def test_what_goes_with_a_search_is_refused_without_one(here: Path, option: tuple[str, ...]) -> None:
    answer = asked("compare", "breast", *option)
    assert answer.code == USAGE
    assert "--only and --replace go with --search." in answer.usage


def test_one_seed_alone_is_refused(here: Path) -> None:
    assert asked("compare", "breast", "--seeds", 1).code == USAGE


def test_a_study_that_is_nowhere_is_refused(here: Path) -> None:
    answer = asked("compare", "covit")
    assert answer.code == REFUSED
    assert answer.err.startswith("covit: should be one of breast, covid")
