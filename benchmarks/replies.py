"""Whether an answer is that of one version of the live point, told by solving that version anew.

What a reply should say is made here from the recorded setting alone, by `Scorer.turn` and `Scorer.score_rows` on the
bundle that is served, and then compared as a whole: thresholds, contract, certificates, intervals, and every row.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from benchmarks.load import TURNED, Answer, Turn
from models.bundle import open_bundle
from models.joint import open_joint
from models.operating_point import Certificate
from models.scorer import Scorer, Scores
from models.turn import Setting, Turned
from serving.change import Change, canonical

Rows = Sequence[Mapping[str, Any]]


@dataclass
class Found:
    """How many answers were checked, and what was wrong with some."""

    answers: int = 0
    rows: int = 0
    versions: set[tuple[str, int]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __iadd__(self, other: Found) -> Self:
        self.answers += other.answers
        self.rows += other.rows
        self.versions |= other.versions
        self.wrong += other.wrong
        self.stale += other.stale
        self.wrong += [f"id {each} came twice" for each in self.ids & other.ids]
        self.ids |= other.ids
        return self


class Expected:
    """What the bundles of a folder say of some rows, at any setting."""

    def __init__(self, folder: Path, rows: Sequence[Rows]) -> None:
        self.scorers = {name: Scorer(open_bundle(folder / name)) for name in TURNED}
        self.rows = rows
        self._joint = open_joint(folder, *(scorer.bundle for scorer in self.scorers.values()))
        self.turned = cache(self._turned)
        self.scored = cache(self._scored)
        self.step = cache(self._step)
        self.answers = cache(self._answers)
        self.measured = cache(self._measured)

    def reply(self, endpoint: str, place: int, settings: Mapping[str, str], versions: Mapping[str, int]) -> Any:
        """The whole reply to the rows of a place, at settings in canonical JSON, but for what names versions."""
        if endpoint in TURNED:
            setting = settings[endpoint]
            step = {**self.step(endpoint, setting), "version": versions[endpoint]}
            return {**step, "rows": self.answers(endpoint, setting, place)}
        first, second = (settings[name] for name in TURNED)
        return {
            **{name: {**self.step(name, settings[name]), "version": versions[name]} for name in TURNED},
            "measured": self.measured(first, second),
            "rows": [
                {"answer": _both(one, other), "screen": one, "presurgical": other}
                for one, other in zip(
                    self.answers("screen", first, place), self.answers("presurgical", second, place), strict=True
                )
            ],
        }

    def _turned(self, endpoint: str, setting: str) -> Turned:
        return self.scorers[endpoint].turn(Setting.model_validate_json(setting))

    def _scored(self, endpoint: str, setting: str, place: int) -> Scores:
        return self.scorers[endpoint].score_rows(self.rows[place], at=self.turned(endpoint, setting))

    def _step(self, endpoint: str, setting: str) -> dict[str, Any]:
        scorer, turned = self.scorers[endpoint], self.turned(endpoint, setting)
        return {
            "model": scorer.bundle.name,
            "bundle": scorer.bundle.digest,
            "prevalence": turned.prevalence,
            "operating_point": {
                "threshold": turned.threshold,
                "clear_below": turned.clear_below,
                "contract": turned.contract,
                "certificates": [_certificate(each) for each in turned.certificates],
                "precision": turned.figures.precision.model_dump(mode="json"),
                "npv": turned.figures.npv.model_dump(mode="json"),
            },
        }

    def _answers(self, endpoint: str, setting: str, place: int) -> list[dict[str, Any]]:
        turned = self.turned(endpoint, setting)
        return [
            {**_decision(probability, turned), "probability": probability}
            for probability in self.scored(endpoint, setting, place).probability.tolist()
        ]

    def _measured(self, screen: str, presurgical: str) -> Any:
        at = self.turned("screen", screen), self.turned("presurgical", presurgical)
        return self._joint.measure(*at, at[1].prevalence).model_dump(mode="json")


def _certificate(certificate: Certificate) -> dict[str, Any]:
    promise = certificate.promise
    fields = ("figure", "at_least", "at_most", "confidence", "prevalence", "group")
    counted = {name: getattr(certificate, name) for name in ("certified", "positives", "negatives")}
    return {"in_words": str(promise), **{name: getattr(promise, name) for name in fields}, **counted}


def _decision(probability: float, turned: Turned) -> dict[str, Any]:
    if probability >= turned.threshold:
        return {"positive": True, "decision": "positive"}
    if probability < turned.clear_below:
        return {"positive": False, "decision": "negative"}
    return {"positive": None, "decision": "indeterminate"}


def _both(screen: dict[str, Any], presurgical: dict[str, Any]) -> str:
    if screen["decision"] == "negative":
        return "clear"
    return "operate" if presurgical["decision"] == "positive" else "refer"


@dataclass(frozen=True)
class Told:
    """What the history of one model says, and when each of its versions was asked for and acknowledged.

    `sent` and `acknowledged` hold the moments of versions 1, 2, ..., each list rising.
    """

    history: Sequence[Change]
    sent: Sequence[float]
    acknowledged: Sequence[float]

    @classmethod
    def of(cls, history: Sequence[Change], turns: Sequence[Turn]) -> Told:
        kept = [turn for turn in turns if turn.kept]
        return cls(history, [turn.reply.sent for turn in kept], [turn.reply.back for turn in kept])

    @cached_property
    def settings(self) -> list[str]:
        """The setting of every version, beginning with 0, in canonical JSON."""
        return ["{}", *(canonical(dict(change.setting)) for change in self.history)]

    def possible(self, answer: Answer) -> range:
        """The versions that may answer: from the newest acknowledged before it was asked to the newest at its reply."""
        return range(
            bisect_left(self.acknowledged, answer.reply.sent), bisect_left(self.sent, answer.reply.back) + 1
        )  # fmt: skip


def check(answers: Sequence[Answer], told: Mapping[str, Told], expected: Expected) -> Found:
    """Compare every answer with what the version that it names should say."""
    found = Found()
    for answer in answers:
        found.answers += 1
        if answer.reply.status != 200:
            found.wrong.append(f"/{answer.endpoint}: status {answer.reply.status}: {answer.reply.body[:300]!r}")
            continue
        reply = json.loads(answer.reply.body)
        name = reply.pop("id", "")
        if not name or name in found.ids:
            found.wrong.append(f"/{answer.endpoint}: should have an id of its own, got {name!r}")
        found.ids.add(name)
        found.rows += len(reply["rows"])
        steps = {name: reply[name] for name in TURNED} if answer.endpoint == "pathway" else {answer.endpoint: reply}
        versions = {name: step["version"] for name, step in steps.items()}
        found.versions |= versions.items()
        for name, version in versions.items():
            if version not in (may := told[name].possible(answer)):
                found.stale.append(f"/{answer.endpoint}: {name}: version {version}, not of {may.start} to {may[-1]}")
        if any(version not in range(len(told[name].settings)) for name, version in versions.items()):
            found.wrong.append(f"/{answer.endpoint}: versions {versions}, of which one is not in the history")
            continue
        settings = {name: told[name].settings[version] for name, version in versions.items()}
        if reply != expected.reply(answer.endpoint, answer.rows, settings, versions):
            found.wrong.append(f"/{answer.endpoint}: not what versions {versions} say: {answer.reply.body[:300]!r}")
    return found


def check_turns(turns: Sequence[Turn], history: Sequence[Change], expected: Expected) -> list[str]:
    """What is wrong with the history of one model: it should be the changes acknowledged, each with its setting."""
    kept = [turn for turn in turns if turn.kept]
    wrong = [f"change {turn.seen + 1}: {turn.reply.body[:300]!r}" for turn in turns if not turn.kept]
    if len(kept) != len(history):
        wrong.append(f"{len(history)} changes in the history, of which {len(kept)} were acknowledged")
    settings = [Setting()]
    for turn, change in zip(kept, history, strict=False):
        setting = Setting.told(**turn.asked) if turn.to is None else settings[turn.to]
        settings.append(setting)
        recorded = canonical(dict(change.setting))
        turned = expected.turned(change.endpoint, recorded)
        said = json.loads(turn.reply.body)
        outcome = {name: getattr(turned, name) for name in ("threshold", "clear_below", "prevalence")}
        if (
            recorded != canonical(setting.model_dump(mode="json"))
            or change.version != turn.seen + 1
            or change.reason != f"change {change.version}"
            or {name: change.outcome[name] for name in outcome} != outcome
            or (said["version"], said["setting"]) != (change.version, change.setting)
            or {name: said["turned"][name] for name in outcome} != outcome
        ):
            wrong.append(f"change {turn.seen + 1}: kept as {change}, acknowledged as {turn.reply.body[:300]!r}")
    return wrong
