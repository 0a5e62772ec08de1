from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.comparison import PAIR, PLAIN, Comparison
from models.errors import BadStudy
from tests.comparable import study_file
from training.comparing import compare as comparing
from training.comparing.bench import Bench, Outcome
from training.comparing.candidates import candidates
from training.comparing.compare import compare
from training.comparing.forest import draw
from training.comparing.page import page
from training.run import Loaded, load
from training.study import Study, find_study


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_file(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def study(file: Path) -> Study:
    return find_study(str(file))


@pytest.fixture(scope="module")
def loaded(study: Study) -> Loaded:
    return load(study)


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    """The pair, the plain model and two losses: the others are trained in no other way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            comparing,
            "candidates",
            lambda study, share: tuple(
                each for each in candidates(study, share=share) if each.name in {PAIR, PLAIN, "Focal", "PairwiseAUC"}
            ),
        )
        yield


@pytest.fixture(scope="module")
def found(
    study: Study, loaded: Loaded, file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Comparison, Path]:
    """What was found, and the folder of what was trained, in which nothing is changed."""
    cells = tmp_path_factory.mktemp("found") / "cells"
    return compare(study, loaded, cells, named=str(file), seeds=2, resamples=1000), cells


@pytest.fixture
def copied(found: tuple[Comparison, Path], tmp_path: Path) -> tuple[Comparison, Path]:
    """The same, with a folder of its own."""
    return found[0], shutil.copytree(found[1], tmp_path / "cells")


def test_a_comparison_says_what_was_compared_on_whom(
    found: tuple[Comparison, Path], study: Study, loaded: Loaded
) -> None:
    made, cells = found
    assert [each.name for each in made.candidates] == [PAIR, PLAIN, "Focal", "PairwiseAUC"]
    assert (made.study, made.data, made.seeds, made.refused) == ("people", loaded.digests, 2, {})
    # Of 1,200 rows a fifth is for the test; of the others a quarter is judged, two rows a person.
    assert made.rows == pytest.approx(240, abs=4)
    assert 120 < made.people <= 240
    bench = Bench.of(study, loaded, "comparison")
    sick = [bench.targets[bench.deal(seed).judge].sum() for seed in (1, 2)]
    assert made.positives == round(np.mean(sick))
    # Two models of the pair, and one of each other candidate, in two seeds.
    assert len(list(cells.iterdir())) == 2 * 5


def test_figures_are_those_of_the_models_trained_and_judged_by_hand(
    found: tuple[Comparison, Path], study: Study, loaded: Loaded
) -> None:
    made, _ = found
    bench = Bench.of(study, loaded, "comparison")
    for place, model in enumerate(study.models):
        for seed in (1, 2):
            scores = bench.train(model, seed).scores
            assert scores is not None
            sick = bench.targets[bench.deal(seed).judge] > 0
            points = [(np.mean(scores[sick] >= t), np.mean(scores[~sick] >= t)) for t in np.unique(scores)]
            expected = (
                min(alarmed for recall, alarmed in points if recall >= 0.8 - 1e-9),
                max((r for r, alarmed in points if 0.2 * r >= 0.7 * (0.2 * r + 0.8 * alarmed) - 1e-9), default=0.0),
            )[place]
            assert made.candidates[0].found[place].seeds[seed - 1] == pytest.approx(expected)


def test_no_case_of_the_test_part_has_a_say(
    found: tuple[Comparison, Path], study: Study, loaded: Loaded, file: Path, tmp_path: Path
) -> None:
    test = loaded.parts["test"]
    turned = replace(test, labels={head: 1 - label for head, label in test.labels.items()}, columns=-test.columns)
    other = replace(loaded, parts={**loaded.parts, "test": turned})
    assert compare(study, other, tmp_path / "other", named=str(file), seeds=2, resamples=1000) == found[0]


def test_what_was_trained_is_not_trained_again(
    copied: tuple[Comparison, Path], study: Study, loaded: Loaded, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, cells = copied
    lost = sorted(cells.iterdir())[3]
    lost.unlink()
    trained, train = [], Bench.train

    def counted(bench: Bench, *asked: object, **fields: object) -> Outcome:
        trained.append(asked)
        return train(bench, *asked, **fields)

    monkeypatch.setattr(Bench, "train", counted)
    heard: list[str] = []
    again = compare(
        study, loaded, cells, named=str(file), seeds=2, resamples=1000, told=lambda _, state: heard.append(state)
    )
    assert again == made
    assert len(trained) == 1
    assert lost.exists()
    assert heard.count("there already") == 9
    # Of other data nothing is taken over.
    other = replace(loaded, digests=dict.fromkeys(loaded.digests, "f" * 64))
    compare(study, other, cells, named=str(file), seeds=2, resamples=1000)
    assert len(trained) == 1 + 10


def test_processes_find_what_one_finds(
    found: tuple[Comparison, Path], study: Study, loaded: Loaded, file: Path, tmp_path: Path
) -> None:
    again = compare(study, loaded, tmp_path / "two", named=str(file), seeds=2, resamples=1000, jobs=2)
    assert again == found[0]


def test_a_candidate_that_can_not_be_trained_is_named_and_the_others_are_compared(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = Bench.train

    def broken(bench: Bench, model: object, seed: int, **fields: float) -> Outcome:
        if "PairwiseAUC" in str(model) and seed == 2:
            return Outcome(None, 0.0, "it never settles")
        return train(bench, model, seed, **fields)

    monkeypatch.setattr(Bench, "train", broken)
    made = compare(study, loaded, tmp_path, named="", seeds=2, resamples=1000)
    assert made.refused == {"PairwiseAUC": "it never settles"}
    assert [each.name for each in made.candidates] == [PAIR, PLAIN, "Focal"]
    assert "- PairwiseAUC could not be trained: it never settles\n" in page(made, "a.svg", command="fulcrum compare")


def test_without_the_plain_model_there_is_nothing_to_compare_with(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bench, "train", lambda *_, **__: Outcome(None, 0.0, "no electricity"))
    with pytest.raises(BadStudy) as caught:
        compare(study, loaded, tmp_path, named="", seeds=2)
    assert str(caught.value) == "people: the plain model can not be trained. no electricity"


def test_the_page_has_every_figure_of_every_candidate_and_the_words(found: tuple[Comparison, Path]) -> None:
    made, _ = found
    text = page(made, "comparison.svg", command="fulcrum compare people.py --seeds 2", level=2)
    assert text.startswith("## What weighting and losses change: people\n\n`fulcrum compare people.py --seeds 2`\n")
    for line in made.words:
        assert f"- {line}\n" in text
    for each in made.candidates:
        for one in each.found:
            cells = [each.name, each.what, f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"]
            line = next(line for line in text.splitlines() if line.startswith(f"| {' | '.join(cells)} |"))
            if one.difference:
                assert f"| {one.difference.value:+.4f} [" in line
                assert f"| {one.difference.verdict} |" in line
    assert "![Differences from the plain model, with 95 % intervals](comparison.svg)" in text


def test_the_picture_is_drawn_alike_every_time(found: tuple[Comparison, Path], tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg", "three.png"):
        draw(found[0], tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "three.png").read_bytes().startswith(b"\x89PNG")
