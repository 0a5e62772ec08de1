"""What two models of a study do to the same people, asked through the scorers that serve them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.errors import BadStudy
from models.joint import Joint, Pairs, check_joint
from models.scorer import Scorer
from training.run import Loaded
from training.study import Study

SCREEN, PRESURGICAL = "screen", "presurgical"


def pair(
    study: Study,
    loaded: Loaded,
    bundles: Mapping[str, Bundle],
    certified: Mapping[str, NDArray[np.float32]] | None = None,
) -> Joint:
    """Score the certification and the test part with both models of a pathway, and count the pairs of answers.

    `bundles` are those of the study by the names of their models, made from `loaded`. `certified` are the scores
    [rows] that each was certified on: where the certification part taught too, the bundles can not tell them.

    Raises BadStudy if one of the two is not there, BadBundle if they were made from other cases.
    """
    for name in (SCREEN, PRESURGICAL):
        if name not in bundles:
            raise BadStudy(f"{study.name}: a pathway needs {SCREEN} and {PRESURGICAL}, got {', '.join(bundles)}.")
    screen, presurgical = Scorer(bundles[SCREEN]), Scorer(bundles[PRESURGICAL])

    def pairs(part: Literal["certification", "test"]) -> Pairs:
        data = loaded.parts[part]
        if certified and part == "certification":
            first, second = certified[SCREEN], certified[PRESURGICAL]
        else:
            first, second = (scorer.score(data.inputs).probability for scorer in (screen, presurgical))
        return Pairs.of(first, second, data.labels[study.outcome.name], part=part)

    joint = Joint(
        screen=bundles[SCREEN].digest,
        presurgical=bundles[PRESURGICAL].digest,
        certification=pairs("certification"),
        test=pairs("test") if len(loaded.parts["test"].columns) else None,
    )
    check_joint(joint, bundles[SCREEN], bundles[PRESURGICAL])
    return joint
