from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from models.errors import BadInput
from serving.batch.sources import sources

KINDS = ".csv, .csv.gz, .parquet, .arrow, .feather"
WRONG = "should end in .csv, .csv.gz, .parquet, .arrow or .feather"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder of tables, and of what is none."""
    folder = tmp_path / "people"
    for name in (
        "b.csv",
        "a.parquet",
        "C.CSV",
        "2026/may.csv.gz",
        "2026/june.feather",
        "2026/deep/x.arrow",
        "README.md",
        "notes.txt",
        ".hidden.csv",
        "_SUCCESS.csv",
        ".hidden/a.csv",
        "_shards/a.csv",
        "2026/_tmp/a.csv",
    ):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (folder / "folder.csv").mkdir()
    return folder


def found(asked: str | Path, within: Path) -> list[str]:
    return [str(place).replace(f"{within}/", "") for place in sources(str(asked))]


def refused(asked: str | Path, within: Path) -> str:
    with pytest.raises(BadInput) as caught:
        sources(str(asked))
    return str(caught.value).replace(f"{within}/", "")


def test_a_file_is_itself(people: Path) -> None:
    assert found(people / "b.csv", people) == ["b.csv"]
    # Whether it is there, whoever opens it says.
    assert found(people / "missing.csv", people) == ["missing.csv"]
    assert found(people / ".hidden.csv", people) == [".hidden.csv"]
    assert refused(people / "notes.txt", people) == f"notes.txt: {WRONG}, got .txt."


def test_a_folder_is_all_tables_in_it_by_name_without_what_is_hidden(people: Path) -> None:
    wanted = ["2026/deep/x.arrow", "2026/june.feather", "2026/may.csv.gz", "C.CSV", "a.parquet", "b.csv"]
    assert found(people, people) == wanted
    assert found(f"{people}/", people) == wanted
    # The folder itself may be called as it likes.
    assert found(people / ".hidden", people / ".hidden") == ["a.csv"]


def test_a_pattern_is_what_it_fits(people: Path) -> None:
    assert found(people / "*.csv", people) == ["_SUCCESS.csv", "b.csv"]
    assert found(people / "?.csv", people) == ["b.csv"]
    assert found(people / "[ab].*", people) == ["a.parquet", "b.csv"]
    assert found(people / "**" / "*.csv.gz", people) == ["2026/may.csv.gz"]
    assert refused(people / "*.tsv", people) == f"*.tsv: should hold tables ({KINDS}), got none."
    assert refused(people / "*.txt", people) == f"notes.txt: {WRONG}, got .txt."


def test_a_file_that_is_called_like_a_pattern_is_meant_first(people: Path) -> None:
    (people / "[ab].csv").touch()
    assert found(people / "[ab].csv", people) == ["[ab].csv"]
    (people / "20[26]").mkdir()
    (people / "20[26]" / "one.csv").touch()
    assert found(people / "20[26]", people) == ["20[26]/one.csv"]


def test_a_folder_without_a_table_is_refused(people: Path) -> None:
    (people / "empty").mkdir()
    (people / "empty" / "notes.txt").touch()
    assert refused(people / "empty", people) == f"empty: should hold tables ({KINDS}), got none."
    assert refused(people / "folder.csv", people) == f"folder.csv: should hold tables ({KINDS}), got none."


@pytest.fixture
def store() -> Iterator[None]:
    system = fsspec.filesystem("memory")
    for name in ("b.csv", "a.parquet", "deep/x.arrow", "_shards/y.csv", ".z.csv", "notes.txt"):
        system.pipe_file(f"/people/{name}", b"x")
    yield
    system.rm("/people", recursive=True)


@pytest.mark.usefixtures("store")
def test_a_store_is_asked_in_the_same_way() -> None:
    within = Path("memory://people")
    assert [str(place) for place in sources("memory://people/b.csv")] == ["memory://people/b.csv"]
    names = [place.name for place in sources("memory://people")]
    assert names == ["a.parquet", "b.csv", "x.arrow"]
    assert [place.name for place in sources("memory://people/[ab].*")] == ["a.parquet", "b.csv"]
    assert [place.size() for place in sources("memory://people")] == [1, 1, 1]
    assert refused("memory://people/*.tsv", within) == f"memory://people/*.tsv: should hold tables ({KINDS}), got none."
    assert refused("memory://people/notes.txt", within) == f"memory://people/notes.txt: {WRONG}, got .txt."
    (missing,) = sources("memory://elsewhere/b.csv")
    with pytest.raises(
        BadInput, match=r"^memory://elsewhere/b.csv: should be a file that can be read, got No such file"
    ):
        missing.open()


def test_a_store_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    assert refused("pigeon://people/b.csv", tmp_path).startswith(
        "pigeon://people/b.csv: should be a path or the address of a store whose library is installed ("
    )
