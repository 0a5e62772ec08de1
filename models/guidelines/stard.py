"""The items of STARD 2015, in our own words."""

from __future__ import annotations

from models.guidelines.guideline import Guideline, Item

STARD = Guideline(
    name="STARD 2015",
    about="reporting of studies of diagnostic accuracy",
    source="Bossuyt et al., BMJ 2015;351:h5527",
    items=(
        Item(
            number="1",
            asks="Named as a study of accuracy, with a measure of it",
            answered_by=("shown.points",),
            section="summary",
        ),
        Item(
            number="2",
            asks="Structured summary by the list for abstracts",
            otherwise="The summary on top does not follow that list.",
        ),
        Item(
            number="3",
            asks="Background, intended use and role of the test",
            otherwise="Intended use and role are told, the background is not.",
        ),
        Item(number="4", asks="Objectives and hypotheses", answered_by=("contract",), section="promise"),
        Item(number="5", asks="Data collected before or after the tests were planned"),
        Item(number="6", asks="Who was eligible"),
        Item(number="7", asks="How eligible people were found"),
        Item(
            number="8",
            asks="Where and when they were found",
            otherwise="At most the dates are told; setting and place are not.",
        ),
        Item(number="9", asks="A consecutive, a random or a convenient series"),
        Item(
            number="10a",
            asks="The test, so that it can be repeated",
            answered_by=("making.network", "making.terms", "inputs"),
            section="making",
            otherwise="The graph is there to be run; the manifest holds no study to make it again.",
        ),
        Item(
            number="10b",
            asks="The reference standard, so that it can be repeated",
            otherwise="Its meaning is told, its procedure is not.",
        ),
        Item(number="11", asks="Why this reference standard"),
        Item(
            number="12a",
            asks="Cut-offs of the test, chosen before or after",
            answered_by=("points", "contract"),
            section="promise",
        ),
        Item(number="12b", asks="Cut-offs of the reference standard"),
        Item(
            number="13a",
            asks="Whether the test knew the reference standard",
            answered_by=("inputs",),
            section="inputs",
        ),
        Item(number="13b", asks="Whether the reference standard knew the test"),
        Item(
            number="14",
            asks="How accuracy was estimated and compared",
            answered_by=("shown.points", "shown.everybody"),
            section="methods",
        ),
        Item(
            number="15",
            asks="What became of indeterminate results",
            answered_by=("shown.failures.rule", "shown.points"),
            section="undecided",
        ),
        Item(
            number="16",
            asks="What became of missing data",
            answered_by=("inputs", "shown.failures.rule"),
            section="inputs",
        ),
        Item(
            number="17",
            asks="Differences of accuracy between groups, foreseen or not",
            answered_by=("groupings", "shown.groups"),
            section="groups",
            otherwise="The study names no subgroups.",
        ),
        Item(
            number="18",
            asks="Number of cases that was intended, and why",
            otherwise="The numbers are told, and that they carry the promise; what was intended is not.",
        ),
        Item(
            number="19",
            asks="Flow of the people, in a diagram",
            otherwise="Cases of each part are told; those left out before are not counted.",
        ),
        Item(number="20", asks="Who they were at the start"),
        Item(number="21a", asks="How severe the disease was in the sick"),
        Item(number="21b", asks="What else the healthy had"),
        Item(number="22", asks="Time and treatment between test and reference standard"),
        Item(
            number="23",
            asks="Test against reference standard, in a table",
            answered_by=("shown.points",),
            section="measured",
        ),
        Item(
            number="24",
            asks="Accuracy with 95 % intervals",
            answered_by=("shown.points",),
            section="measured",
        ),
        Item(number="25", asks="Harm done by either test"),
        Item(
            number="26",
            asks="Limitations, bias and uncertainty included",
            answered_by=("lacking", "use.not_for"),
            section="limits",
        ),
        Item(
            number="27",
            asks="What it means for practice, intended use and role",
            answered_by=("use.purpose", "use.role", "use.not_for"),
            section="use",
            otherwise="The study names no purpose.",
        ),
        Item(number="28", asks="Registration"),
        Item(number="29", asks="Where the protocol is"),
        Item(number="30", asks="Funding"),
    ),
)
