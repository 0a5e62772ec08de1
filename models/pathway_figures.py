"""What two models one after the other do to the sick and to the healthy, measured jointly."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from models.curve import Count, Counts, Probability
from models.intervals import Estimate, flagged_share, npv_at, wilson
from models.value import Value


class Cases(Value):
    """So many sick and so many healthy people."""

    sick: Count
    healthy: Count


class Answered(Value):
    """What became of some cases; the first three are everybody."""

    cleared: Cases = Field(description="negative in the screen")
    referred: Cases = Field(description="neither cleared nor operated on")
    operated: Cases = Field(description="not cleared, and positive before surgery")
    overruled: Cases = Field(description="of those cleared, positive before surgery: the screen has the word")

    @property
    def sick(self) -> int:
        """How many cases are sick."""
        return self.cleared.sick + self.referred.sick + self.operated.sick

    @property
    def healthy(self) -> int:
        """How many cases are healthy."""
        return self.cleared.healthy + self.referred.healthy + self.operated.healthy

    @property
    def not_cleared(self) -> Counts:
        """The cases as the screen divides them."""
        return self._divided(self.referred.sick + self.operated.sick, self.referred.healthy + self.operated.healthy)

    @property
    def operations(self) -> Counts:
        """The cases as both models together divide them."""
        return self._divided(self.operated.sick, self.operated.healthy)

    @property
    def positive(self) -> Counts:
        """The cases as the pre-surgical model alone would divide them."""
        return self._divided(self.operated.sick + self.overruled.sick, self.operated.healthy + self.overruled.healthy)

    def _divided(self, sick: int, healthy: int) -> Counts:
        return Counts(hits=sick, misses=self.sick - sick, alarms=healthy, clears=self.healthy - healthy)


class PerThousandPeople(Value):
    """How many of 1,000 people, with an interval."""

    value: float = Field(ge=0, le=1000)
    low: float = Field(ge=0, le=1000)
    high: float = Field(ge=0, le=1000)
    confidence: float = Field(0.95, gt=0, lt=1)

    @classmethod
    def of(cls, share: Estimate, *, among: float = 1.0) -> Self:
        """A share that was measured on some case, of those people of whom there are `among` in all people."""
        assert share.value is not None
        value, low, high = (1000 * among * number for number in (share.value, share.low, share.high))
        return cls(value=value, low=low, high=high, confidence=share.confidence)

    def __str__(self) -> str:
        return f"{self.value:.1f} [{self.low:.1f}, {self.high:.1f}]"


class Multiplied(Value):
    """What the figures of each model alone would say if both erred independently of each other.

    They do not, for they look at the same person: it is here only to be compared with what was measured.
    """

    net_sensitivity: Probability = Field(description="not cleared by the screen, times positive before surgery")
    net_specificity: Probability = Field(description="1 - the product of both shares of the healthy")
    ppv: Probability | None = Field(description="None if nobody would be operated on")
    operated_per_1000: float = Field(ge=0, le=1000)

    @classmethod
    def of(cls, screen: Counts, presurgical: Counts, *, prevalence: float) -> Self:
        """From the counts of those the screen does not clear, and of those positive before surgery."""
        sick = screen.hits / screen.positives * (presurgical.hits / presurgical.positives)
        healthy = screen.alarms / screen.negatives * (presurgical.alarms / presurgical.negatives)
        right, wrong = prevalence * sick, (1 - prevalence) * healthy
        return cls(
            net_sensitivity=sick,
            net_specificity=1 - healthy,
            ppv=right / (right + wrong) if right + wrong else None,
            operated_per_1000=1000 * (right + wrong),
        )


class PathwayFigures(Value):
    """What a pathway does, stated where `prevalence` of the people are sick.

    Everybody is cleared by the screen, operated on, or referred. Intervals are those of one model's figures, on
    the counts of both models together, and take the prevalence as known.

    Source: Macaskill et al., "Cochrane Handbook for Systematic Reviews of Diagnostic Test Accuracy", 2010 (tests in
    series); `models/intervals.py` for the intervals.
    """

    prevalence: float = Field(gt=0, lt=1)
    answered: Answered
    net_sensitivity: Estimate = Field(description="operated on, of all the sick")
    not_cleared: Estimate = Field(description="referred or operated on, of all the sick")
    net_specificity: Estimate = Field(description="not operated on, of all the healthy")
    ppv: Estimate = Field(description="sick, of those operated on")
    npv: Estimate = Field(description="healthy, of those cleared")
    second_step_per_1000: PerThousandPeople = Field(description="not cleared: for them the second model decides")
    referred_per_1000: PerThousandPeople = Field(description="of these, left when it has decided")
    operated_per_1000: PerThousandPeople
    missed_per_1000: PerThousandPeople = Field(description="sick and cleared")
    multiplied: Multiplied = Field(description="what two independent models would do; not what these do")

    @classmethod
    def of(cls, answered: Answered, *, prevalence: float) -> Self:
        """Measure what became of cases of both kinds.

        Raises ValueError if they are of one kind, or unless `prevalence` lies strictly between 0 and 1.
        """
        sick, healthy, operations = answered.sick, answered.healthy, answered.operations
        if not sick or not healthy:
            raise ValueError(f"answered: should be of cases of both kinds, got {sick} sick, {healthy} healthy.")
        referred = answered.referred

        def per_1000(of_sick: int, of_healthy: int) -> PerThousandPeople:
            flags = {"hits": of_sick, "positives": sick, "alarms": of_healthy, "negatives": healthy}
            return PerThousandPeople.of(flagged_share(**flags, prevalence=prevalence))

        return cls(
            prevalence=prevalence,
            answered=answered,
            net_sensitivity=wilson(operations.hits, sick),
            not_cleared=wilson(answered.not_cleared.hits, sick),
            net_specificity=wilson(operations.clears, healthy),
            ppv=operations.precision_at(prevalence),
            npv=npv_at(
                misses=answered.cleared.sick,
                positives=sick,
                clears=answered.cleared.healthy,
                negatives=healthy,
                prevalence=prevalence,
            ),
            second_step_per_1000=per_1000(answered.not_cleared.hits, answered.not_cleared.alarms),
            referred_per_1000=per_1000(referred.sick, referred.healthy),
            operated_per_1000=per_1000(operations.hits, operations.alarms),
            missed_per_1000=PerThousandPeople.of(wilson(answered.cleared.sick, sick), among=prevalence),
            multiplied=Multiplied.of(answered.not_cleared, answered.positive, prevalence=prevalence),
        )
