from __future__ import annotations

import pytest
import torch
from scipy import special

from training.losses.soft_targets import SoftTargets

STUDENT = torch.tensor([-3.0, 0.0, 0.4, 5.0, -20.0], dtype=torch.float64)
TEACHER = torch.tensor([-1.0, 2.0, 0.4, -4.0, 20.0], dtype=torch.float64)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_it_is_the_divergence_of_softened_probabilities_times_the_squared_temperature(temperature: float) -> None:
    there, wanted = (special.expit(logits.numpy() / temperature) for logits in (STUDENT, TEACHER))
    expected = temperature**2 * (special.rel_entr(wanted, there) + special.rel_entr(1 - wanted, 1 - there))
    assert SoftTargets(temperature=temperature)(STUDENT, TEACHER).tolist() == pytest.approx(
        expected, rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_pull_is_the_difference_of_probabilities_times_the_temperature(temperature: float) -> None:
    asked = STUDENT.clone().requires_grad_()
    SoftTargets(temperature=temperature)(asked, TEACHER).sum().backward()
    pull = temperature * (special.expit(STUDENT.numpy() / temperature) - special.expit(TEACHER.numpy() / temperature))
    assert asked.grad is not None
    assert asked.grad.tolist() == pytest.approx(pull, abs=1e-12)


def test_hot_it_becomes_an_eighth_of_the_squared_difference_of_logits() -> None:
    found = SoftTargets(temperature=1000.0)(STUDENT, TEACHER)
    assert found.tolist() == pytest.approx(((STUDENT - TEACHER) ** 2 / 8).tolist(), rel=1e-3, abs=1e-9)


def test_a_teacher_who_is_sure_teaches_cross_entropy() -> None:
    student = torch.tensor([-2.0, 0.0, 3.0])
    sure = torch.full((3,), 1e4)
    expected = torch.nn.functional.softplus(-student)
    torch.testing.assert_close(SoftTargets(temperature=1.0)(student, sure), expected)
