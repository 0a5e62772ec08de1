from __future__ import annotations

import numpy as np
import torch

from training.losses.absolute_size import AbsoluteSize
from training.losses.squared_size import SquaredSize

WEIGHTS = torch.randn((3, 4), generator=torch.Generator().manual_seed(1), requires_grad=True)


def test_sizes_are_those_of_numpys_norms() -> None:
    plain = WEIGHTS.detach().numpy().ravel()
    assert np.isclose(AbsoluteSize()(WEIGHTS, None).sum().item(), np.linalg.norm(plain, 1))
    assert np.isclose(SquaredSize()(WEIGHTS, None).sum().item(), np.linalg.norm(plain, 2) ** 2 / 2)


def test_a_step_down_the_squared_size_is_weight_decay() -> None:
    decayed = WEIGHTS.detach().clone().requires_grad_()
    SquaredSize()(decayed, None).sum().backward()
    torch.optim.SGD([decayed], lr=0.1).step()
    wanted = WEIGHTS.detach().clone().requires_grad_()
    wanted.grad = torch.zeros_like(wanted)
    torch.optim.SGD([wanted], lr=0.1, weight_decay=1.0).step()
    torch.testing.assert_close(decayed, wanted)


def test_the_absolute_size_pulls_as_hard_on_a_small_weight_as_on_a_large_one() -> None:
    (pull,) = torch.autograd.grad(AbsoluteSize()(WEIGHTS, None).sum(), WEIGHTS)
    assert torch.equal(pull, WEIGHTS.detach().sign())
