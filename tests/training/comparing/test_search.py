from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import FixedTrial, TrialState
from sklearn.metrics import roc_auc_score

from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import BadStudy
from models.schema import Binary, Schema
from tests.comparable import study_file
from training.comparing import trying
from training.comparing.bench import Bench, Outcome
from training.comparing.search import STORE, search
from training.comparing.searched import write_study
from training.comparing.space import suggested
from training.comparing.trying import region
from training.loss import Loss
from training.losses.class_balanced import ClassBalanced
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.networks.linear import Linear
from training.networks.tabm import TabM
from training.run import Loaded, load
from training.sampling import Oversampled
from training.split import CrossFit
from training.study import Beside, Budget, Study, find_study


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_file(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def study(file: Path) -> Study:
    return find_study(str(file))


@pytest.fixture(scope="module")
def loaded(study: Study) -> Loaded:
    return load(study)


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / STORE}")
    found = [trial for each in storage.get_all_studies() for trial in storage.get_all_trials(each._study_id)]
    storage.remove_session()
    storage.engine.dispose()
    return found


def instead(monkeypatch: pytest.MonkeyPatch, worth: float = 0.0) -> list[tuple[object, int]]:
    """Nothing is trained, and scores are made up: weighted cross-entropy is worth as much as is said, another loss the
    more the higher its learning rate. Gives what was asked for.
    """
    asked: list[tuple[object, int]] = []

    def train(bench: Bench, model: object, seed: int, *, until: float = np.inf) -> Outcome:
        asked.append((model, seed))
        sick = bench.targets[bench.deal(seed).judge]
        signal = worth if isinstance(model.terms[0].by, CostWeighted) else 0.5 + 40 * model.budget.learning_rate
        return Outcome((signal * sick + np.random.default_rng(seed).normal(size=len(sick))).astype(np.float32), 0.0)

    monkeypatch.setattr(Bench, "train", train)
    return asked


def test_all_that_can_be_chosen_makes_a_model_of_the_study(study: Study) -> None:
    kept = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen: set[type[Loss]] = set()
    for _ in range(300):
        model = suggested(kept.ask(), study, study.models[0])
        Study(**{**dict(study), "models": (model,)})
        assert type(model).model_validate_json(model.model_dump_json()) == model
        assert (model.name, model.contract) == ("screen", study.models[0].contract)
        seen.add(type(model.terms[0].by))
    assert len(seen) > 10
    assert CostWeighted in seen


def test_all_that_can_be_chosen_can_be_cross_fitted_where_the_model_as_it_is_can(study: Study) -> None:
    falling = Budget(epochs=3, schedule="cosine")
    base = study.models[0].model_copy(update={"budget": falling, "beside": (Beside(network=Linear()),)})
    crossed = {**dict(study), "split": CrossFit(column="patient", searched=0.2)}
    kept = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(100):
        model = suggested(kept.ask(), study, base)
        Study(**{**crossed, "models": (model,)})
        assert model.beside == base.beside
        assert model.kinds[1].terms == model.terms


def test_a_cross_fitted_model_is_judged_by_one_of_each_of_its_networks(study: Study) -> None:
    falling = Budget(epochs=3, batch=256, learning_rate=0.05, schedule="cosine")
    model = study.models[0].model_copy(update={"budget": falling, "beside": (Beside(network=Linear()),)})
    split = CrossFit(column="patient", searched=0.2, test=0.2)
    crossed = Study(**{**dict(study), "split": split, "models": (model,)})
    loaded = load(crossed)
    for purpose in ("search", "comparison"):
        bench = Bench.of(crossed, loaded, purpose)
        outcome, dealt = bench.train(model, 1), bench.deal(1)
        assert outcome.refused == ""
        assert outcome.scores is not None
        assert outcome.scores.shape == dealt.judge.shape
        assert roc_auc_score(bench.targets[dealt.judge], outcome.scores) > 0.7


def test_a_choice_is_the_model_it_names(study: Study) -> None:
    chosen = {
        "loss": "CostWeighted",
        "CostWeighted.miss_for_false_alarm": 0.25,
        "weight_decay": 0.01,
        "learning_rate": 0.002,
        "sampling": "times",
        "sampling.times": 3.0,
        "numbers": "as they are",
        "network": "TabM",
        "network.width": 32,
        "network.layers": 2,
        "network.members": 8,
        "network.dropout": 0.1,
    }
    model = suggested(FixedTrial(chosen), study, study.models[0])
    first, decay = model.terms
    assert isinstance(first.by, CostWeighted)
    assert (first.by.costs.miss, first.by.costs.false_alarm) == (1.0, 4.0)
    assert (type(decay.by), decay.weight) == (SquaredSize, 0.01)
    assert model.network == TabM(hidden=(32, 32), count=8, dropout=0.1)
    assert model.sampling == Oversampled(times=3.0)
    assert model.budget == study.models[0].budget.model_copy(update={"learning_rate": 0.002})
    nearly = {**chosen, "loss": "ClassBalanced", "ClassBalanced.beta less than 1": 0.01}
    assert suggested(FixedTrial(nearly), study, study.models[0]).terms[0].by == ClassBalanced(beta=0.99)
    # Without measured numbers there are none to embed.
    without = {name: value for name, value in chosen.items() if name != "numbers"}
    answers = study.model_copy(update={"columns": Schema(columns=(Binary(name="cough"),))})
    assert suggested(FixedTrial(without), answers, study.models[0]).network.numbers is None


def test_only_the_order_of_scores_counts_for_the_region() -> None:
    random = np.random.default_rng(0)
    sick = random.integers(0, 2, 200).astype(np.float32)
    chances = np.float32(random.random(200) * 0.5 + 0.3 * sick)
    contract = Recall(at_least=0.9)
    assert region(contract, np.float32(20 * chances - 900), sick) == contract.region(Curve.of(chances, sick))


def test_a_search_finds_the_better_loss_on_rows_of_training_and_validation_alone(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = instead(monkeypatch)
    own = {name: loaded.parts[name] for name in ("training", "validation")}
    found = search(study, Loaded(own, loaded.digests), tmp_path, named="", seconds=600, most=6)
    assert [each.model.name for each in found] == ["screen", "presurgical"]
    for each in found:
        assert each.region > each.as_it_is
        assert not isinstance(each.model.terms[0].by, CostWeighted)
        assert str(each).startswith(f"{each.model.name}: {each.as_it_is:.4f} in its operating region as it is, ")
    # The models as they are come first.
    assert asked[:3] == [(study.models[0], seed) for seed in (1, 2, 3)]


def test_where_nothing_is_better_the_model_stays_as_it_is(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch, worth=9.0)
    (found,) = search(study, loaded, tmp_path, named="", seconds=600, most=5, only="screen")
    assert found.model == study.models[0]
    assert str(found) == (
        f"screen: {found.as_it_is:.4f} in its operating region as it is, none that is better among"
        f" {found.tried} models tried."
    )


def test_a_search_that_is_asked_for_again_goes_on_and_takes_up_what_was_interrupted(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = instead(monkeypatch)
    (first,) = search(study, loaded, tmp_path, named="", seconds=600, most=4, only="screen")
    done = [trial for trial in trials(tmp_path) if trial.state in {TrialState.COMPLETE, TrialState.PRUNED}]
    assert len(done) == first.tried
    # As it is left by a process that was killed: one model still under way.
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / STORE}")
    (name,) = [each.study_name for each in storage.get_all_studies()]
    killed = suggested(optuna.load_study(study_name=name, storage=storage).ask(), study, study.models[0])
    asked.clear()
    heard: list[str] = []
    (second,) = search(study, loaded, tmp_path, named="", seconds=600, most=4, only="screen", told=heard.append)
    assert heard[1] == "screen: goes on after 4 models."
    assert (first.tried, second.tried) == (4, 8)
    assert second.region >= first.region
    assert study.models[0] not in [model for model, _ in asked]
    assert killed in [model for model, _ in asked]
    assert TrialState.RUNNING not in {trial.state for trial in trials(tmp_path)}
    numbers = [trial.params for trial in trials(tmp_path) if trial.state == TrialState.COMPLETE]
    assert len({str(sorted(each.items())) for each in numbers}) == len(numbers)


def test_training_is_given_up_when_the_time_is_over(study: Study, loaded: Loaded) -> None:
    bench = Bench.of(study, loaded, "search")
    assert bench.train(study.models[0], 1, until=time.time() - 1).scores is None
    assert bench.train(study.models[0], 1, until=time.time() + 600).scores is not None


def test_what_lies_below_the_others_is_given_up_early(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "PRUNED_FROM", 1)
    instead(monkeypatch)
    search(study, loaded, tmp_path, named="", seconds=600, most=15, only="screen")
    states = [trial.state for trial in trials(tmp_path)]
    assert TrialState.PRUNED in states
    assert all(len(trial.intermediate_values) < 3 for trial in trials(tmp_path) if trial.state == TrialState.PRUNED)


def test_a_model_that_can_not_be_trained_is_told_and_the_search_goes_on(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch)
    train = Bench.train

    def broken(bench: Bench, model: object, seed: int, *, until: float = np.inf) -> Outcome:
        if model != study.models[0] and isinstance(model.network, TabM):
            return Outcome(None, 0.0, "too many of them")
        return train(bench, model, seed, until=until)

    monkeypatch.setattr(Bench, "train", broken)
    heard: list[str] = []
    (found,) = search(study, loaded, tmp_path, named="", seconds=600, most=15, only="screen", told=heard.append)
    assert not isinstance(found.model.network, TabM)
    assert any(line.endswith("could not be trained. too many of them") for line in heard)


def test_a_model_that_is_not_in_the_study_can_not_be_searched(study: Study, loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(BadStudy) as caught:
        search(study, loaded, tmp_path, named="", seconds=1, only="triage")
    assert str(caught.value) == "--only: should be one of screen, presurgical, got triage."


def test_what_was_found_is_a_study_file_that_can_be_read(study: Study, file: Path, tmp_path: Path) -> None:
    found = suggested(optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3)).ask(), study, study.models[0])
    written = tmp_path / "people_searched.py"
    write_study(str(file), [found], written)
    read = find_study(str(written))
    assert read.name == "people_searched"
    assert read.models == (found, study.models[1])
    assert read.model_copy(update={"name": "people", "models": study.models}) == study


def test_no_model_is_begun_when_the_time_is_over(
    study: Study, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead(monkeypatch)
    (found,) = search(study, loaded, tmp_path, named="", seconds=0, only="screen")
    assert (found.tried, found.model) == (0, study.models[0])
