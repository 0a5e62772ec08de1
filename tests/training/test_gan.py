from __future__ import annotations

import math

import pytest
import torch

from training.gan import GAN

MODES = 6
CENTRES = torch.stack(
    [
        torch.tensor([2 * math.cos(2 * math.pi * mode / MODES), 2 * math.sin(2 * math.pi * mode / MODES)])
        for mode in range(MODES)
    ]
)


def ring(rows: int, seed: int) -> torch.Tensor:
    """A mixture whose truth is known: six round modes on a circle, equally likely."""
    generator = torch.Generator().manual_seed(seed)
    mode = torch.randint(MODES, (rows,), generator=generator)
    return CENTRES[mode] + 0.2 * torch.randn(rows, 2, generator=generator)


def energy_distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """0 only for the same distribution. Source: Szekely & Rizzo, Journal of Statistical Planning and Inference 2013."""
    within = torch.cdist(one, one).mean() + torch.cdist(other, other).mean()
    return float(2 * torch.cdist(one, other).mean() - within)


@pytest.fixture(scope="module")
def made() -> torch.Tensor:
    # With more steps it comes nearer still.
    return GAN(steps=1200).fit(ring(2000, 0), seed=0).sample(2000, torch.Generator().manual_seed(5))


def test_every_mode_of_a_known_mixture_is_made_about_as_often_as_it_is_there(made: torch.Tensor) -> None:
    away, mode = torch.cdist(made, CENTRES).min(dim=1)
    # Three standard deviations; a normal distribution with the same mean and spread has less than a third there.
    assert float((away < 0.6).float().mean()) > 0.7
    shares = mode[away < 0.6].bincount(minlength=MODES) / int((away < 0.6).sum())
    assert float(shares.min()) > 0.1
    assert float(shares.max()) < 0.25


def test_it_is_much_nearer_to_the_mixture_than_a_normal_distribution_of_the_same_mean_and_spread(
    made: torch.Tensor,
) -> None:
    rows, truth = ring(2000, 0), ring(2000, 1)
    torch.manual_seed(0)
    normal = torch.distributions.MultivariateNormal(rows.mean(dim=0), torch.cov(rows.T)).sample((2000,))
    assert energy_distance(made, truth) < energy_distance(normal, truth) / 5


def test_columns_of_two_values_keep_them_how_often_each_comes_and_that_they_go_together() -> None:
    generator = torch.Generator().manual_seed(0)
    sign = (torch.rand(600, generator=generator) < 0.25).float()
    other = torch.where(torch.rand(600, generator=generator) < 0.9, sign, 1 - sign)
    rows = torch.stack([3 * sign - 1, other, torch.full((600,), 7.0), 40 + 5 * sign], dim=1)
    rows[:, 3] += torch.randn(600, generator=generator)
    made = GAN(steps=800).fit(rows, seed=0).sample(2000, torch.Generator().manual_seed(1))
    assert set(made[:, 0].tolist()) == {-1.0, 2.0}
    assert set(made[:, 1].tolist()) == {0.0, 1.0}
    assert set(made[:, 2].tolist()) == {7.0}
    assert float((made[:, 0] > 0).float().mean()) == pytest.approx(float(sign.mean()), abs=0.1)
    assert float(torch.corrcoef(made[:, :2].T)[0, 1]) == pytest.approx(
        float(torch.corrcoef(rows[:, :2].T)[0, 1]), abs=0.2
    )
    assert float(made[made[:, 0] > 0, 3].mean()) == pytest.approx(45.0, abs=1.0)
    assert float(made[made[:, 0] < 0, 3].mean()) == pytest.approx(40.0, abs=1.0)


def test_a_seed_makes_the_same_rows_again_and_leaves_others_random_numbers_alone() -> None:
    rows = ring(50, 0)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, again, other = (
        GAN(steps=20).fit(rows, seed).sample(5, torch.Generator().manual_seed(0)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_few_rows_are_enough_to_run_and_none_is_changed() -> None:
    rows = ring(2, 0)
    kept = rows.clone()
    found = GAN(steps=5, batch=16).fit(rows, 0).sample(3, torch.Generator().manual_seed(0))
    assert found.shape == (3, 2)
    assert torch.isfinite(found).all()
    assert torch.equal(rows, kept)


@pytest.mark.parametrize("rows", [torch.zeros(1, 3), torch.zeros(4)])
def test_too_few_rows_are_refused_by_their_shape(rows: torch.Tensor) -> None:
    with pytest.raises(ValueError) as caught:
        GAN(steps=1).fit(rows, 0)
    assert str(caught.value) == f"Expected rows (2 or more, width) to learn from, got {tuple(rows.shape)}."
