from __future__ import annotations

import numpy as np
import pytest
import torch

from training.losses.embedding_match import EmbeddingMatch


def test_it_begins_as_half_the_mean_squared_difference() -> None:
    generator = torch.Generator().manual_seed(0)
    rows, teacher = torch.randn(2, 6, 3, generator=generator)
    expected = ((rows - teacher).numpy() ** 2).mean(axis=1) / 2
    assert EmbeddingMatch()(rows, teacher).tolist() == pytest.approx(expected, rel=1e-6)


def test_the_map_that_is_learnt_is_the_least_squares_map() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(200, 3, generator=generator)
    teacher = rows @ torch.randn(3, 5, generator=generator) + 1.0 + 0.1 * torch.randn(200, 5, generator=generator)
    match = EmbeddingMatch().told(teacher).companion(3)
    optimizer = torch.optim.Adam(match.parameters(), lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        match(rows, teacher).mean().backward()
        optimizer.step()
    with_ones = np.column_stack([rows.numpy(), np.ones(200)])
    best, *_ = np.linalg.lstsq(with_ones, teacher.numpy(), rcond=None)
    assert match.map.weight.detach().numpy() == pytest.approx(best[:3].T, abs=1e-3)
    assert match.map.bias.detach().numpy() == pytest.approx(best[3], abs=1e-3)


def test_the_training_part_says_how_wide_the_teacher_is() -> None:
    told = EmbeddingMatch().told(torch.zeros(4, 7))
    assert told == EmbeddingMatch(teacher_width=7)
    assert told.companion(3)(torch.zeros(2, 3), torch.zeros(2, 7)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("output", "target", "got"),
    [
        (torch.zeros(2, 3), torch.zeros(2, 4), "got output (2, 3), target (2, 4)."),
        (torch.zeros(2, 3), torch.zeros(1, 7), "got output (2, 3), target (1, 7)."),
        (torch.zeros(2, 2), torch.zeros(2, 7), "got output (2, 2), target (2, 7)."),
        (torch.zeros(2, 3), None, "got output (2, 3), target None."),
    ],
)
def test_what_does_not_fit_is_refused_by_its_shapes(
    output: torch.Tensor, target: torch.Tensor | None, got: str
) -> None:
    with pytest.raises(ValueError) as caught:
        EmbeddingMatch(teacher_width=7).companion(3)(output, target)
    assert str(caught.value) == f"Expected output (rows, 3), target (rows, 7), {got}"
