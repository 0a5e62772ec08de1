from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from models.scorer import Scorer
from tests import handmade
from tests.running import ROOT, Server, environment, serving

NAMES = ("bentofile.yaml", "commands", "fulcrum", "pyproject.toml", "models", "serving", "training", "tests")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it lies in the repository, with hand-made bundles in the place of the shipped ones."""
    folder = tmp_path_factory.mktemp("project")
    for name in NAMES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "covid"))
        else:
            shutil.copy(source, folder / name)
    for model in ("screen", "presurgical"):
        handmade.bundle(folder / "models", model)
    (folder / "models" / "handmade").rename(folder / "models" / "covid")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bentoml")


def offline(home: Path) -> dict[str, str]:
    """No way out: a tool that asks the network for anything fails, and nothing is measured in the copy."""
    dead = "http://127.0.0.1:9"
    kept = {name: value for name, value in environment(home).items() if not name.startswith("COVERAGE_")}
    return {**kept, "HTTPS_PROXY": dead, "HTTP_PROXY": dead, "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}


@pytest.fixture(scope="module")
def tag(project: Path, home: Path) -> str:
    built = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--output", "tag"],
        cwd=project,
        env=offline(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return built.stdout.strip().removeprefix("__tag__:")


@pytest.fixture(scope="module")
def contents(home: Path, tag: str) -> Path:
    return home.joinpath("bentos", *tag.split(":"))


@pytest.fixture(scope="module")
def bento(tag: str, home: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("elsewhere")
    bundles = project / "models" / "covid"
    with serving(tag, variables=offline(home), folder=folder, bundles=bundles, log=folder / "log") as running:
        yield running


@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_a_bento_built_offline_serves_the_bundles_it_holds(bento: Server, model: str) -> None:
    scorer: Scorer = bento.scorer(model)
    rows = handmade.rows(50)

    reply = bento.post(model, json={"rows": rows}).json()

    assert reply["bundle"] == scorer.bundle.digest
    assert [row["probability"] for row in reply["rows"]] == scorer.score_rows(rows).probability.astype(float).tolist()


def test_a_bento_refuses_as_the_service_does(bento: Server) -> None:
    response = bento.post("screen", json={"rows": [{**handmade.rows(1)[0], "age": 121}]})

    assert response.status_code == 422
    assert response.json()["error"] == "rows.0.age: should be a number from 0 to 120 years, got 121."


def test_a_bento_holds_what_serves_and_nothing_else(contents: Path, project: Path) -> None:
    held = {str(file.relative_to(contents / "src")) for file in (contents / "src").rglob("*") if file.is_file()}

    assert {file.partition("/")[0] for file in held} == {
        "bentofile.yaml",
        "commands",
        "fulcrum",
        "models",
        "pyproject.toml",
        "serving",
    }
    assert {file for file in held if file.startswith("models/covid/")} == {
        f"models/covid/{model}/{file}"
        for model in ("screen", "presurgical")
        for file in ("CARD.md", "manifest.json", "model.onnx")
    }
    for package in ("commands", "fulcrum", "models", "serving"):
        modules = {str(file.relative_to(project)) for file in (project / package).rglob("*.py")}
        assert modules <= held


def test_a_bento_asks_for_the_packages_of_the_project(contents: Path) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["python"]["packages"]
    asked = (contents / "env" / "python" / "requirements.txt").read_text().splitlines()

    assert named == wanted
    assert set(map(Requirement, wanted)) <= {Requirement(line) for line in asked if not line.startswith(("#", "-"))}


def test_the_repository_is_served_by_bentoml_serve_alone(project: Path, home: Path, tmp_path: Path) -> None:
    bundles = project / "models" / "covid"
    with serving(variables=offline(home), folder=project, bundles=bundles, log=tmp_path / "log") as running:
        reply = running.post("presurgical", json={"rows": handmade.rows(3)}).json()

    assert reply["bundle"] == running.scorer("presurgical").bundle.digest
