from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
    asked = (contents / "env" / "python" / "requirements.txt").read_text().splitlines()
    locked = {each.name: each for each in map(Requirement, asked)}

    # Each exactly, and nothing that trains.
    assert [line for line in asked if re.fullmatch(r"[\w-]+==[\w.]+", line) is None] == []
    assert {"torch", "onnxscript", "scikit-learn"}.isdisjoint(locked)
    versions = {name: str(each.specifier).removeprefix("==") for name, each in locked.items()}
    wanted = list(map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]))
    # What is installed here in the version of the lock says what it needs in turn.
    for name, version in versions.items():
        with suppress(PackageNotFoundError):
            if metadata.version(name) == version:
                wanted += map(Requirement, metadata.requires(name) or [])
    for each in wanted:
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            version = versions.get(canonicalize_name(each.name))
            assert version is not None, f"{each}: write the lock with `make lock`."
            assert each.specifier.contains(version, prereleases=True), f"{each}: write the lock with `make lock`."


def test_what_becomes_a_container_of_a_bento_keeps_the_rules(contents: Path, home: Path, tag: str) -> None:
    file = contents / "env" / "docker" / "Dockerfile"
    program = f"""
import bentoml, pathlib
from bentoml._internal.container import construct_containerfile
with construct_containerfile(bentoml.get({tag!r})) as (_, made):
    print(pathlib.Path(made).read_text())
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd="/",
        env=offline(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    # What `bentoml containerize` hands to docker; it takes a template from within its working folder alone.
    assert told.stdout.strip() == file.read_text().strip()

    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), file], capture_output=True, text=True, check=False
    )
    assert (linted.returncode, linted.stdout) == (0, "")
    lines = [line for line in file.read_text().replace("\\\n", "").splitlines() if line and not line.startswith("#")]
    said = [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]
    assert [rest for word, rest in said if word == "ARG"] == ["BASE=python:3.11.14-slim-bookworm"]
    assert {rest.split()[0] for word, rest in said if word == "FROM"} == {"${BASE}"}
    assert [rest for word, rest in said if word == "USER"] == ["1034:1034"]
    assert [word for word, _ in said][-2:] == ["HEALTHCHECK", "ENTRYPOINT"]
    # One process from the first on, which hears signals itself.
    assert json.loads(said[-1][1])[:2] == ["bentoml", "serve"]
    assert json.loads(said[-2][1].partition("CMD")[2])[0] == "python"
    assert not any(word in file.read_text().lower() for word in ("apt-get", "password", "secret", "token", "chmod"))


@pytest.fixture
def one_folder() -> Iterator[Path]:
    """A folder of the user nobody, where nobody can reach it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        state = folder / "state"
        state.mkdir()
        os.chown(state, 65534, 65534)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can become somebody else")
def test_a_bento_serves_as_nobody_on_a_read_only_disk_with_one_folder_of_its_own(
    contents: Path, project: Path, one_folder: Path
) -> None:
    state, bento = one_folder / "state", shutil.copytree(contents, one_folder / "bento")
    variables = {**environment(state), "HOME": "/nowhere", "TMPDIR": str(state)}
    # The interpreter of this machine may lie where only root looks, so nobody may look everywhere.
    confine = f"""
        mount --make-rprivate / && mount --bind {state} {state} && mount -o remount,bind,ro /
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set -all,+dac_read_search \
            --inh-caps -all,+dac_read_search --ambient-caps -all,+dac_read_search "$@"
    """
    confined = ("unshare", "--mount", "bash", "-ec", confine, "bash")
    bundles = project / "models" / "covid"
    with (
        (one_folder / "log").open("w"),
        serving(
            str(bento), variables=variables, folder=bento, bundles=bundles, log=one_folder / "log", confined=confined
        ) as running,
    ):
        assert running.post("screen", json={"rows": handmade.rows(3)}).status_code == 200
        status = Path(f"/proc/{running.pid}/status").read_text()
        assert re.search(r"^Uid:(\t65534){4}$", status, flags=re.MULTILINE)
        mounts = [line.split() for line in Path(f"/proc/{running.pid}/mounts").read_text().splitlines()]
        assert [options.split(",")[0] for _, at, _, options, *_ in mounts if at in {"/", str(state)}] == ["ro", "rw"]
    assert "Traceback" not in (one_folder / "log").read_text()
    assert (state / "changes.sqlite").exists()


def test_the_repository_is_served_by_bentoml_serve_alone(project: Path, home: Path, tmp_path: Path) -> None:
    bundles = project / "models" / "covid"
    with serving(variables=offline(home), folder=project, bundles=bundles, log=tmp_path / "log") as running:
        reply = running.post("presurgical", json={"rows": handmade.rows(3)}).json()

    assert reply["bundle"] == running.scorer("presurgical").bundle.digest
