"""The shards of a job on a cluster of several nodes: the same bytes, whatever becomes of a node."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.errors import BadInput
from models.scorer import Scorer
from serving.batch.engines.on_ray import OnRay
from serving.batch.job import Progress, score_files
from tests.running import ROOT
from tests.serving.batch import people

pytest.importorskip("ray", reason="Ray is not installed: pip install 'fulcrum-screening[ray]'")
# Ray 2 leaves sockets and processes to the end of the process, and speaks of what it will change.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"
)
# 127.0.0.1 is written over by the address of this machine in its network.
HERE = "127.0.0.2"
FILES, ROWS = 6, 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head that does no work and two nodes of one core each."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        import ray  # noqa: PLC0415  # slow, and not always there
        from ray.cluster_utils import Cluster  # noqa: PLC0415

        # Sockets have short names: the folder of the test's own would be too long for them.
        short = Path(f"/tmp/fulcrum-ray-{os.getpid()}")
        made = Cluster()
        # Ray keeps the newest cluster's address there, and does not make the folder.
        Path("/tmp/ray").mkdir(exist_ok=True)
        try:
            for cores in (0, 1, 1):
                add(made, cores, short)
            yield made
        finally:
            ray.shutdown()
            made.shutdown()
            shutil.rmtree(short, ignore_errors=True)


def add(cluster: Any, cores: int, folder: Path) -> Any:
    """One more node; it gives up where its own helpers are slow to begin, as on a busy machine."""
    for _ in range(3):
        try:
            return cluster.add_node(
                num_cpus=cores,
                node_ip_address=HERE,
                object_store_memory=80 << 20,
                include_dashboard=False,
                include_log_monitor=False,
                no_monitor=True,
                temp_dir=str(folder),
            )
        except Exception as error:  # noqa: BLE001  # Ray raises no kind of its own
            said = str(error)
    pytest.skip(f"a node of Ray does not begin on this machine: {said}")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    for place in range(FILES):
        rows = people.cells(ROWS, seed=place, first=ROWS * place)
        people.csv_file(folder / f"{place}.csv", people.spoiled(rows) if place == 3 else rows)
    return folder


@pytest.fixture(scope="module")
def local(screen: Scorer, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("local") / "out"
    score_files(screen, source, target)
    return target


def same(target: Path, local: Path) -> None:
    found, wanted = people.tree(target.parent), people.tree(local.parent)
    assert sorted(found) == sorted(wanted)
    for name, data in wanted.items():
        assert found[name] == data.replace(str(local).encode(), str(target).encode()), name


def test_an_address_at_which_there_is_no_cluster_is_an_error(screen: Scorer, source: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        free = taken.getsockname()[1]
    said = rf"^address: should be that of a running Ray cluster, got {HERE}:{free}: Connection refused\."
    with pytest.raises(BadInput, match=said):
        score_files(screen, source, tmp_path / "out", engine=OnRay(address=f"{HERE}:{free}"))
    assert list(tmp_path.iterdir()) == []


def test_without_ray_its_extra_is_named(
    screen: Scorer, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    rule = r"should be installed for this engine \(pip install 'fulcrum-screening\[ray\]'\), got nothing"
    with pytest.raises(BadInput, match=f"^ray: {rule}"):
        score_files(screen, source, tmp_path / "out", engine=OnRay())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_scored_on_a_cluster_to_the_same_bytes(
    cluster: Any, screen: Scorer, source: Path, local: Path, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    done = score_files(screen, source, tmp_path / "out", engine=OnRay(address=cluster.address), progress=seen.append)
    same(tmp_path / "out", local)
    assert [now.tally.read for now in seen] == [ROWS * (place + 1) for place in range(FILES)]
    assert done.counts.read == ROWS * FILES
    # What is done is not done again, with whatever engine.
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("part-*")}
    (tmp_path / "out" / "part-00002.csv").unlink()
    assert score_files(screen, source, tmp_path / "out", engine=OnRay(address=cluster.address)) == done
    same(tmp_path / "out", local)
    assert sum(file.stat().st_mtime_ns != made for file, made in before.items()) == 1


def test_a_refused_row_stops_a_strict_job_by_its_name(
    cluster: Any, screen: Scorer, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as caught:
        score_files(screen, source, tmp_path / "out", engine=OnRay(address=cluster.address), strict=True)
    rule = "should be a number from 0 to 120 years, got '999'"
    assert str(caught.value).splitlines()[0] == f"{source}/3.csv: rows.2.age: {rule}."
    assert not (tmp_path / "out.manifest.json").exists()


def test_a_node_that_is_lost_in_the_middle_loses_and_doubles_nothing(
    cluster: Any, screen: Scorer, source: Path, local: Path, tmp_path: Path
) -> None:
    victim = cluster.list_all_nodes()[-1]
    seen: list[Progress] = []
    lost = threading.Event()

    def lose(now: Progress) -> None:
        seen.append(now)
        if not lost.is_set():
            lost.set()
            cluster.remove_node(victim, allow_graceful=False)

    done = score_files(screen, source, tmp_path / "out", engine=OnRay(address=cluster.address), progress=lose)
    assert lost.is_set()
    same(tmp_path / "out", local)
    assert [now.tally.read for now in seen] == [ROWS * (place + 1) for place in range(FILES)]
    assert done.counts.read == ROWS * FILES
