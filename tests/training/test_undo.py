"""What losses did to a logit is taken away exactly, whatever they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize, special

from models.calibration import Reliability
from models.costs import Costs
from models.value import members
from tests import simulated
from training.fit import Fitted
from training.loss import Learning, Loss
from training.losses.asymmetric import Asymmetric
from training.losses.cost_weighted import CostWeighted
from training.losses.focal import Focal
from training.losses.logit_adjusted import LogitAdjusted
from training.losses.pairwise_auc import PairwiseAUC
from training.losses.squared_size import SquaredSize
from training.model import Model
from training.term import Term
from training.undo import rule, undo

SICK = np.array([1] * 2 + [0] * 8, dtype=np.float32)
ROW_BY_ROW = [
    kind()
    for kind in members(Loss)
    if kind.row_by_row and (kind.output, kind.target) == ("logit", "binary") and not issubclass(kind, Learning)
]


def made(*terms: Term) -> Model:
    return simulated.model().model_copy(update={"terms": terms})


def on_sick(by: Loss, weight: float = 1.0) -> Term:
    return Term(on="sick", against="sick", by=by, weight=weight)


def best_logit(losses: list[tuple[Loss, float]], risk: float) -> float:
    """Where people of whom `risk` are sick come to rest, found by search and by nothing that `undo` knows."""

    def cost(logit: float) -> float:
        x = torch.tensor([logit, logit], dtype=torch.float64)
        kinds = torch.tensor([1.0, 0.0], dtype=torch.float64)
        total = sum(weight * loss(x, kinds) for loss, weight in losses)
        assert isinstance(total, torch.Tensor)
        return float(risk * total[0] + (1 - risk) * total[1])

    found = optimize.minimize_scalar(cost, bounds=(-12, 12), method="bounded", options={"xatol": 1e-9})
    return float(found.x)


@pytest.mark.parametrize("loss", ROW_BY_ROW, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("risk", [0.05, 0.3, 0.5, 0.9])
def test_every_loss_that_judges_rows_is_undone_to_the_true_probability(loss: Loss, risk: float) -> None:
    told = loss.told(torch.from_numpy(SICK))
    calibration = undo(made(on_sick(loss)), "sick", SICK)
    assert calibration.undo in {"shift", "map"}
    raw = best_logit([(told, 1.0)], risk)
    assert special.expit(calibration.logits([raw]))[0] == pytest.approx(risk, abs=2e-3)


def test_a_mixture_of_losses_is_undone_as_the_mixture_it_is() -> None:
    mixture = [(Focal(gamma=2.0), 0.7), (CostWeighted(costs=Costs(miss=9.0)), 1.3)]
    calibration = undo(made(*(on_sick(loss, weight) for loss, weight in mixture)), "sick", SICK)
    assert calibration.undo == "map"
    for risk in (0.02, 0.2, 0.6):
        raw = best_logit(mixture, risk)
        assert special.expit(calibration.logits([raw]))[0] == pytest.approx(risk, abs=1e-3)
        # Without the undo it is far off, so that this test can fail.
        assert abs(special.expit(raw) - risk) > 0.01


def test_a_shift_is_said_to_be_one_and_is_the_logarithm_of_the_prices() -> None:
    calibration = undo(made(on_sick(CostWeighted(costs=Costs(miss=1000.0)))), "sick", SICK)
    assert (calibration.undo, calibration.loss_map) == ("shift", None)
    assert calibration.loss_log_ratio == pytest.approx(math.log(1000), abs=1e-9)


def test_logit_adjustment_is_undone_by_the_odds_of_the_training_part() -> None:
    calibration = undo(made(on_sick(LogitAdjusted())), "sick", SICK)
    assert calibration.undo == "shift"
    assert abs(calibration.loss_log_ratio) == pytest.approx(math.log(4), abs=1e-9)


def test_what_a_margin_no_longer_tells_apart_keeps_its_order() -> None:
    calibration = undo(made(on_sick(Asymmetric(margin=0.05))), "sick", SICK)
    assert calibration.undo == "map"
    logits = calibration.logits(np.linspace(-30, 30, 5000))
    assert (np.diff(logits) > 0).all()


def test_a_map_has_few_points_and_is_exact_between_them() -> None:
    calibration = undo(made(on_sick(Focal(gamma=2.0))), "sick", SICK)
    assert calibration.loss_map is not None
    assert len(calibration.loss_map) < 400
    for raw in np.random.default_rng(0).uniform(-6, 6, 200):
        q, gamma = special.expit(raw), 2.0
        pull_up = (1 - q) ** gamma * (1 - q) - gamma * (1 - q) ** gamma * q * math.log(q)
        pull_down = q**gamma * q - gamma * q**gamma * (1 - q) * math.log1p(-q)
        assert calibration.logits([raw])[0] == pytest.approx(math.log(pull_down / pull_up), abs=3e-4)


def test_rows_judged_by_each_other_are_left_to_the_fit() -> None:
    for terms in ((on_sick(PairwiseAUC()),), (on_sick(PairwiseAUC()), on_sick(CostWeighted()))):
        calibration = undo(made(*terms), "sick", SICK)
        assert (calibration.undo, calibration.loss_log_ratio, calibration.loss_map) == ("fitted", 0.0, None)


def test_a_student_learns_the_logits_of_its_teacher_whatever_mix_it_is_shown() -> None:
    from training.losses.soft_targets import SoftTargets  # noqa: PLC0415  # only here
    from training.references.from_bundle import FromBundle  # noqa: PLC0415  # the same
    from training.sampling import Oversampled  # noqa: PLC0415  # the same

    term = Term(on="sick", against=FromBundle(path="models/covid/screen"), by=SoftTargets())
    calibration = undo(made(term).model_copy(update={"sampling": Oversampled(times=50)}), "sick", SICK)
    assert (calibration.undo, calibration.sampling_log_ratio) == ("teacher", 0.0)


def test_a_term_without_labels_on_the_outcome_is_left_to_the_fit() -> None:
    assert undo(made(Term(on="sick", by=SquaredSize())), "sick", SICK).undo == "fitted"


def test_every_loss_says_how_it_is_undone() -> None:
    rules = {kind.__name__: rule(kind()) for kind in members(Loss)}
    assert rules["CostWeighted"] == rules["ClassBalanced"] == rules["LogitAdjusted"] == "exact: a shift"
    assert rules["Focal"] == rules["Asymmetric"] == rules["LDAM"] == "exact: a map"
    assert rules["PairwiseAUC"] == rules["SoftFBeta"] == "fitted"
    assert rules["RecallAtPrecision"] == "exact, from what it learnt"
    assert rules["SoftTargets"] == "the teacher's logit is learnt"
    assert rules["SquaredSize"] == rules["Huber"] == "nothing to undo"


@pytest.fixture(scope="module")
def focal() -> tuple[Model, Fitted]:
    model = made(on_sick(Focal(gamma=2.0)))
    return model, simulated.trained(model)


def test_focal_probabilities_are_right_after_the_undo_alone_and_wrong_before(focal: tuple[Model, Fitted]) -> None:
    model, fitted = focal
    columns, sick = simulated.people(100_000, 3)
    with torch.no_grad():
        raw = fitted.net(torch.from_numpy(columns))["sick"].numpy()
    calibration = undo(model, "sick", simulated.people(16_000, 1)[1], fitted.pull)
    after, before = (Reliability.of(logits, sick) for logits in (calibration.logits(raw), raw))
    assert 0.9 <= after.observed_over_expected <= 1.1
    assert after.slope is not None
    assert before.slope is not None
    assert 0.9 <= after.slope <= 1.1
    assert before.slope > 1.3
