"""The one decision path of evaluation, HTTP and files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.bundle import Bundle
from models.errors import BadInput, Refusal
from models.graph import IMAGE, NO_ZONE, float32
from models.inputs import Inputs
from models.manifest import Manifest
from models.rows import encode_rows
from models.turn import Setting, Turned, turn
from models.unguarded import unguarded

# Measured on 2 cores: the activations of 1,024 rows stay in the cache; ten times as many cost a third of the speed.
ROWS_PER_CALL = 1024
# The activations of a convolution take megabytes a photograph, so that few go in one call.
IMAGES_PER_CALL = 8

# Settings whose meaning is kept; a page that is being turned asks for a few hundred.
REMEMBERED = 1024
RELEASED = Setting()


@dataclass(frozen=True)
class Scores:
    """What a model says of some rows.

    `probability` float32 [rows] at the prevalence of `at`; `positive` bool [rows] is not (probability < threshold),
    `negative` bool [rows] is below clear_below, and who is neither is undecided; `logit` float32 [rows];
    `symptoms` float32 [rows] each, in its own unit.
    """

    probability: NDArray[np.float32]
    positive: NDArray[np.bool_]
    negative: NDArray[np.bool_]
    logit: NDArray[np.float32]
    symptoms: Mapping[str, NDArray[np.float32]]
    at: Turned

    @property
    def threshold(self) -> float:
        """At and above which a probability is positive."""
        return self.at.threshold

    @property
    def prevalence(self) -> float:
        """At which the probabilities are stated."""
        return self.at.prevalence

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
        self._symptoms = tuple(symptom.name for symptom in bundle.manifest.symptoms)
        self._graph = Graph(bundle.graph)
        self._turn = lru_cache(maxsize=REMEMBERED)(partial(turn, self.manifest))

    def turn(self, setting: Setting = RELEASED) -> Turned:
        """Where the model works if this is asked; what was asked before is remembered.

        Raises BadInput if the setting can not be understood, Unreachable if its contract can not be certified.
        """
        return self._turn(setting)

    def score_rows(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        at: Turned | None = None,
        threshold: float | None = None,
        prevalence: float | None = None,
    ) -> Scores:
        """Score rows, one mapping of column names to values a person.

        Raises BadInput naming every bad value as `rows.3.age`.
        """
        return self.score(encode_rows(self.columns, rows), at=at, threshold=threshold, prevalence=prevalence)

    def score(
        self,
        rows: Inputs | NDArray[np.float32],
        *,
        at: Turned | None = None,
        threshold: float | None = None,
        prevalence: float | None = None,
    ) -> Scores:
        """Score encoded rows, or columns alone: float32 [rows, columns] with NaN for an empty cell.

        `at` comes from `turn`; without it `threshold` decides, or the certified one, at `prevalence`.

        Raises BadInput if a row breaks the schema, a photograph is missing or in vain, or a setting is out of range.
        """
        rows = Inputs.of(rows)
        self._check(rows, threshold, prevalence)
        if at is None:
            at = self.turn(Setting.told(threshold, prevalence))
        answers = self._graph.run(
            rows, threshold=at.threshold, clear_below=_zone(at), prevalence=float32(at.prevalence)
        )
        # One that is no number makes the sum none: a third of the time of looking at each.
        if math.isnan(np.add.reduce(answers["probability"])):
            lost = np.flatnonzero(np.isnan(answers["probability"]))
            raise BadInput(
                [Refusal(f"rows.{row}", "should keep the schema of the model", "a row outside it") for row in lost]
            )
        return Scores(
            probability=answers["probability"],
            positive=answers["positive"],
            negative=answers["negative"],
            logit=answers["logit"],
            symptoms={name: answers[name] for name in self._symptoms},
            at=at,
        )

    def _check(self, rows: Inputs, threshold: float | None, prevalence: float | None) -> None:
        refused, columns, width = [], rows.columns, len(self.columns.columns)
        if columns.ndim != 2 or columns.shape[1] != width or columns.dtype != np.float32:
            wanted = f"should be float32 [rows, {width}]"
            refused.append(Refusal("columns", wanted, f"{columns.dtype} {list(columns.shape)}"))
        refused += self._check_image(rows.image)
        if threshold is not None and not 0 <= threshold <= 1:
            refused.append(Refusal("threshold", "should be a probability from 0 to 1", repr(threshold)))
        if prevalence is not None and not (0 < prevalence < 1 and 0 < float32(prevalence) < 1):
            refused.append(Refusal("prevalence", "should be a share between 0 and 1", repr(prevalence)))
        if refused:
            raise BadInput(refused)

    def _check_image(self, got: NDArray[np.uint8] | None) -> list[Refusal]:
        wanted = self.columns.image
        if wanted is None and got is None:
            return []
        found = "nothing" if got is None else f"{got.dtype} {list(got.shape)}"
        if wanted is None:
            return [Refusal(IMAGE, "is not asked for by this model", found)]
        if got is not None and got.shape[1:] == wanted.shape and got.dtype == np.uint8:
            return []
        height, width, colours = wanted.shape
        return [Refusal(wanted.name, f"should be uint8 [rows, {height}, {width}, {colours}]", found)]


def _zone(at: Turned) -> float:
    return at.clear_below if at.clear_below < at.threshold else NO_ZONE


class Graph:
    """An ONNX file in a runtime, fed in calls of a size that suits the processor's cache."""

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._session = _session(model)
        self.inputs = {value.name for value in self._session.get_inputs()}
        self.inputs |= {value.name for value in self._session.get_overridable_initializers()}
        self.outputs = [output.name for output in self._session.get_outputs()]
        self._feed = lru_cache(maxsize=REMEMBERED)(self._fed_settings)

    def run(self, rows: Inputs | NDArray[np.float32], **settings: float) -> dict[str, NDArray[Any]]:
        """All outputs by name, for rows or for columns alone, float32 [rows, columns], and any of the optional inputs.

        Rows that are proven are not looked at again: the answers are the same.

        A graph of the first format has no zone between positive and negative: it is made here.

        Raises BadInput if the graph takes an image and there is none, or the other way round.
        """
        rows = Inputs.of(rows)
        if (rows.image is None) is (IMAGE in self.inputs):
            rule = f"should {'be there' if IMAGE in self.inputs else 'not be there'} for this graph"
            raise BadInput([Refusal(IMAGE, rule, "nothing" if rows.image is None else f"{list(rows.image.shape)}")])
        feed = self._feed(tuple(settings.items()))
        size = ROWS_PER_CALL if rows.image is None else IMAGES_PER_CALL
        # Beside what a photograph takes, its guard is nothing.
        session = self._unguarded if rows.proven and rows.image is None else self._session
        if len(rows) <= size:
            found = dict(zip(self.outputs, session.run(self.outputs, {**_fed(rows), **feed}), strict=True))
        else:
            calls = [rows[start : start + size] for start in range(0, len(rows), size)]
            answers = [session.run(self.outputs, {**_fed(call), **feed}) for call in calls]
            found = {
                name: np.concatenate([answer[place] for answer in answers]) for place, name in enumerate(self.outputs)
            }
        if "positive" in found and "negative" not in found:
            cleared = found["probability"] < np.float32(settings.get("clear_below", NO_ZONE))
            found["negative"] = ~found["positive"] & cleared
        return found

    @cached_property
    def _unguarded(self) -> onnxruntime.InferenceSession:
        return _session(unguarded(self._model))

    def _fed_settings(self, settings: tuple[tuple[str, float], ...]) -> dict[str, NDArray[np.float32]]:
        return {name: np.array([value], dtype=np.float32) for name, value in settings if name in self.inputs}


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # an optional input with a default is meant, and not worth a warning
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _fed(rows: Inputs) -> dict[str, NDArray[Any]]:
    return {"columns": rows.columns} if rows.image is None else {"columns": rows.columns, IMAGE: rows.image}
