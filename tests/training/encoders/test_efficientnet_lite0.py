from __future__ import annotations

import io
from contextlib import redirect_stdout

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from training.encoder import Eye
from training.encoders.efficientnet_lite0 import EfficientNetLite0, Signs


def photographs(rows: int, height: int = 64, width: int = 64, seed: int = 0) -> torch.Tensor:
    """Coloured noise, coarse and fine, uint8 [rows, height, width, 3]."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(0, 200, (rows, 4, 4, 3)).repeat(height // 4, axis=1).repeat(width // 4, axis=2)
    return torch.from_numpy((coarse + random.uniform(0, 55, coarse.shape)).astype(np.uint8))


def look(eye: Eye, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = eye.learnt.eval()(eye.fixed.eval()(images))
    return found


@pytest.mark.parametrize(
    ("tune", "kept"),
    [(0, (320, 2, 2)), (1, (192, 2, 2)), (2, (112, 4, 4)), (7, (32, 32, 32)), (8, (64, 64, 3))],
)
def test_what_is_kept_of_an_image_is_what_comes_before_the_stages_that_learn(tune: int, kept: tuple[int, ...]) -> None:
    eye = EfficientNetLite0(tune=tune).build(64, 64)
    images = photographs(2)
    with torch.no_grad():
        assert eye.fixed(images).shape == (2, *kept)
    assert look(eye, images).shape == (2, eye.width)


def test_however_much_learns_an_image_is_seen_alike_at_the_start() -> None:
    images, found = photographs(2), []
    for tune in (0, 1, 5, 8):
        torch.manual_seed(3)
        found.append(look(EfficientNetLite0(tune=tune).build(64, 64), images))
    for answers in found[1:]:
        assert torch.allclose(answers, found[0], atol=1e-5)
    assert (found[0][0] - found[0][1]).abs().max() > 0.01


def test_the_stages_that_learn_get_a_gradient_and_what_is_kept_stays_whole_numbers_if_all_do() -> None:
    eye = EfficientNetLite0(tune=8).build(32, 32)
    images = photographs(2, 32, 32)
    assert eye.fixed(images) is images
    eye.learnt(images).square().sum().backward()
    # A channel whose ReLU6 is silent everywhere gets none, a whole kernel does not.
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in eye.learnt.parameters())


def test_a_fresh_head_learns_at_the_full_rate_and_good_weights_at_a_tenth() -> None:
    assert [EfficientNetLite0(tune=tune).build(32, 32).rate for tune in (0, 1, 8)] == [1.0, 0.1, 0.1]


def test_signs_are_a_mean_over_all_places_and_one_over_the_strongest() -> None:
    maps = torch.randn(3, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    signs = Signs(5, 2, places=3)
    with torch.no_grad():
        found = signs(maps)
    weight, bias = signs.weigh.weight.detach().numpy()[:, :, 0, 0], signs.weigh.bias.detach().numpy()  # type: ignore[union-attr]
    for row in range(3):
        for sign in range(2):
            strengths = []
            for place in np.ndindex(4, 6):
                sum_ = maps[row, :, *place].numpy() @ weight[sign] + bias[sign]
                strengths.append(sum_ / (1 + np.exp(-sum_)))
            assert found[row, sign].item() == pytest.approx(np.mean(strengths), abs=1e-5)
            assert found[row, 2 + sign].item() == pytest.approx(np.mean(sorted(strengths)[-3:]), abs=1e-5)


def test_a_small_image_has_no_more_strongest_places_than_places() -> None:
    assert look(EfficientNetLite0(places=50).build(64, 32), photographs(1, 64, 32)).shape == (1, 64)


@pytest.mark.parametrize("tune", [1, 8])
@pytest.mark.parametrize(("height", "width", "ways"), [(64, 64, 8), (64, 96, 4)])
def test_training_sees_each_row_turned_over_in_all_ways_and_nothing_else(
    tune: int, height: int, width: int, ways: int
) -> None:
    eye = EfficientNetLite0(tune=tune).build(height, width)
    with torch.no_grad():
        kept = eye.fixed(photographs(1, height, width))
    high, wide = (2, 3) if tune == 1 else (1, 2)
    wanted = [kept, kept.flip(high), kept.flip(wide), kept.flip(high).flip(wide)]
    wanted += [maps.transpose(high, wide) for maps in wanted] if height == width else []
    torch.manual_seed(0)
    seen = eye.vary(kept.repeat(200, 1, 1, 1))
    times = [sum(torch.equal(row[None], way) for row in seen) for way in wanted]
    assert sum(times) == 200
    assert len(times) == ways
    assert min(times) > 100 / ways
    torch.manual_seed(0)
    assert torch.equal(eye.vary(kept.repeat(200, 1, 1, 1)), seen)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tune", [0, 2, 8])
def test_it_exports_to_plain_operators_with_the_same_answers_for_any_number_of_rows(tune: int) -> None:
    eye = EfficientNetLite0(tune=tune, dropout=0.2).build(64, 96)
    whole = nn.Sequential(eye.fixed, eye.learnt).eval()
    with redirect_stdout(io.StringIO()):
        program = torch.onnx.export(
            whole,
            (photographs(3, 64, 96),),
            dynamic_shapes=({0: torch.export.Dim("rows")},),
            opset_version=18,
            dynamo=True,
            verify=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    assert {node.domain for node in model.graph.node} == {""}
    assert not model.functions
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for rows in (1, 3, 5):
        images = photographs(rows, 64, 96, seed=rows)
        (answers,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        assert np.abs(answers - look(eye, images).numpy()).max() < 1e-4
