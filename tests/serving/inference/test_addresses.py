"""The addresses of the Open Inference Protocol where something behind them is not as it should be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import numpy as np
from onnx import numpy_helper
from starlette.applications import Starlette

from models.bundle import write_bundle
from serving.endpoint import Endpoint
from serving.inference.addresses import Inference
from serving.live import Live
from serving.now import Now
from serving.settings import read
from serving.tally import TALLY
from serving.tuning import Store, StoreLost
from tests import handmade

TENSORS = [
    {"name": "age", "shape": [1], "datatype": "FP64", "data": [60]},
    {"name": "fluid", "shape": [1], "datatype": "FP64", "data": [900]},
    {"name": "new_vessels", "shape": [1], "datatype": "BOOL", "data": [False]},
    {"name": "eye", "shape": [1], "datatype": "BYTES", "data": ["left"]},
]


def asked(endpoint: Endpoint, store: Store, *, live: type[Live] = Live) -> dict[str, httpx.Response]:
    """What is answered to a request, and whether the model is ready."""
    app = Starlette(routes=Inference({"screen": endpoint}, live(store, {"screen": endpoint.scorer})).routes)

    async def ask() -> dict[str, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1/v2") as client:
            answered = {"infer": await client.post("models/screen/infer", json={"inputs": TENSORS})}
            return answered | {path: await client.get(path) for path in ("models/screen/ready", "health/ready")}

    return asyncio.run(ask())


def test_rows_are_counted_and_a_model_whose_live_point_is_not_known_is_not_ready(tmp_path: Path) -> None:
    class Lost(Live):
        async def soon(self, endpoint: str) -> Now:
            raise StoreLost(f"{endpoint}: the store is away.")

    handmade.bundle(tmp_path, "screen")
    endpoint = Endpoint.open("screen", read({"FULCRUM_BUNDLES": str(tmp_path / "handmade")}))
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        before = sum(TALLY._rows.values())
        assert {response.status_code for response in asked(endpoint, store).values()} == {200}
        assert sum(TALLY._rows.values()) == before + 1
        for response in asked(endpoint, store, live=Lost).values():
            assert (response.status_code, response.json()["error"]) == (503, "screen: the store is away.")


def test_a_model_that_answers_with_what_is_no_number_is_not_believed(tmp_path: Path) -> None:
    made, manifest = handmade.finished("screen")
    (volume,) = [tensor for tensor in made.graph.initializer if tensor.name == "volume"]
    volume.CopyFrom(numpy_helper.from_array(np.array([[0], [1e38], [0], [0]], dtype=np.float32), "volume"))
    write_bundle(tmp_path / "screen", model=made, manifest=manifest, card="# Overflowing\n")
    endpoint = Endpoint.open("screen", read({"FULCRUM_BUNDLES": str(tmp_path)}))
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        response = asked(endpoint, store)["infer"]
    words = "handmade/screen: outputs.fluid_volume: should be numbers, got one that is none."
    assert (response.status_code, response.json()["error"]) == (503, words)
