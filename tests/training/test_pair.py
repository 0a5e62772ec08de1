from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import BadBundle, BadStudy
from models.joint import Joint, open_joint, write_joint
from models.pathway import ANSWERS, Pathway
from models.scorer import Scorer
from models.turn import Setting
from tests.training.conftest import Trained
from training.pair import pair


@pytest.fixture(scope="module")
def joint(breast: Trained) -> Joint:
    return pair(breast.study, breast.loaded, bundles(breast))


def bundles(breast: Trained) -> dict[str, object]:
    return {name: made.bundle for name, made in breast.made.items()}


def test_a_trained_pair_is_counted_as_its_models_answer_person_by_person(breast: Trained, joint: Joint) -> None:
    scorers = Scorer(breast.made["screen"].bundle), Scorer(breast.made["presurgical"].bundle)
    pathway = Pathway(*scorers, joint)
    turned = (Setting(), Setting(operating_point=0.3), Setting(operating_point="recall >= 0.8"))
    for setting in turned:
        at = (scorers[0].turn(setting), scorers[1].turn())
        for part, pairs in (("certification", joint.certification), ("test", joint.test)):
            data = breast.loaded.parts[part]
            sick = data.labels["malignant"] == 1
            tally = dict.fromkeys((f"{answer}, {kind}" for answer in ANSWERS for kind in (True, False)), 0)
            for row, kind in zip(data.columns, sick, strict=True):
                answer = ANSWERS[pathway.score(row[None], row[None], at=at).answers[0]]
                tally[f"{answer}, {bool(kind)}"] += 1
            found = pairs.measure(*at, 0.1).answered
            cases = [found.cleared, found.referred, found.operated]
            assert [count for each in cases for count in (each.sick, each.healthy)] == list(tally.values())


def test_a_trained_pair_is_written_beside_its_bundles_and_opened_with_them(breast: Trained, joint: Joint) -> None:
    folder = breast.out / "breast"
    write_joint(joint, folder)
    opened = open_joint(folder, breast.made["screen"].bundle, breast.made["presurgical"].bundle)
    assert opened == joint
    assert opened.certification.part.rows == len(breast.loaded.parts["certification"].columns)
    assert opened.test is not None
    (folder / "pathway.json").unlink()


def test_a_study_without_a_test_part_has_joint_evidence_of_its_certification_part(breast: Trained) -> None:
    without = replace(breast.loaded.parts["test"], columns=breast.loaded.parts["test"].columns[:0])
    loaded = replace(breast.loaded, parts={**breast.loaded.parts, "test": without})
    assert pair(breast.study, loaded, bundles(breast)).test is None


def test_a_pathway_needs_both_models(breast: Trained) -> None:
    with pytest.raises(BadStudy) as caught:
        pair(breast.study, breast.loaded, {"screen": breast.made["screen"].bundle})
    assert str(caught.value) == "breast: a pathway needs screen and presurgical, got screen."


def test_bundles_that_were_certified_on_other_people_are_refused(breast: Trained, tmp_path: Path) -> None:
    other = breast.loaded.parts["certification"]
    exchanged = {**other.labels, "malignant": np.roll(other.labels["malignant"], 1)}
    loaded = replace(breast.loaded, parts={**breast.loaded.parts, "certification": replace(other, labels=exchanged)})
    with pytest.raises(BadBundle, match=r"certification\.screen: should have the counts of the curve of breast/screen"):
        pair(breast.study, loaded, bundles(breast))
