"""All that is known of a model, as one value: every report is made from it and from nothing else."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from models.background import TITLES, Background
from models.comparison import Comparison
from models.facts.crossing import Crossing
from models.facts.making import Making, Undo
from models.facts.origin import Origin, origins
from models.facts.performance import Performance, performance
from models.facts.written import percent
from models.grouping import Grouping
from models.image import Image
from models.manifest import Manifest, Release, Symptom, Target
from models.operating_point import OperatingPoint
from models.pulls import PullTable
from models.schema import Column, Numeric, Schema
from models.value import Value

MISSING = {
    "impute": "filled in by the graph itself, as it learnt to in training",
    "refuse": "the row is refused by name",
}
# Outside these, observed over expected and calibration slope are worth a word.
WELL = (0.9, 1.1)


class Use(Value):
    """What the model is for, what it answers, and what it is not for."""

    purpose: str
    target: Target
    symptoms: tuple[Symptom, ...] = Field(description="further answers")
    answers: str
    role: str = "Informs a decision that a clinician takes; it neither takes nor replaces it."
    not_for: tuple[str, ...]


class Input(Value):
    """One column that the model asks for, or the photograph."""

    name: str
    meaning: str
    kind: str
    unit: str
    may_be: str
    if_empty: str


class Point(Value):
    """One operating point with what is promised of it, and the cases that carry the promise."""

    point: OperatingPoint
    in_words: str
    certified: tuple[str, ...]
    origin: Origin


class Change(Value):
    """Which changes were foreseen, and which there have been."""

    foreseen: bool
    lowest: float | None = None
    highest: float | None = None
    prevalences: tuple[float, float] | None = None
    criteria: tuple[str, ...] = ()
    history: tuple[Release, ...] = ()


class Facts(Value):
    """Every number about one model with the cases it was counted on; made from its manifest alone."""

    format: Literal[1] = 1
    study: str
    model: str
    version: int
    use: Use
    background: Background = Field(description="as the study declares it; nothing of it was counted")
    inputs: tuple[Input, ...]
    origins: tuple[Origin, ...]
    making: Making
    crossing: Crossing | None = Field(
        None,
        description="how every case could teach and be certified on; left out if other cases are certified on",
        exclude_if=lambda crossing: crossing is None,
    )
    undo: Undo
    pulls: PullTable | None = Field(description="how hard each loss pulled where; None if the bundle does not tell")
    comparison: Comparison | None = Field(
        None,
        description="with a plain model and other losses; left out if the bundle does not tell",
        exclude_if=lambda comparison: comparison is None,
    )
    contract: str
    points: tuple[Point, ...] = Field(description="the released one first")
    prevalences: tuple[float, float, float] = Field(description="base, half and a tenth of it")
    base: str = Field(description="where the base prevalence comes from")
    test: Performance | None = Field(description="on cases that nothing was chosen on; None if there are none")
    certification: Performance = Field(description="on the cases that the thresholds were chosen on")
    groupings: tuple[Grouping, ...]
    change: Change
    stands_out: tuple[str, ...] = Field(
        description="what nobody should overlook, by the part that speaks for the model"
    )
    lacking: tuple[str, ...] = Field(description="what this bundle does not tell")

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The facts of a manifest, without any file or clock."""
        crossing = Crossing.of(manifest)
        known = origins(manifest, crossing)
        background = Background.model_validate(manifest.provenance.study.get("background", {}))
        base, named = _base(manifest)
        prevalences = (base, base / 2, base / 10)
        evidence = manifest.evidence
        certification = performance(
            manifest,
            manifest.curve,
            manifest.point.measured.counts,
            manifest.groups,
            origin=known["certification"],
            prevalences=prevalences,
        )
        test = (
            performance(
                manifest,
                evidence.curve,
                evidence.measured.counts,
                evidence.groups,
                origin=known["test"],
                prevalences=prevalences,
            )
            if evidence
            else None
        )
        return cls(
            study=manifest.study,
            model=manifest.model,
            version=manifest.version,
            use=_use(manifest),
            background=background,
            inputs=_inputs(manifest.columns),
            origins=tuple(known.values()),
            making=Making.of(manifest),
            crossing=crossing,
            undo=Undo.of(manifest, known, crossing),
            pulls=manifest.pulls,
            comparison=manifest.comparison,
            contract=str(manifest.contract),
            points=tuple(_point(point, known["certification"]) for point in manifest.points),
            prevalences=prevalences,
            base=named,
            test=test,
            certification=certification,
            groupings=manifest.groupings,
            change=_change(manifest),
            stands_out=_stands_out(manifest, test or certification),
            lacking=_lacking(manifest, background, known["certification"]),
        )

    @property
    def parts(self) -> tuple[Performance, ...]:
        """The parts that were measured, the test part first where it is there."""
        return tuple(part for part in (self.test, self.certification) if part)

    @property
    def certified_by_crossing(self) -> Crossing | None:
        """How cases that taught are certified on; None if the certification cases are others."""
        return self.crossing if self.crossing and self.crossing.certified else None

    @property
    def none_to_test_on(self) -> bool:
        """Whether a cross-fitted model was made without any case to test on."""
        return self.crossing is not None and all(origin.part != "test" for origin in self.origins)

    @property
    def promised_groups(self) -> tuple[str, ...]:
        """The subgroups in each of which something is promised."""
        named = (promise.group for each in self.points for promise in each.point.promises)
        return tuple(dict.fromkeys(group for group in named if group is not None))

    @property
    def shown(self) -> Performance:
        """The part that speaks for the model: the test part, or without one the certification part."""
        return self.parts[0]


def _base(manifest: Manifest) -> tuple[float, str]:
    """At which prevalence figures are stated first, and why."""
    if manifest.point.prevalence is not None:
        return manifest.point.prevalence, "named in the promise"
    name, measured = (
        ("test", manifest.evidence.measured) if manifest.evidence else ("certification", manifest.point.measured)
    )
    counts = measured.counts
    if counts.positives and counts.negatives:
        return counts.prevalence, f"that of the {name} cases"
    return manifest.prevalence, "at which the bundle states probabilities"


def _use(manifest: Manifest) -> Use:
    control, named = manifest.change_control, manifest.point.prevalence
    among = control.prevalences if control else None
    not_for = [
        "A diagnosis: it says who should be looked at further.",
        "People unlike the certification cases: the promise is about people like them.",
        "Answers outside the ranges of the columns: such a row is refused, and never called negative.",
        f"Places where less than {percent(among[0])} or more than {percent(among[1])} of the people are sick."
        if among
        else f"Places where another share than {percent(manifest.prevalence)} of the people is sick: none is foreseen.",
    ]
    if named is not None:
        not_for.append(
            f"Relying on the promise where another share than {percent(named)} is sick: it is made there alone."
        )
    zone = ", or neither (indeterminate) between the two thresholds" if manifest.point.has_zone else ""
    return Use(
        purpose=manifest.purpose,
        target=manifest.target,
        symptoms=manifest.symptoms,
        answers=f"A calibrated probability of {manifest.target.name}, and by it positive or negative{zone}.",
        not_for=tuple(not_for),
    )


def _inputs(schema: Schema) -> tuple[Input, ...]:
    columns = tuple(map(_input, schema.columns))
    return (*columns, _photograph(schema.image)) if schema.image else columns


def _photograph(image: Image) -> Input:
    cut = ", cut to its bright disc" if image.crop == "disc" else ""
    return Input(
        name=image.name,
        meaning=image.meaning,
        kind="photograph",
        unit="",
        may_be=f"{image.rule.removeprefix('should be ')}; taken{cut} as {image.height} x {image.width} pixels",
        if_empty=MISSING["refuse"],
    )


def _input(column: Column) -> Input:
    return Input(
        name=column.name,
        meaning=column.meaning,
        kind=type(column).__name__.lower(),
        unit=column.unit if isinstance(column, Numeric) else "",
        may_be=column.rule.removeprefix("should be "),
        if_empty=MISSING[column.missing],
    )


def _point(point: OperatingPoint, origin: Origin) -> Point:
    return Point(point=point, in_words=point.in_words, certified=tuple(map(str, point.certificates)), origin=origin)


def _change(manifest: Manifest) -> Change:
    control = manifest.change_control
    if control is None:
        return Change(foreseen=False, history=manifest.history)
    return Change(
        foreseen=True,
        lowest=control.lowest,
        highest=control.highest,
        prevalences=control.prevalences,
        criteria=tuple(map(str, control.criteria)),
        history=manifest.history,
    )


def _stands_out(manifest: Manifest, part: Performance) -> tuple[str, ...]:
    """A promise broken, groups to whom one answer is given whatever they say, probabilities that are off."""
    found = []
    where = f"the {part.origin.rows:,} {part.origin.part} cases"
    if part.kept is False:
        found.append(f"The promise was not kept on {where}.")
    for group in part.groups:
        if group.recall is None or group.specificity is None:
            continue
        for answer, shares in (("Everybody", (1.0, 0.0)), ("Nobody", (0.0, 1.0))):
            if (group.recall.value, group.specificity.value) == shares:
                found.append(f"{answer} is flagged of those with {group.column}: {group.value}, among {where}.")
    off = manifest.evidence.reliability if manifest.evidence else None
    measured = (("observed / expected", off.observed_over_expected), ("calibration slope", off.slope)) if off else ()
    for name, figure in measured:
        if figure is not None and not WELL[0] <= figure <= WELL[1]:
            found.append(f"Probabilities are off on {where}: {name} is {figure:.3f}, not {WELL[0]:g} to {WELL[1]:g}.")
    return tuple(found)


def _lacking(manifest: Manifest, background: Background, certification: Origin) -> tuple[str, ...]:
    """What cannot be told, each in a sentence."""
    evidence = manifest.evidence
    gaps = {
        "No test part: nothing was measured on cases that nothing was chosen on.": evidence is None,
        "No curve of the test cases: no ROC, calibration and decision curve of them, and no other point than the"
        " released one.": evidence is not None and evidence.curve is None,
        "No digest of the data: numbers lead to the digest of the counts in the manifest, and no further.": (
            not manifest.provenance.data
        ),
        "No study: losses, sampling, split and network are not told.": not manifest.provenance.study,
        "No proof that the promise holds for the mean of the copies as it does for each: simulation shows it.": (
            certification.taught
        ),
        "No dates of the cases.": certification.dates is None,
        "No fitted calibration: probabilities are those after the undo alone.": manifest.calibration.fitted is None,
        "No subgroups: the study names none.": not manifest.groups,
        "No change control: no change after release is foreseen.": manifest.change_control is None,
        "No comparison with another model, another test or present practice: a bundle holds one model.": (
            manifest.comparison is None
        ),
        "No comparison with another test or present practice.": manifest.comparison is not None,
        "Nothing on people, setting, ethics, funding and protocol: the study has no background.": not background.told,
        f"No background on {len(background.untold)} of {len(TITLES)} things that guidelines ask for.": (
            bool(background.told and background.untold)
        ),
    }
    return tuple(gap for gap, lacks in gaps.items() if lacks)
