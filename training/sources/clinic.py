from __future__ import annotations

import hashlib
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from scipy import optimize, special, stats

from training.source import Source
from training.table import Table

Numbers = NDArray[np.float64]

SITES = ("north", "east", "coast", "city", "valley", "south")
SIZES = np.array([0.2, 0.2, 0.2, 0.15, 0.15, 0.1])
# How much more or fewer sick people come to a site, in units of the confounding; and which camera it has.
LEANING = np.array([-1.0, -0.8, -0.6, 0.8, 1.0, 1.2])
CAMERAS = ("old", "new")
CAMERA = np.array([0, 0, 0, 1, 1, 1])
SMOKING, SMOKERS, SMOKING_LOGITS = ("never", "former", "current"), np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.3, 0.9])
YOUNGEST, OLDEST = 50, 95
AGES = stats.norm.pdf(np.arange(YOUNGEST, OLDEST + 1), 68, 9)
AGES /= AGES.sum()
AGE_LOGITS = 0.8  # a decade
# Centre and spread of what is measured, of the healthy and of the sick. All columns lie within their ranges by six
# spreads or more.
ACUITY = (0.15, 0.07), (0.29, 0.13)
ACUITY_BY_AGE = 0.03  # a decade
LOG_DRUSEN = (-1.0, 0.6), (0.0, 0.6)
THICKNESS = (270.0, 18.0), (312.0, 36.0)
BRIGHTNESS = (110.0, 9.0), (110.0, 9.0)
PRESSURE = (15.0, 2.4), (15.0, 2.4)
DISTORTED = 0.04, 0.6
# What the new camera adds to the thickness in um, and to the brightness.
THICKER, BRIGHTER = 20.0, 30.0
# The worse somebody sees, the more often reading fails and the cell stays empty: probit in logMAR, around the acuity
# at which every second cell is empty.
FAILS_AT, FAILS_OVER = 0.45, 0.15
# Share of what varies between people of one kind that stays the same from visit to visit.
SAME = 0.7
FIRST_DAY, DAYS, BETWEEN = date(2024, 1, 1), 365, 180


class Clinic(Source):
    """A simulated eye clinic whose true risks are known: is there a neovascular macular degeneration, in 1 of 1,000?

    One row a visit. A model may see `age`, `smoking`, `acuity` (logMAR, higher is worse), `distortion`, `drusen` (mm2),
    `thickness` (um), `brightness` of the photograph and `pressure` (mmHg). Graders add `new_vessels` (0, 1),
    `haemorrhages` (a count), `severity` (0 to 3) and `fluid` (nl, not always measured). Visits of one `patient_id`
    share the disease, age, habits and most of what is measured.

    `distortion` and `smoking` are empty at random, the latter more often of the old; `acuity` is empty the more
    often the worse it is. Three of the six sites have a `new` camera, which adds 20 um and makes photographs brighter;
    with `confounding` above 0 more of the sick come there, so that brightness, which has nothing to do with the
    disease, tells of it.

    `true_risk` is P(sick | what a model may see), exactly: over sites, habits and cells that are not known it is
    summed or integrated. So the best model there can be is known, and every estimate can be checked.
    """

    rows: int = Field(200_000, ge=1, description="visits")
    prevalence: float = Field(0.001, gt=0, lt=1, description="share of the patients that is sick, in the long run")
    again: float = Field(0.5, ge=0, description="further visits of a patient, on average")
    confounding: float = Field(
        1.0, description="logits by which sites with the new camera have more sick people; below 0: fewer"
    )
    missing: float = Field(0.1, ge=0, lt=0.5, description="share of empty cells of distortion and smoking; 0: none")
    seed: int = Field(0, ge=0)

    def read(self) -> Table:
        rows = self._drawn(np.random.default_rng(self.seed))
        rows = rows.with_columns(pl.Series("true_risk", self.risk(rows)))
        digest = hashlib.sha256(self.model_dump_json().encode())
        for column in rows.select(pl.selectors.numeric()).iter_columns():
            digest.update(column.fill_null(-1).to_numpy().tobytes())
        return Table(rows, {"simulated clinic": digest.hexdigest()})

    def risk(self, rows: pl.DataFrame) -> Numbers:
        """P(sick | the columns a model may see) in this clinic, [rows]; rows may be of another."""
        age = rows["age"].to_numpy().astype(np.int64) - YOUNGEST
        habit = _places(rows["smoking"], SMOKING)  # -1 where it is not known
        weights = self._weights()[:, :, habit, age]  # [kind, camera, rows]
        whole = np.zeros_like(weights)
        for kind in (0, 1):
            seen = self._acuity(rows["acuity"].cast(pl.Float64).to_numpy(), age, kind)
            seen += _log_density(np.log(_numbers(rows, "drusen")), *LOG_DRUSEN[kind])
            bent = rows["distortion"].cast(pl.Float64).to_numpy()
            seen += np.nan_to_num(np.log(np.where(bent > 0, DISTORTED[kind], 1 - DISTORTED[kind])) + 0 * bent)
            for camera in (0, 1):
                (middle, spread), (light, flicker) = THICKNESS[kind], BRIGHTNESS[kind]
                whole[kind, camera] = (
                    np.log(weights[kind, camera])
                    + seen
                    + _log_density(_numbers(rows, "thickness"), middle + THICKER * camera, spread)
                    + _log_density(_numbers(rows, "brightness"), light + BRIGHTER * camera, flicker)
                )
        healthy, sick = np.logaddexp(whole[:, 0], whole[:, 1])
        return np.asarray(special.expit(sick - healthy))

    def _acuity(self, values: Numbers, age: NDArray[np.int64], kind: int) -> Numbers:
        """Log density of each acuity and of its being told, or log probability of its being empty."""
        middle, spread = ACUITY[kind]
        expected = middle + ACUITY_BY_AGE * _decades(age)
        if not self.missing:
            return _log_density(values, expected, spread)
        told = _log_density(values, expected, spread) + special.log_ndtr((FAILS_AT - values) / FAILS_OVER)
        empty = special.log_ndtr((expected - FAILS_AT) / np.hypot(spread, FAILS_OVER))
        return np.asarray(np.where(np.isnan(values), empty, told))

    def _weights(self) -> Numbers:
        """P(kind, camera, habit | age): [2, cameras, habits, ages]; the last habit is "not known", the sum of all."""
        sick = self._chances()
        both = np.stack([1 - sick, sick]) * SIZES[:, None, None] * SMOKERS[:, None]
        cameras = np.stack([both[:, camera == CAMERA].sum(axis=1) for camera in (0, 1)], axis=1)
        return np.concatenate([cameras, cameras.sum(axis=2, keepdims=True)], axis=2)

    def _chances(self) -> Numbers:
        """P(sick | site, habit, age), [sites, habits, ages], such that their mean is the prevalence."""
        share = SIZES[:, None, None] * SMOKERS[:, None] * AGES
        decades = _decades(np.arange(len(AGES)))
        logits = self.confounding * LEANING[:, None, None] + SMOKING_LOGITS[:, None] + AGE_LOGITS * decades

        def excess(level: float) -> float:
            return float((share * special.expit(level + logits)).sum()) - self.prevalence

        return np.asarray(special.expit(optimize.brentq(excess, -60, 60, xtol=1e-12) + logits))

    def _drawn(self, random: np.random.Generator) -> pl.DataFrame:
        """All columns but the true risk."""
        visits = 1 + random.poisson(self.again, self.rows)
        patient = np.repeat(np.arange(self.rows), visits)[: self.rows]
        people = int(patient[-1]) + 1
        visit = np.arange(self.rows) - np.searchsorted(patient, patient)
        site = random.choice(len(SITES), people, p=SIZES)
        habit = random.choice(len(SMOKING), people, p=SMOKERS)
        age = random.choice(len(AGES), people, p=AGES)
        sick = (random.random(people) < self._chances()[site, habit, age]).astype(np.int64)
        bent = random.random(people) < np.array(DISTORTED)[sick]
        kind, camera, decades = sick[patient], CAMERA[site][patient], _decades(age[patient])

        def measured(column: tuple[tuple[float, float], tuple[float, float]]) -> tuple[Numbers, Numbers]:
            """Values of every visit, and how far they lie from their centre, in spreads."""
            own, noise = random.standard_normal(people)[patient], random.standard_normal(self.rows)
            beside = SAME**0.5 * own + (1 - SAME) ** 0.5 * noise
            middle, spread = np.array(column)[kind].T
            return middle + spread * beside, beside

        acuity = measured(ACUITY)[0] + ACUITY_BY_AGE * decades
        log_drusen, more_drusen = measured(LOG_DRUSEN)
        thickness, thicker = measured(THICKNESS)
        brightness, pressure = measured(BRIGHTNESS)[0], measured(PRESSURE)[0]
        failed = (random.random(self.rows) < special.ndtr((acuity - FAILS_AT) / FAILS_OVER)) & (self.missing > 0)
        not_asked = random.random(self.rows) < self.missing
        # The old are asked less: the share rises with age, and is the named one at 70 or so.
        no_habit = random.random(self.rows) < self.missing * np.clip(1 + decades / 2, 0, 2)
        severity = kind * (1 + np.digitize(random.standard_normal(self.rows) + thicker, (-0.5, 1.0)))
        return pl.DataFrame(
            {
                "patient_id": pl.Series(patient, dtype=pl.Int64),
                "visit": pl.Series(visit, dtype=pl.Int32),
                "date": _dates(random.integers(DAYS, size=people)[patient] + BETWEEN * visit),
                "site": pl.Series(SITES)[site[patient]],
                "camera": pl.Series(CAMERAS)[camera],
                "age": pl.Series(age[patient] + YOUNGEST, dtype=pl.Int16),
                "smoking": _emptied(pl.Series(SMOKING)[habit[patient]], no_habit),
                "acuity": _emptied(pl.Series(acuity, dtype=pl.Float32), failed),
                "distortion": _emptied(pl.Series(bent[patient], dtype=pl.Int8), not_asked),
                "drusen": pl.Series(np.exp(log_drusen), dtype=pl.Float32),
                "thickness": pl.Series(thickness + THICKER * camera, dtype=pl.Float32),
                "brightness": pl.Series(brightness + BRIGHTER * camera, dtype=pl.Float32),
                "pressure": pl.Series(pressure, dtype=pl.Float32),
                "diagnosis": pl.Series(("none", "neovascular"))[kind],
                "new_vessels": pl.Series(random.random(self.rows) < np.array([0.005, 0.85])[kind], dtype=pl.Int8),
                "haemorrhages": pl.Series(
                    random.poisson(np.exp(np.array([-3.0, 0.3])[kind] + 0.3 * more_drusen)), dtype=pl.Int16
                ),
                "severity": pl.Series(severity, dtype=pl.Int8),
                # The tissue itself, whatever the camera adds.
                "fluid": _emptied(
                    pl.Series(np.maximum(0.0, 4.0 * (thickness - 290.0)) * (0.3 + 0.7 * kind), dtype=pl.Float32),
                    random.random(self.rows) < 0.3,
                ),
            }
        )


def _decades(age: NDArray[np.int64]) -> Numbers:
    """Decades above 68, for ages in years above 50."""
    return (age + YOUNGEST - 68) / 10


def _places(words: pl.Series, kinds: tuple[str, ...]) -> NDArray[np.int64]:
    """The place of each word among its kinds; that behind the last where it is not known."""
    places = words.replace_strict({kind: place for place, kind in enumerate(kinds)}, return_dtype=pl.Int64)
    return places.fill_null(len(kinds)).to_numpy()


def _numbers(rows: pl.DataFrame, name: str) -> Numbers:
    return rows[name].cast(pl.Float64).to_numpy()


def _log_density(values: Numbers, middle: Numbers | float, spread: float) -> Numbers:
    """Of a normal distribution, but for a constant that is the same for all."""
    return np.asarray(-0.5 * ((values - middle) / spread) ** 2 - np.log(spread))


def _dates(days: NDArray[np.int64]) -> pl.Series:
    first = (FIRST_DAY - date(1970, 1, 1)).days
    return pl.Series(days + first, dtype=pl.Int32).cast(pl.Date)


def _emptied(cells: pl.Series, empty: NDArray[np.bool_]) -> pl.Series:
    return pl.select(pl.when(pl.lit(pl.Series(~empty))).then(pl.lit(cells))).to_series()
