from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from models.bundle import open_bundle
from models.errors import BadInput, BadStudy
from models.scorer import Scorer
from models.table import encode_table
from training.data import Data
from training.reference import Answers, Reference, Teach


class FromBundle(Reference):
    """What a finished model says: its calibrated logit, or the answer of one of its symptom heads.

    The teacher reads its own columns from the table, which may be others than the student's: it may know what the
    student is never told.
    """

    path: str = Field(description="of the bundle's folder; a relative one is looked for from the working folder")
    output: str = Field("logit", description="`logit`, or the name of a symptom head")

    def answers(self, parts: Mapping[str, Data], teach: Teach) -> Answers:
        del teach
        scorer = Scorer(open_bundle(Path(self.path)))
        heads = ("logit", *(symptom.name for symptom in scorer.manifest.symptoms))
        if self.output not in heads:
            raise BadStudy(f"{self.path}: output: should be one of {', '.join(heads)}, got {self.output}.")
        found = {}
        for name in ("training", "validation"):
            encoded = encode_table(scorer.columns, parts[name].table)
            if encoded.refused:
                raise BadInput(encoded.refused)
            scores = scorer.score(encoded.values)
            found[name] = scores.logit if self.output == "logit" else scores.symptoms[self.output]
        return found
