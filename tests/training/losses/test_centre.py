from __future__ import annotations

import pytest
import torch

from training.losses.centre import Centre


def test_a_row_costs_half_its_squared_distance_from_the_centre_of_its_class() -> None:
    centres = Centre(classes=3).companion(2)
    with torch.no_grad():
        centres.slow[:] = torch.tensor([[0.0, 0.0], [0.1, 0.2], [-0.3, 0.0]])
    rows = torch.tensor([[3.0, 4.0], [1.0, 3.0], [0.0, 2.0]])
    assert centres(rows, torch.tensor([0.0, 1.0, 2.0])).tolist() == pytest.approx([12.5, 0.5, 6.5])


def test_centres_come_to_lie_in_the_middle_of_their_classes() -> None:
    generator = torch.Generator().manual_seed(0)
    classes = (torch.arange(300) % 3).float()
    middles = torch.tensor([[4.0, 0.0], [-1.0, 2.0], [0.0, -3.0]])
    rows = middles[classes.long()] + torch.randn(300, 2, generator=generator)
    centres = Centre().told(classes).companion(2)
    optimizer = torch.optim.Adam(centres.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        centres(rows, classes).mean().backward()
        optimizer.step()
    means = torch.stack([rows[classes == kind].mean(dim=0) for kind in range(3)])
    torch.testing.assert_close(centres.places.detach(), means, atol=0.01, rtol=0)


def test_the_training_part_says_how_many_classes_there_are() -> None:
    assert Centre().told(torch.tensor([0.0, 4.0, 1.0])) == Centre(classes=5)
    assert Centre().told(torch.tensor([0.0, 4.0])).companion(7).places.shape == (5, 7)
    assert Centre(classes=5).told(torch.zeros(3)) == Centre(classes=2)


@pytest.mark.parametrize(("wrong", "said"), [(2.0, "2"), (-1.0, "-1"), (0.5, "0.5")])
def test_an_unknown_class_is_refused_by_name(wrong: float, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        Centre()(torch.zeros(2, 3), torch.tensor([1.0, wrong]))
    assert str(caught.value) == f"Expected classes from 0 to 1, got class {said}."


def test_an_embedding_of_another_width_is_refused_by_its_shape() -> None:
    with pytest.raises(ValueError) as caught:
        Centre().companion(4)(torch.zeros(2, 3), torch.zeros(2))
    assert str(caught.value) == "Expected output (rows, 4), target (rows,), got output (2, 3), target (2,)."
