from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from models.value import Value, descendants
from training.generated import Generated
from training.sampling import Balanced, Oversampled, Plain, Sampling

TARGETS = (torch.arange(20_000) % 25 == 0).float()
SAMPLINGS: list[Sampling] = [
    Plain(),
    Oversampled(times=0.1),
    Oversampled(times=1.0),
    Oversampled(times=10.0),
    Oversampled(times=1000.0),
    Balanced(),
    Generated(times=0.5),
]
every_sampling = pytest.mark.parametrize("sampling", SAMPLINGS, ids=repr)


def drawn(sampling: Sampling, seed: int = 0) -> torch.Tensor:
    return sampling.draw(TARGETS, torch.Generator().manual_seed(seed))


def test_every_sampling_is_tested_here() -> None:
    shipped = {kind for kind in descendants(Sampling) if kind.__module__.startswith("training.")}
    assert {type(sampling) for sampling in SAMPLINGS} == shipped


@every_sampling
def test_an_epoch_has_as_many_rows_as_the_table_and_all_of_them_are_there(sampling: Sampling) -> None:
    rows = drawn(sampling)
    assert rows.shape == TARGETS.shape
    assert rows.dtype == torch.int64
    assert 0 <= int(rows.min()) <= int(rows.max()) < len(TARGETS)


@every_sampling
def test_positives_are_drawn_at_the_rate_that_is_said(sampling: Sampling) -> None:
    positives = int(TARGETS.sum())
    negatives = len(TARGETS) - positives
    share = sampling.rate(TARGETS) * positives / (sampling.rate(TARGETS) * positives + negatives)
    epochs = 20
    found = sum(int(TARGETS[drawn(sampling, seed)].sum()) for seed in range(epochs))
    low, high = stats.binom.interval(1 - 1e-6, epochs * len(TARGETS), share)
    assert low <= found <= high


@every_sampling
def test_what_it_adds_to_a_logit_is_the_log_of_its_rate(sampling: Sampling) -> None:
    assert sampling.log_ratio(TARGETS) == pytest.approx(math.log(sampling.rate(TARGETS)))


@every_sampling
def test_within_a_kind_each_row_is_as_likely_as_any_other(sampling: Sampling) -> None:
    targets = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    generator = torch.Generator().manual_seed(0)
    counts = torch.stack([sampling.draw(targets, generator).bincount(minlength=6) for _ in range(3000)]).sum(0)
    for kind in (0, 1):
        own = counts[targets == kind]
        assert stats.chisquare(own.numpy()).pvalue > 1e-4


@every_sampling
def test_a_seed_draws_the_same_rows_again_and_another_seed_others(sampling: Sampling) -> None:
    assert torch.equal(drawn(sampling, 1), drawn(sampling, 1))
    assert not torch.equal(drawn(sampling, 1), drawn(sampling, 2))


@every_sampling
def test_it_is_read_back_as_what_it_was(sampling: Sampling) -> None:
    class Drawn(Value):
        sampling: Sampling

    assert Drawn.model_validate(Drawn(sampling=sampling).model_dump(mode="json")) == Drawn(sampling=sampling)


def test_a_plain_epoch_shows_every_row_once() -> None:
    rows = drawn(Plain())
    assert torch.equal(rows.sort().values, torch.arange(len(TARGETS)))
    assert not torch.equal(rows, torch.arange(len(TARGETS)))


def test_balanced_is_balanced_whatever_the_share() -> None:
    for every in (2, 10, 1000):
        targets = (torch.arange(10_000) % every == 0).float()
        share = targets[Balanced().draw(targets, torch.Generator().manual_seed(0))].mean().item()
        assert share == pytest.approx(0.5, abs=0.025)
        assert Balanced().rate(targets) == pytest.approx(every - 1, abs=1e-6)
