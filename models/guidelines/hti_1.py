"""The source attributes that HTI-1 asks for, in our own words."""

from __future__ import annotations

from models.guidelines.crossed import CROSSED
from models.guidelines.guideline import Guideline, Item

NOT_EXTERNAL = "The bundle knows of no other data than those of its own source."
NOT_LOCAL = "The point has not been certified anew at a site: there are no local data."

HTI_1 = Guideline(
    name="ONC HTI-1",
    about="source attributes of predictive decision support interventions",
    source="45 CFR 170.315(b)(11)(iv)(B), Federal Register 89:1192, 2024",
    items=(
        Item(
            number="1.i",
            asks="Developer, and how to reach them",
            answered_by=("background.developer",),
            section="background",
        ),
        Item(
            number="1.ii",
            asks="Who paid for the development",
            answered_by=("background.funding",),
            section="background",
        ),
        Item(number="1.iii", asks="What value is put out", answered_by=("use.answers",), section="use"),
        Item(
            number="1.iv",
            asks="Whether that is a prediction, a classification or else",
            answered_by=("use.answers",),
            section="use",
        ),
        Item(
            number="2.i",
            asks="Intended use",
            answered_by=("use.purpose",),
            section="use",
            otherwise="The study names no purpose.",
        ),
        Item(
            number="2.ii",
            asks="Intended patients",
            answered_by=("background.population",),
            section="background",
        ),
        Item(
            number="2.iii",
            asks="Intended users",
            answered_by=("background.users",),
            section="background",
        ),
        Item(number="2.iv", asks="Intended role in the decision", answered_by=("use.role",), section="use"),
        Item(number="3.i", asks="Uses that are cautioned against", answered_by=("use.not_for",), section="use"),
        Item(
            number="3.ii",
            asks="Known risks, unfit settings, limits",
            answered_by=("lacking", "use.not_for"),
            section="limits",
        ),
        Item(
            number="4.i",
            asks="Who was let into the training data, and who was not",
            answered_by=("making.split", "background.eligibility"),
            section="background",
            otherwise="The split is told; who came into the table is not.",
            crossed=CROSSED,
            otherwise_crossed="That every case taught, by cross-fitting, is told; who came into the table is not.",
        ),
        Item(
            number="4.ii",
            asks="Which demographic and social variables are inputs",
            answered_by=("inputs",),
            section="inputs",
        ),
        Item(
            number="4.iii",
            asks="How representative the training data are",
            answered_by=("background.representativeness",),
            section="background",
            otherwise="Subgroups are counted in the parts that were measured, not in the training part.",
            otherwise_crossed="By cross-fitting the cases whose subgroups are counted taught too; whom they represent"
            " is not told.",
        ),
        Item(
            number="4.iv",
            asks="How the training data fit the setting of use",
            answered_by=("background.fit_to_use",),
            section="background",
        ),
        Item(
            number="5.i",
            asks="What was done so that the output is fair",
            answered_by=("promised_groups",),
            section="promise",
            otherwise="Nothing is promised for subgroups by themselves.",
        ),
        Item(
            number="5.ii",
            asks="What was done against bias",
            answered_by=("background.bias",),
            section="background",
        ),
        Item(number="6.i", asks="External data: source and setting", otherwise=NOT_EXTERNAL),
        Item(number="6.ii", asks="Who tested on them", otherwise=NOT_EXTERNAL),
        Item(number="6.iii", asks="How representative they are", otherwise=NOT_EXTERNAL),
        Item(number="6.iv", asks="How it was tested on them", otherwise=NOT_EXTERNAL),
        Item(
            number="7.i",
            asks="Validity on test data of the same source",
            answered_by=("test.points",),
            section="measured",
            otherwise="The bundle has no test part.",
            otherwise_crossed="The bundle has no test part: what it was measured on by cross-fitting taught too.",
        ),
        Item(
            number="7.ii",
            asks="Fairness on test data of the same source",
            answered_by=("test.groups",),
            section="groups",
            otherwise="The bundle has no test part, or the study names no subgroups.",
            otherwise_crossed="The bundle has no test part (what it was measured on by cross-fitting taught too), or"
            " the study names no subgroups.",
        ),
        Item(number="7.iii", asks="Validity on other data", otherwise=NOT_EXTERNAL),
        Item(number="7.iv", asks="Fairness on other data", otherwise=NOT_EXTERNAL),
        Item(
            number="7.v",
            asks="Studies of what its use did for patients",
            answered_by=("background.outcome_studies",),
            section="background",
        ),
        Item(
            number="8.i",
            asks="How and how often validity is watched",
            answered_by=("background.monitoring",),
            section="background",
        ),
        Item(
            number="8.ii",
            asks="Validity on local data",
            answered_by=("change.history", "certification.points"),
            section="measured",
            otherwise=NOT_LOCAL,
        ),
        Item(
            number="8.iii",
            asks="How and how often fairness is watched",
            answered_by=("background.fairness_monitoring",),
            section="background",
        ),
        Item(
            number="8.iv",
            asks="Fairness on local data",
            answered_by=("change.history", "certification.groups"),
            section="groups",
            otherwise=NOT_LOCAL,
        ),
        Item(
            number="9.i",
            asks="How and how often it is updated",
            answered_by=("background.updating",),
            section="background",
            otherwise="Which changes are foreseen is told at most; how often is not.",
        ),
        Item(
            number="9.ii",
            asks="How often faults of validity and fairness are mended",
            answered_by=("background.mending",),
            section="background",
        ),
    ),
)
