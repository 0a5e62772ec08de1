"""What only people can tell of a study: its setting, its people, its money. Nothing of it can be counted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.value import Value

Told = Annotated[str, Field(max_length=4000)]


def _told(title: str) -> str:
    """A field that is empty until somebody tells; `title` is what the report calls it."""
    field: str = Field("", title=title)
    return field


class Background(Value):
    """Declared by whoever writes the study, in a sentence or two each; empty where nobody told.

    It stands in the report as declared, and fills the items of reporting guidelines that ask for it.

    >>> Background(funding="None.").told
    {'Funding': 'None.'}
    """

    context: Told = _told("Medical context, and why this model beside earlier ones")
    population: Told = _told("Intended patients")
    users: Told = _told("Intended users")
    care: Told = _told("Place in the course of care")
    instructions: Told = _told("What users have to do and to know")
    inequalities: Told = _told("Known inequalities of health between groups")
    bias: Told = _told("What was done against bias")
    interpretation: Told = _told("Interpretation, fairness included")
    next_steps: Told = _told("Next steps of research")

    setting: Told = _told("Setting, centres and places")
    eligibility: Told = _told("Who was eligible, and who was not")
    recruitment: Told = _told("How eligible people were found")
    series: Told = _told("Consecutive, random or convenient series")
    timing: Told = _told("Data collected before or after the study was planned")
    treatments: Told = _told("Treatments, and how they were handled")
    sample_size: Told = _told("How the number of cases was arrived at")
    flow: Told = _told("Who was left out before, and why")
    characteristics: Told = _told("Who the people were, and what was missing of them")
    severity: Told = _told("How severe the disease was in the sick")
    alternatives: Told = _told("What else the healthy had")
    representativeness: Told = _told("Why these data, and whom they represent")
    fit_to_use: Told = _told("How the data fit the setting of use")
    differences: Told = _told("Differences between the cases of development and of evaluation")

    reference_standard: Told = _told("How and when the outcome was assessed")
    reference_reason: Told = _told("Why this reference standard")
    reference_cutoffs: Told = _told("Cut-offs of the reference standard")
    assessors: Told = _told("Who assessed the outcome")
    blinding: Told = _told("What those who assessed the outcome knew of the model and its inputs")
    interval: Told = _told("Time and treatment between inputs and reference standard")
    predictors: Told = _told("How the inputs were chosen")
    measurement: Told = _told("How and when the inputs were measured")
    predictor_assessors: Told = _told("Who assessed the inputs that are a matter of judgement")
    harms: Told = _told("Harm done by either test")

    developer: Told = _told("Developer, and how to reach them")
    ethics: Told = _told("Approval by an ethics committee")
    funding: Told = _told("Funding")
    conflicts: Told = _told("Conflicts of interest")
    protocol: Told = _told("Where the protocol is")
    registration: Told = _told("Registration")
    data_access: Told = _told("Where the data can be had")
    code_access: Told = _told("Where the code can be had")
    involvement: Told = _told("Part that patients and public had")
    outcome_studies: Told = _told("Studies of what its use did for patients")
    monitoring: Told = _told("How and how often validity is watched")
    fairness_monitoring: Told = _told("How and how often fairness is watched")
    updating: Told = _told("How and how often it is updated")
    mending: Told = _told("How often faults of validity and fairness are mended")

    @property
    def told(self) -> dict[str, str]:
        """What was told, by the title of its field."""
        return {title: text for name, title in TITLES.items() if (text := getattr(self, name).strip())}

    @property
    def untold(self) -> tuple[str, ...]:
        """The titles of what was not."""
        return tuple(title for name, title in TITLES.items() if not getattr(self, name).strip())


TITLES = {name: str(field.title) for name, field in Background.model_fields.items()}
