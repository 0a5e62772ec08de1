from __future__ import annotations

import io
from contextlib import redirect_stdout

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from models.errors import BadStudy
from models.image import Image
from models.inputs import Inputs
from models.schema import Binary, Schema
from tests import simulated
from training.encoder import Eye
from training.encoders.efficientnet_lite0 import EfficientNetLite0, Signs
from training.encoders.lite0 import imagenet, lite0
from training.fit import fit
from training.model import Budget
from training.networks.linear import Linear
from training.steps import _groups


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
    [(0, (624, 2, 2)), (1, (192, 2, 2)), (2, (112, 4, 4)), (7, (32, 32, 32)), (8, (64, 64, 3))],
)
def test_what_is_kept_of_an_image_is_what_comes_before_the_stages_that_learn(tune: int, kept: tuple[int, ...]) -> None:
    eye = EfficientNetLite0(tune=tune).build(64, 64)
    images = photographs(2)
    with torch.no_grad():
        assert eye.fixed(images).shape == (2, *kept)
    assert look(eye, images).shape == (2, eye.width)


def test_an_image_is_seen_alike_at_the_start_if_the_same_maps_are_read_however_many_stages_learn() -> None:
    images, found = photographs(2), []
    for tune in (0, 4, 5, 8):
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


def test_what_starts_from_good_weights_learns_at_a_tenth_of_the_rate_and_signs_at_the_whole() -> None:
    for tune, slow in ((0, False), (1, True), (8, True)):
        schema = Schema(columns=(Binary(name="left"),), image=Image(name="image", height=32, width=32))
        network = Linear(image=EfficientNetLite0(tune=tune, signs=4))
        net = network.build(schema, np.zeros((2, 1), dtype=np.float32), {"sick": 1})
        rates = {
            id(weight): group["lr"]
            for group in _groups(net, nn.Module(), 1.0)  # type: ignore[arg-type]  # nothing learns beside it
            for weight in group["params"]  # type: ignore[attr-defined]  # a list
        }
        signs = [module for module in net.learnt.modules() if isinstance(module, Signs)]
        assert {rates[id(weight)] for sign in signs for weight in sign.parameters()} == {1.0}
        good = [] if net.eye.good is None else [each for each in net.eye.good.parameters() if each.requires_grad]
        assert {rates[id(weight)] for weight in good} == ({0.1} if slow else set())
        assert bool(good) == slow


@pytest.mark.parametrize(("tune", "channels"), [(0, 624), (1, 320), (2, 544), (3, 544), (4, 624), (8, 624)])
def test_maps_are_read_from_the_first_stage_that_learns_on(tune: int, channels: int) -> None:
    learnt = EfficientNetLite0(tune=tune).build(32, 32).learnt
    (weigh,) = (module.weigh for module in learnt.modules() if isinstance(module, Signs))
    assert weigh.in_channels == channels


def test_of_a_finer_map_the_strongest_and_the_mean_within_each_place_are_read() -> None:
    stages = lite0(imagenet())
    images = photographs(1)
    with torch.no_grad():
        found = EfficientNetLite0().build(64, 64).fixed(images)[0].numpy()
        maps, kept = (images.permute(0, 3, 1, 2).float() - 127) / 128, {}
        for number, stage in enumerate(stages):
            maps = stage(maps)
            kept[number] = maps[0].numpy()
    for down, right in np.ndindex(2, 2):
        fine = kept[3][:, 4 * down : 4 * down + 4, 4 * right : 4 * right + 4]
        middle = kept[5][:, 2 * down : 2 * down + 2, 2 * right : 2 * right + 2]
        wanted = [reduced for part in (fine, middle) for reduced in (part.max(axis=(1, 2)), part.mean(axis=(1, 2)))]
        wanted.append(kept[7][:, down, right])
        assert np.allclose(found[:, down, right], np.concatenate(wanted), atol=1e-4)


def test_sides_that_no_grid_fits_are_refused() -> None:
    with pytest.raises(BadStudy) as caught:
        EfficientNetLite0().build(512, 500)
    assert str(caught.value) == (
        "EfficientNetLite0: height and width of the image should be multiples of 32, got 512 and 500."
    )


def test_where_no_stage_learns_rows_are_shown_as_they_are() -> None:
    eye = EfficientNetLite0().build(64, 64)
    kept = eye.fixed(photographs(2))
    assert eye.vary(kept) is kept
    turned = kept.flip(2).transpose(2, 3)
    assert torch.allclose(eye.learnt(turned), eye.learnt(kept), atol=1e-5)


def test_signs_are_a_mean_over_all_places_and_one_over_the_strongest() -> None:
    random = torch.Generator().manual_seed(0)
    maps = 3 * torch.randn(3, 5, 4, 6, generator=random) + torch.arange(5.0)[:, None, None]
    signs = Signs(5, 2, places=3).train()
    with torch.no_grad():
        found = signs(maps)
    # In training channels are levelled by the batch.
    level = (maps - maps.mean(dim=(0, 2, 3), keepdim=True)) / maps.std(dim=(0, 2, 3), keepdim=True, correction=0)
    weight, bias = (part.detach().numpy() for part in signs.weigh.parameters())
    for row in range(3):
        for sign in range(2):
            sums = [level[row, :, *place].numpy() @ weight[sign, :, 0, 0] + bias[sign] for place in np.ndindex(4, 6)]
            strengths = sorted(sum_ / (1 + np.exp(-sum_)) for sum_ in sums)
            assert found[row, sign].item() == pytest.approx(np.mean(strengths), abs=1e-4)
            assert found[row, 2 + sign].item() == pytest.approx(np.mean(strengths[-3:]), abs=1e-4)


def test_an_answer_depends_on_no_other_row() -> None:
    signs, maps = Signs(5, 2, places=3), torch.randn(8, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        signs.train()(2 * maps + 1)
        together = signs.eval()(maps)
        alone = torch.cat([signs(row[None]) for row in maps])
    assert torch.allclose(together, alone, atol=1e-6)


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
# With 8 the same modules stand in the same order as with 0.
@pytest.mark.parametrize("tune", [0, 2])
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


@pytest.mark.parametrize("tune", [0, 1])
def test_photographs_are_learnt_from_with_columns_end_to_end(tune: int) -> None:
    """Sick are those with a bright spot somewhere; what is tuned moves, and what is fixed does not."""
    random = np.random.default_rng(0)
    images = random.integers(60, 120, size=(96, 64, 64, 3), dtype=np.uint8)
    sick = (np.arange(96) % 2).astype(np.float32)
    for row in np.flatnonzero(sick):
        at = random.integers(0, 52, size=2)
        images[row, at[0] : at[0] + 12, at[1] : at[1] + 12] = (250, 40, 40)
    columns = random.integers(0, 2, size=(96, 1)).astype(np.float32)
    schema = Schema(columns=(Binary(name="left"),), image=Image(name="image", height=64, width=64))
    budget = Budget(epochs=12, batch=16, learning_rate=0.01, schedule="cosine")
    network = Linear(image=EfficientNetLite0(tune=tune, signs=8, places=1))
    model = simulated.model(budget=budget).model_copy(update={"network": network})
    torch.manual_seed(0)
    net = network.build(schema, columns, {"sick": 1})
    before = {name: value.clone() for name, value in net.state_dict().items()}
    parts = [(Inputs(columns[rows], images[rows]), {"sick": sick[rows]}) for rows in (slice(0, 64), slice(64, 96))]
    fitted = fit(model, net, head="sick", training=parts[0], validation=parts[1], seed=0)
    logits = fitted.net.answers(parts[1][0], ("sick",))["sick"].numpy()
    assert roc_auc_score(sick[64:], logits) > 0.9
    moved = {name for name, value in fitted.net.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith("fixed.") for name in moved)
    assert any("stages" in name for name in moved) == bool(tune)
