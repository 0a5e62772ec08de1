"""The one decision path of evaluation, HTTP and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy import special

from models.bundle import Bundle
from models.calibration import shift
from models.errors import BadInput, Refusal
from models.graph import float32
from models.manifest import Manifest
from models.rows import encode_rows

# Measured on 2 cores: the activations of 1,024 rows stay in the cache; ten times as many cost a third of the speed.
ROWS_PER_CALL = 1024

# Eight times the rounding of one step in 32 bits. Tried on 600,000 rows with prevalences from 1e-7 to 1 - 1e-7.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Scores:
    """What a model says of some rows.

    `probability` float32 [rows] at `prevalence`; `positive` bool [rows] is not (probability < threshold);
    `logit` float32 [rows]; `symptoms` float32 [rows] each, in its own unit.
    """

    probability: NDArray[np.float32]
    positive: NDArray[np.bool_]
    logit: NDArray[np.float32]
    symptoms: Mapping[str, NDArray[np.float32]]
    threshold: float
    prevalence: float

    def __len__(self) -> int:
        return len(self.positive)


class Scorer:
    """Answers from one bundle: rows -> probabilities -> decisions.

    One session with one thread: the same row gives the same bits alone, among others, and on any core.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.manifest: Manifest = bundle.manifest
        self.columns = bundle.manifest.columns
        self._graph = Graph(bundle.graph)

    def score_rows(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        threshold: float | None = None,
        prevalence: float | None = None,
    ) -> Scores:
        """Score rows, one mapping of column names to values a person.

        Raises BadInput naming every bad value as `rows.3.age`.
        """
        return self.score(encode_rows(self.columns, rows), threshold=threshold, prevalence=prevalence)

    def score(
        self,
        columns: NDArray[np.float32],
        *,
        threshold: float | None = None,
        prevalence: float | None = None,
    ) -> Scores:
        """Score encoded rows, float32 [rows, columns] with NaN for an empty cell.

        Without `threshold` the certified one decides. `prevalence` restates probabilities; a promise that does
        not depend on it (recall) is kept by restating the threshold as well, one that names another prevalence
        is not: see `holds_at`.

        Raises BadInput if a row breaks the schema, or a setting is out of range.
        """
        self._check(columns, threshold, prevalence)
        at = self.manifest.prevalence if prevalence is None else prevalence
        cut = self._threshold(at) if threshold is None else float32(threshold)
        answers = self._graph.run(columns, threshold=cut, prevalence=at)
        lost = np.flatnonzero(np.isnan(answers["probability"]))
        if len(lost):
            raise BadInput(
                [Refusal(f"rows.{row}", "should keep the schema of the model", "a row outside it") for row in lost]
            )
        return Scores(
            probability=answers["probability"],
            positive=answers["positive"],
            logit=answers["logit"],
            symptoms={symptom.name: answers[symptom.name] for symptom in self.manifest.symptoms},
            threshold=cut,
            prevalence=at,
        )

    def holds_at(self, prevalence: float | None) -> bool:
        """Whether the certified promise is one about people of whom `prevalence` are sick."""
        promised = self.manifest.point.promise.prevalence
        return promised is None or prevalence in {None, promised}

    def _threshold(self, prevalence: float) -> float:
        """The certified threshold as it reads at another prevalence.

        A precision is promised of the probability itself, so its threshold stays: where fewer are sick fewer
        are flagged. A recall is promised of the sick, however many there are, so its threshold moves along,
        and further down by what the graph may round: in a probability, and in each term of the logit.
        """
        point = self.manifest.point
        if prevalence == self.manifest.prevalence or point.promise.prevalence is not None:
            return point.threshold
        own, to, reference = (
            float32(share) for share in (self.manifest.prevalence, prevalence, self.manifest.calibration.prevalence)
        )
        lowest = special.logit(point.threshold * (1 - ROUNDING))
        slack = ROUNDING * np.abs([lowest, *special.logit([own, to, reference])]).sum()
        moved = special.expit(shift(lowest, prevalence=own, to=to) - slack)
        return float32(moved * (1 - ROUNDING))

    def _check(self, columns: NDArray[np.float32], threshold: float | None, prevalence: float | None) -> None:
        refused = []
        wanted = f"should be float32 [rows, {len(self.columns.columns)}]"
        if columns.ndim != 2 or columns.shape[1] != len(self.columns.columns) or columns.dtype != np.float32:
            refused.append(Refusal("columns", wanted, f"{columns.dtype} {list(columns.shape)}"))
        if threshold is not None and not 0 <= threshold <= 1:
            refused.append(Refusal("threshold", "should be a probability from 0 to 1", repr(threshold)))
        if prevalence is not None and not (0 < prevalence < 1 and 0 < float32(prevalence) < 1):
            refused.append(Refusal("prevalence", "should be a share between 0 and 1", repr(prevalence)))
        if refused:
            raise BadInput(refused)


class Graph:
    """An ONNX file in a runtime, fed in calls of a size that suits the processor's cache."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # an optional input with a default is meant, and not worth a warning
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self._session.get_outputs()]

    def run(self, columns: NDArray[np.float32], **settings: float) -> dict[str, NDArray[Any]]:
        """All outputs by name, for float32 [rows, columns] and any of the optional inputs."""
        feed = {name: np.array([value], dtype=np.float32) for name, value in settings.items()}
        starts = range(0, max(len(columns), 1), ROWS_PER_CALL)
        answers = [
            self._session.run(self.outputs, {"columns": columns[start : start + ROWS_PER_CALL], **feed})
            for start in starts
        ]
        return {name: np.concatenate([answer[place] for answer in answers]) for place, name in enumerate(self.outputs)}
