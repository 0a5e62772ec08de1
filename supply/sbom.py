"""`make sbom`: what the service is made of, packages and models, as CycloneDX: out/sbom.cdx.json."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from models.bundle import GRAPH, Bundle, open_bundle
from supply.lock import LOCK, ROOT, locked

VERSION = SchemaVersion.V1_6
OUT = ROOT / "out" / "sbom.cdx.json"
SHIPPED = tuple(ROOT / "models" / "covid" / name for name in ("screen", "presurgical"))


class OtherVersions(Exception):
    """Install what the lock says, or write the lock anew: what is told of a package is read where it is installed."""


def made(told: Mapping[str, Any], lock: Mapping[str, str], bundles: Iterable[Bundle]) -> dict[str, Any]:
    """The document of these packages, of all those that are `told` of, and of these models.

    Raises OtherVersions naming what is not installed here in the version of the lock.
    """
    packages: dict[str, Any] = {canonicalize_name(each["name"]): each for each in told["components"]}
    other = [f"{name}=={version}" for name, version in lock.items() if packages.get(name, {}).get("version") != version]
    if other:
        raise OtherVersions(f"{LOCK.name}: should be installed here as it stands, got others for {', '.join(other)}.")
    models = [_model(bundle) for bundle in bundles]
    kept = [packages[name] for name in sorted(lock)]
    root = told["metadata"]["component"]["bom-ref"]
    known = {root, *(each["bom-ref"] for each in kept)}
    needs = [
        {**each, "dependsOn": [need for need in each.get("dependsOn", []) if need in known]}
        for each in told["dependencies"]
        if each["ref"] in known
    ]
    for each in needs:
        if each["ref"] == root:
            each["dependsOn"] += [model["bom-ref"] for model in models]
    needs += [{"ref": model["bom-ref"]} for model in models]
    return {**told, "components": [*kept, *models], "dependencies": needs}


def environment() -> dict[str, Any]:
    """Everything that is installed here, as cyclonedx-py tells it."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml")]
    # What is made of this is validated, and holds far less.
    command += [
        "--spec-version",
        VERSION.to_version(),
        "--output-reproducible",
        "--no-validate",
        "--output-format",
        "JSON",
        sys.executable,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _model(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{bundle.name}@{bundle.digest}",
        "name": bundle.name,
        "version": bundle.digest,
        "description": manifest.purpose,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(bundle.graph).hexdigest()}],
        "properties": [{"name": "fulcrum:hashed", "value": GRAPH}],
    }


def main() -> None:
    OUT.parent.mkdir(exist_ok=True)
    document = made(environment(), locked(LOCK.read_text()), [open_bundle(folder) for folder in SHIPPED])
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    wrong = JsonStrictValidator(VERSION).validate_str(text)
    if wrong:
        raise ValueError(f"{OUT.name}: should be CycloneDX {VERSION.to_version()}, got {wrong}")
    OUT.write_text(text)
    sys.stdout.write(f"Wrote {OUT.relative_to(ROOT)}: {len(document['components'])} packages and models.\n")


if __name__ == "__main__":
    main()
