from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import special

from models.bundle import Bundle, write_bundle
from models.calibration import Reliability
from models.contract import Contract
from models.curve import Curve
from models.differences import Differences, Elsewhere
from models.errors import BadBundle, BadInput
from models.graph import float32
from models.labelled import SiteRows
from models.likelihood_ratio import NotIdentified
from models.next_version import Version, restated
from models.prevalence import PrevalenceEstimate
from models.retune import with_labels, with_prevalence
from models.scorer import Scorer
from models.site import tune
from models.turn import Setting
from tests import handmade
from tests.crossed import crossed

ROWS = 3000


@pytest.fixture(scope="module")
def zoned(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return handmade.bundle(tmp_path_factory.mktemp("zoned"), "zoned")


@pytest.fixture(scope="module")
def presurgical(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return handmade.bundle(tmp_path_factory.mktemp("presurgical"), "presurgical")


@pytest.fixture(scope="module")
def site() -> SiteRows:
    columns = handmade.encoded(ROWS, seed=5)
    sick = handmade.targets(columns, seed=5).astype(np.float32)
    return SiteRows("site.csv", "5" * 64, columns, sick, None, pl.DataFrame())


def answers(bundle: Bundle, site: SiteRows, prevalence: float) -> Curve:
    """The site's rows counted at a prevalence, through the scorer."""
    assert site.targets is not None
    scores = Scorer(bundle).score(site.columns, prevalence=prevalence)
    return Curve.of(scores.probability, site.targets, prevalence=prevalence)


def estimated(fit: float = 0.4) -> PrevalenceEstimate:
    return PrevalenceEstimate(value=0.1, low=0.08, high=0.13, rows=900, fit=fit)


def test_a_precision_is_certified_on_the_sites_rows_in_the_order_of_the_old_cases(
    presurgical: Bundle, site: SiteRows
) -> None:
    made = with_labels(presurgical, site, site="north").manifest
    contract, at = presurgical.manifest.contract, 0.2  # which the contract names, whoever is sick at the site
    assert made.prevalence == at
    own, old = answers(presurgical, site, at), restated(presurgical.manifest.curve, presurgical.manifest.prevalence, at)
    assert made.curve == own
    assert made.point == contract.choose(own, guide=old)
    # These two would give another point.
    assert made.point != contract.choose(own, guide=own)
    assert made.point != contract.choose(old, guide=own)


@pytest.mark.parametrize(
    ("asked", "prevalence", "stated"),
    [
        ("recall >= 0.9", None, "own"),
        ("recall >= 0.9", 0.3, 0.3),
        ("recall >= 0.9", "auto", "own"),
        ("precision >= 0.5 at prevalence 20 %", None, 0.2),
        ("precision >= 0.5 at prevalence 20 %", 0.2, 0.2),
        (None, 0.3, 0.3),
        (None, "auto", "own"),
    ],
)
def test_a_site_is_stated_at_the_prevalence_that_is_named_or_its_own(
    asked: str | None, prevalence: float | None, stated: float | str, presurgical: Bundle, site: SiteRows
) -> None:
    assert site.targets is not None
    contract = None if asked is None else Contract.read(asked)
    made = with_labels(presurgical, site, contract=contract, prevalence=prevalence, site="north").manifest  # type: ignore[arg-type]  # told apart by the table
    at = float(site.targets.mean(dtype=np.float64)) if stated == "own" else stated
    assert made.prevalence == at
    assert made.curve == answers(presurgical, site, float(at))
    assert made.contract.prevalence_named in {None, at}


def test_two_prevalences_at_once_are_refused(presurgical: Bundle, site: SiteRows) -> None:
    contract = Contract.read("precision >= 0.5 at prevalence 10 %")
    with pytest.raises(BadInput) as error:
        with_labels(presurgical, site, contract=contract, prevalence=0.3, site="north")
    assert str(error.value) == "--prevalence: should be that of the contract, 0.1, or be left out, got 0.3."


def test_rows_that_a_bundle_was_made_of_certify_nothing_twice(presurgical: Bundle, site: SiteRows) -> None:
    made = with_labels(presurgical, site, site="north")
    again = replace(presurgical, manifest=made.manifest)
    with pytest.raises(BadInput) as error:
        with_labels(again, site, site="north")
    assert str(error.value) == (
        "site.csv: should not be a file that the bundle was made of: its cases certify nothing twice,"
        f" got SHA-256 {'5' * 64}."
    )


def test_a_history_with_a_hole_is_refused_with_labels_and_without(presurgical: Bundle, site: SiteRows) -> None:
    made = with_labels(presurgical, site, site="north").manifest
    holed = replace(presurgical, folder=Path("holed"), manifest=made.model_copy(update={"version": 3}))
    text = "holed: history: should tell every version before version 3, got 1."
    for ask in (with_labels, lambda bundle, rows, site: with_prevalence(bundle, 0.1, rows=rows, site=site)):
        with pytest.raises(BadBundle) as error:
            ask(holed, replace(site, digest="6" * 64), site="north")
        assert str(error.value) == text


def test_the_certification_part_is_the_sites_and_the_others_stay(presurgical: Bundle, site: SiteRows) -> None:
    assert site.targets is not None
    made = with_labels(presurgical, site, site="north").manifest
    assert made.provenance.parts[-1].model_dump() == {
        "name": "certification",
        "rows": ROWS,
        "positives": int(site.targets.sum()),
    }
    assert [part.name for part in made.provenance.parts].count("certification") == 1
    assert made.provenance.data == {"version 2: site.csv": "5" * 64}


def test_the_groups_of_the_site_are_its_own(zoned: Bundle, site: SiteRows) -> None:
    made = with_labels(zoned, site, site="north").manifest
    eyes = [group for group in made.groups if group.column == "eye"]
    assert sum(group.curve.positive_count + group.curve.negative_count for group in eyes) == ROWS


def test_calibration_is_told_at_the_sites_own_share_of_sick(presurgical: Bundle, site: SiteRows) -> None:
    assert site.targets is not None
    own = float(site.targets.mean(dtype=np.float64))
    said = with_labels(presurgical, site, site="north").notes[0]
    logit = special.logit(Scorer(presurgical).score(site.columns, prevalence=own).probability.astype(np.float64))
    found = Reliability.of(logit, site.targets)
    assert said == (
        f"The calibration stays as it was. At the site's own share of sick, {own:.4g}, observed over expected is"
        f" {found.observed_over_expected:.3f} and the slope {found.slope:.3f}; both would best be 1."
    )


def test_rows_of_the_same_patients_are_said_to_depend(presurgical: Bundle, site: SiteRows) -> None:
    twice = replace(site, patients=np.arange(ROWS) // 2)
    alone = replace(site, patients=np.arange(ROWS))
    text = "The 3000 rows are of 1500 patients; the certificate takes rows for independent."
    assert text in with_labels(presurgical, twice, site="north").notes
    for rows in (site, alone):
        assert not any("patients" in note for note in with_labels(presurgical, rows, site="north").notes)


def test_an_estimate_is_taken_at_the_end_at_which_the_contract_asks_most(presurgical: Bundle, site: SiteRows) -> None:
    contract = presurgical.manifest.contract.model_copy(update={"at_least": 0.4})
    bundle = replace(presurgical, manifest=presurgical.manifest.model_copy(update={"contract": contract}))
    made = with_prevalence(bundle, estimated(), rows=site, site="north")
    assert made.manifest.contract.prevalence_named == made.manifest.prevalence == 0.08
    both = (
        "The certificate takes that prevalence as given. The interval it is the end of holds the true one with 0.95,"
        " so both together hold with 0.9 at least."
    )
    assert made.notes[:2] == ("Probabilities are stated at 0.08, for which the contract is certified.", both)
    named = with_prevalence(bundle, 0.08, rows=site, site="north")
    assert both not in named.notes
    by_hand = Contract.read("precision >= 0.4 at prevalence 12 %")
    asked = with_prevalence(bundle, estimated(), rows=site, contract=by_hand, site="north")
    assert asked.manifest.contract == by_hand
    assert both not in asked.notes


def test_an_estimate_that_is_not_to_be_trusted_makes_no_version(presurgical: Bundle, site: SiteRows) -> None:
    doubted = estimated(fit=0.001)
    with pytest.raises(NotIdentified) as error:
        with_prevalence(presurgical, doubted, rows=site, site="north")
    assert str(error.value) == f"prevalence: should be that of people who differ by it alone. {doubted.doubt}"


def test_rows_that_are_no_longer_cleared_are_answered_otherwise(zoned: Bundle, site: SiteRows, tmp_path: Path) -> None:
    made: Version = with_labels(zoned, site, site="north")
    new = write_bundle(tmp_path / "new", model=made.model, manifest=made.manifest, card="# New\n")
    old_scores, new_scores = (Scorer(bundle).score(site.columns) for bundle in (zoned, new))
    answer = [
        [
            "positive" if up else "negative" if down else "neither"
            for up, down in zip(one.positive, one.negative, strict=True)
        ]
        for one in (old_scores, new_scores)
    ]
    changed = sum(first != second for first, second in zip(*answer, strict=True))
    found = Differences.between(zoned, new, site)
    assert found.changed == changed
    assert changed > int((old_scores.positive != new_scores.positive).sum())
    assert (found.old.version, found.new.version, found.rows) == (1, 2, ROWS)
    assert found.old_here is not None
    assert found.old_here.counts.hits == int((old_scores.positive & (site.targets == 1)).sum())


def test_what_a_point_does_elsewhere_is_told_at_both_ends_of_an_interval(presurgical: Bundle) -> None:
    def at(share: float) -> float | None:
        return Scorer(presurgical).turn(Setting(prevalence=share)).figures.precision.value

    found = Elsewhere.of(presurgical, estimated())
    assert [one.precision.value for one in found.figures] == [at(0.1), at(0.08), at(0.13)]
    assert len(Elsewhere.of(presurgical, 0.1).figures) == 1
    open_ended = estimated().model_copy(update={"low": 0.0})
    assert [one.prevalence for one in Elsewhere.of(presurgical, open_ended).figures] == [0.1, 0.13]


def test_without_labels_and_without_a_folder_nothing_is_made(presurgical: Bundle, site: SiteRows) -> None:
    found = tune(presurgical, replace(site, targets=None), prevalence=0.1, site="north", out=None)
    assert (found.folder, found.differences, found.notes) == (None, None, ())
    assert found.elsewhere == Elsewhere.of(presurgical, 0.1)
    assert float32(found.elsewhere.threshold) == found.elsewhere.threshold


def test_cases_of_a_site_did_not_teach_whatever_those_before_them_did(presurgical: Bundle, site: SiteRows) -> None:
    made = presurgical.manifest.model_copy(update={"cross_fitted": crossed().cross_fitted, "guide": None})
    bundle = replace(presurgical, manifest=made)
    assert with_labels(bundle, site, site="ward 7").manifest.cross_fitted is None
    # Where but the prevalence is another, the cases are those that taught.
    assert with_prevalence(bundle, estimated(), rows=site, site="ward 7").manifest.cross_fitted == made.cross_fitted
