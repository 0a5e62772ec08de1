from __future__ import annotations

import math

import pytest
import torch

from training.gan import GAN
from training.generated import Generated
from training.sampling import Balanced, Oversampled, Plain, Sampling

QUICK = GAN(steps=300, batch=64)


def part() -> tuple[torch.Tensor, torch.Tensor]:
    """400 cases, one in ten sick; a sick one lies around (5, -5), a healthy one around (0, 0)."""
    targets = (torch.arange(400) % 10 == 0).float()
    inputs = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    return inputs + targets[:, None] * torch.tensor([5.0, -5.0]), targets


@pytest.mark.parametrize(("share", "extra"), [(0.5, 40), (0.2, 10), (0.75, 120)])
def test_the_share_that_is_asked_for_is_generated(share: float, extra: int) -> None:
    inputs, targets = part()
    made = Generated(share=share, gan=GAN(steps=2)).more(inputs, targets, seed=0)
    assert made.shape == (extra, 2)
    assert extra / (extra + 40) == share


def test_what_is_generated_looks_like_the_sick_and_not_like_the_healthy() -> None:
    inputs, targets = part()
    made = Generated(gan=QUICK).more(inputs, targets, seed=0)
    sick = inputs[targets == 1]
    assert made.mean(dim=0).tolist() == pytest.approx(sick.mean(dim=0).tolist(), abs=1.0)
    nearest = torch.cdist(made, inputs).argmin(dim=1)
    assert float(targets[nearest].mean()) > 0.95
    assert not (torch.cdist(made, inputs) == 0).any()


@pytest.mark.parametrize("times", [0.1, 1.0, 3.0])
def test_the_mix_that_is_shown_is_the_same_with_and_without_generated_rows(times: float) -> None:
    sampling = Generated(times=times)
    _, targets = part()
    extended = torch.cat([targets, torch.ones(120)])
    for known in (targets, extended):
        rows = torch.cat([sampling.draw(known, torch.Generator().manual_seed(seed)) for seed in range(30)])
        assert float(known[rows].mean()) == pytest.approx(times / (1 + times), abs=0.02)
    # Among three times as many generated as real ones, three of four positives that are shown are generated.
    rows = torch.cat([sampling.draw(extended, torch.Generator().manual_seed(seed)) for seed in range(30)])
    shown = rows[extended[rows] == 1]
    assert float((shown >= len(targets)).float().mean()) == pytest.approx(0.75, abs=0.03)


def test_what_is_undone_is_what_the_mix_adds_to_the_cases_as_they_are() -> None:
    _, targets = part()
    assert Generated(times=3.0).log_ratio(targets) == pytest.approx(math.log(3.0 / (40 / 360)))
    assert Generated(times=1.0).rate(targets) == Balanced().rate(targets)


def test_a_seed_generates_the_same_rows_again() -> None:
    inputs, targets = part()
    first, again, other = (Generated(gan=GAN(steps=5)).more(inputs, targets, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("sampling", [Plain(), Oversampled(times=2.0), Balanced()], ids=repr)
def test_any_other_sampling_adds_no_rows(sampling: Sampling) -> None:
    inputs, targets = part()
    assert sampling.more(inputs, targets, seed=0).shape == (0, 2)
