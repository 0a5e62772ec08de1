"""A recorded decision made again, from the bundle that made it, at the point at which it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.bundle import MANIFEST, Bundle, open_bundle, sha256
from models.errors import BadInput, Refusal
from models.inputs import Inputs
from models.pathway import ANSWERS, Pathway
from models.scorer import Scorer, Scores
from models.turn import Turned
from serving.decisions import given
from serving.decisions.digest import digests
from serving.decisions.find import Found, Judged, find

PATHWAY = "pathway"


@dataclass(frozen=True)
class Again:
    """One row of one model: what was recorded, and what it is now."""

    row: int
    model: str
    decision: str
    probability: float
    decision_now: str
    probability_now: float

    @property
    def equal(self) -> bool:
        """Whether both are the same, to the last bit."""
        return (self.decision, self.probability.hex()) == (self.decision_now, self.probability_now.hex())


@dataclass(frozen=True)
class Replayed:
    """What came of it: one `Again` a row and model, and a refusal for everything that is not as recorded."""

    found: Found
    again: tuple[Again, ...]
    differences: tuple[Refusal, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs, to the last bit."""
        return not self.differences


def replay(folder: Path, name: str, bundles: Path, *, inputs: Path | None = None) -> Replayed:
    """Make a decision of a folder of logs again: `name` is the id of its answer, or a row of it as in `ID.3`.

    Its bundle is looked for in `bundles` and all folders below, by its digest. Its input is the one that the log kept,
    or that of the file `inputs`, which is refused unless it is what was decided on, by its SHA-256.

    Raises BadInput if there is no such decision, bundle or input, or another one; BadBundle if the bundle is not sound.
    """
    found = find(folder, name)
    models = found.record.models
    scorers = [Scorer(_bundle(bundles, each.bundle)) for each in models]
    rows = _inputs(found, scorers, inputs)
    for judged, each in zip(models, rows, strict=True):
        _check(judged, each, found.rows)
    points = [_point(scorer, judged) for scorer, judged in zip(scorers, models, strict=True)]
    answers: list[str] | None = None
    if found.record.endpoint == PATHWAY:
        both = Pathway(scorers[0], scorers[1]).score(rows[0], rows[1], at=(points[0], points[1]))
        scores, answers = [both.screen, both.presurgical], [ANSWERS[answer] for answer in both.answers.tolist()]
    else:
        scores = [scorers[0].score(rows[0], at=points[0])]
    again = [each for judged, said in zip(models, scores, strict=True) for each in _again(found.rows, judged, said)]
    return Replayed(found, tuple(again), tuple(_differences(found, again, answers)))


def _inputs(found: Found, scorers: list[Scorer], file: Path | None) -> list[Inputs]:
    models = found.record.models
    if file is None:
        return [given.kept(judged, found.rows, each.columns) for judged, each in zip(models, scorers, strict=True)]
    if found.record.endpoint == PATHWAY:
        pathway = Pathway(scorers[0], scorers[1])
        return list(pathway.parted(given.read(file, pathway.columns, found)))
    return [given.read(file, scorers[0].columns, found)]


def _check(judged: Judged, inputs: Inputs, rows: tuple[int, ...]) -> None:
    """Raises BadInput naming each row that is not the one decided on; nothing of it is shown."""
    rule = f"should be what {judged.model} decided on, of SHA-256"
    refused = [
        Refusal(f"rows.{row}", f"{rule} {judged.inputs[row]}", digest)
        for row, digest in zip(rows, digests(inputs), strict=True)
        if digest != judged.inputs[row]
    ]
    if refused:
        raise BadInput(refused)


def _bundle(folder: Path, digest: str) -> Bundle:
    others = 0
    for manifest in sorted(folder.rglob(MANIFEST)):
        if sha256(manifest.read_bytes()) == digest:
            return open_bundle(manifest.parent)
        others += 1
    rule = f"should be in {folder} or a folder below, its {MANIFEST} of SHA-256 {digest}"
    raise BadInput([Refusal("bundle", rule, f"{others} others")])


def _point(scorer: Scorer, judged: Judged) -> Turned:
    # Only where it decides is asked of it, not what was promised or measured there.
    own = judged.threshold, judged.clear_below
    return Turned(scorer.manifest, *own, judged.prevalence, own, judged.contract, ())


def _again(rows: tuple[int, ...], judged: Judged, scores: Scores) -> list[Again]:
    said = zip(rows, scores.positive.tolist(), scores.negative.tolist(), scores.probability.tolist(), strict=True)
    return [
        Again(
            row=row,
            model=judged.model,
            decision=judged.decision[row],
            probability=judged.probability[row],
            decision_now="positive" if positive else "negative" if negative else "indeterminate",
            probability_now=probability,
        )
        for row, positive, negative, probability in said
    ]


def _differences(found: Found, again: list[Again], answers: list[str] | None) -> list[Refusal]:
    record = found.record
    differences = [
        Refusal(f"{record.id}.{each.row}: {each.model}.{what}", f"should be {wanted!r}, as recorded", repr(got))
        for each in again
        if not each.equal
        for what, wanted, got in (
            ("decision", each.decision, each.decision_now),
            ("probability", each.probability, each.probability_now),
        )
        if wanted != got
    ]
    differences += [
        Refusal(f"{record.id}.{row}: answer", f"should be {record.answers[row]!r}, as recorded", repr(answer))
        for row, answer in zip(found.rows if answers else (), answers or (), strict=True)
        if record.answers is not None and record.answers[row] != answer
    ]
    return differences
