from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.validation.json import JsonStrictValidator

from models.bundle import open_bundle
from supply import sbom
from supply.lock import LOCK, locked
from tests import handmade

# As they are installed here, whatever the lock of today says.
INSTALLED = {name: metadata.version(name) for name in locked(LOCK.read_text())}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return sbom.environment()


def test_every_package_and_model_of_the_service_is_named(told: dict[str, Any], tmp_path: Path) -> None:
    bundle = open_bundle(handmade.bundle(tmp_path, "screen").folder)
    made = sbom.made(told, INSTALLED, [bundle])
    *packages, model = made["components"]
    assert {each["name"].lower().replace("_", "-"): each["version"] for each in packages} == INSTALLED
    assert model["type"] == "machine-learning-model"
    assert (model["name"], model["version"]) == ("handmade/screen", bundle.digest)
    content = hashlib.sha256((bundle.folder / "model.onnx").read_bytes()).hexdigest()
    assert model["hashes"] == [{"alg": "SHA-256", "content": content}]
    # What needs what is told too: of packages that are there, and of the model by the service.
    needs = {each["ref"]: each.get("dependsOn", []) for each in made["dependencies"]}
    known = {made["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in made["components"])}
    assert set(needs) == known
    assert {need for those in needs.values() for need in those} <= known
    assert model["bom-ref"] in needs[made["metadata"]["component"]["bom-ref"]]
    assert any(ref.startswith("numpy") for ref in needs[next(ref for ref in needs if ref.startswith("onnxruntime"))])


def test_the_document_is_what_the_standard_wants(told: dict[str, Any], tmp_path: Path) -> None:
    # A few packages, since the schema takes a fifth of a second for each.
    few = {name: INSTALLED[name] for name in ("numpy", "onnxruntime", "certifi")}
    made = sbom.made(told, few, [handmade.bundle(tmp_path, "screen")])
    validator = JsonStrictValidator(sbom.VERSION)
    assert validator.validate_str(json.dumps(made)) is None
    made["components"][-1]["type"] = "a model"
    assert validator.validate_str(json.dumps(made)) is not None


def test_a_package_that_is_not_installed_as_the_lock_says_is_named(told: dict[str, Any]) -> None:
    with pytest.raises(sbom.OtherVersions) as caught:
        sbom.made(told, {**INSTALLED, "numpy": "1.0", "moon": "2"}, [])
    assert str(caught.value) == (
        "requirements.txt: should be installed here as it stands, got others for numpy==1.0, moon==2."
    )
