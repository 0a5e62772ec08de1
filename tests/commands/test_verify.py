from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.bundle import Bundle, write_bundle
from models.manifest import Probe
from tests import handmade
from tests.asking import DONE, UNSOUND, asked, cells, process


def probed(folder: Path, *, wrong: bool = False) -> Bundle:
    """A hand-made bundle that recorded one answer, or another than it gives."""
    model, manifest = handmade.finished("screen")
    row = tuple(float(cell) for cell in np.nan_to_num(handmade.encoded(1)[0]))
    probability = 1 / (1 + np.exp(-handmade.logits(np.array([row], dtype=np.float32))[0]))
    positive = bool(probability >= manifest.point.threshold)
    probe = Probe(columns=row, probability=probability, positive=positive ^ wrong)
    return write_bundle(
        folder / "handmade" / "screen",
        model=model,
        manifest=manifest.model_copy(update={"probes": (probe,)}),
        card="# Hand-made\n",
    )


def test_a_sound_bundle_is_verified(here: Path) -> None:
    bundle = probed(here)
    answer = process("verify", "handmade/screen", folder=here)
    assert (answer.code, answer.err) == (DONE, "")
    assert "handmade/screen: recall >= 0.9 with confidence 0.95" in answer.out
    assert answer.out.count(" ok ") == 4
    assert bundle.digest in answer.out.replace("\n", "") or bundle.digest[:20] in answer.out


@pytest.mark.parametrize("name", ["model.onnx", "CARD.md"])
def test_pitfall_a_single_byte_that_was_changed_is_found_and_its_file_named(here: Path, name: str) -> None:
    bundle = probed(here)
    file = bundle.folder / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    answer = asked("verify", "handmade/screen")
    assert (answer.code, answer.out) == (UNSOUND, "")
    assert answer.err.startswith(f"handmade/screen/{name}: should have SHA-256 ")


def test_a_bundle_that_answers_otherwise_than_recorded_is_wrong(here: Path) -> None:
    probed(here, wrong=True)
    answer = asked("verify", "handmade/screen")
    assert answer.code == UNSOUND
    wrong = [line for line in cells(answer.out) if line[0] == "WRONG"]
    assert wrong == [["WRONG", "decisions as recorded", "1 of 1 differ"]]


def test_of_several_bundles_one_that_is_wrong_is_enough(here: Path) -> None:
    handmade.bundle(here / "good", "presurgical")
    probed(here, wrong=True)
    answer = asked("verify", "handmade/screen", "good/handmade/presurgical")
    assert answer.code == UNSOUND
    assert "handmade/presurgical: precision" in answer.out


def test_a_folder_without_a_bundle_is_named(here: Path) -> None:
    answer = asked("verify", "nothing")
    assert (answer.code, answer.err) == (
        UNSOUND,
        "nothing/manifest.json: should be a readable file, got: No such file or directory.\n",
    )
