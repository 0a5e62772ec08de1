from __future__ import annotations

import hashlib
import io
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer

import training.sources
from models.errors import NoData
from models.value import Value, descendants, load_members
from training.source import Source
from training.sources import covid
from training.sources.breast import BreastBiopsies
from training.sources.clinic import Clinic
from training.sources.covid import CovidTests, cache
from training.sources.file import File, read_file
from training.sources.retina import RetinaPhotographs

load_members(training.sources)
SOURCES: list[Source] = [
    BreastBiopsies(),
    Clinic(rows=1000, seed=3),
    CovidTests(),
    File(path="a.csv", empty=("NA",)),
    RetinaPhotographs(),
]


# Every source


def test_every_source_is_tested_here() -> None:
    shipped = {kind for kind in descendants(Source) if kind.__module__.startswith("training.")}
    assert {type(source) for source in SOURCES} == shipped


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__)
def test_it_is_read_back_as_what_it_was(source: Source) -> None:
    class Read(Value):
        source: Source

    assert Read.model_validate_json(Read(source=source).model_dump_json()) == Read(source=source)


# Breast


def test_the_biopsies_are_those_of_scikit_learn_malignant_ones_by_name() -> None:
    table, data = BreastBiopsies().read(), load_breast_cancer()
    assert table.rows.shape == (569, 31)
    assert (table.rows["diagnosis"] == "malignant").sum() == 212
    assert (
        table.rows.select("mean_radius", "worst_concave_points").to_numpy().tolist() == data.data[:, [0, 27]].tolist()
    )
    assert list(table.digests) == ["scikit-learn breast_cancer"]
    assert BreastBiopsies().read().digests == table.digests


# A file of one's own


def test_a_csv_file_is_read_as_text_and_its_empty_cells_as_empty(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text('age,word\n61,yes\n"",NA\n 7 , \nNA,"a,b"\n')
    table = File(path=str(file), empty=("NA",)).read()
    assert table.rows.to_dict(as_series=False) == {"age": ["61", None, " 7 ", None], "word": ["yes", None, None, "a,b"]}
    assert table.digests == {"people.csv": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert File(path=str(file)).read().rows["word"].to_list() == ["yes", "NA", None, "a,b"]


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"age": [61, None], "day": [date(2020, 1, 1), None], "word": ["NA", "yes"], "sick": [True, None]}
    )
    rows.write_parquet(tmp_path / "people.PARQUET")
    read = read_file(tmp_path / "people.PARQUET", ("NA",))
    assert read.schema == rows.schema
    assert read["word"].to_list() == [None, "yes"]
    assert read.drop("word").equals(rows.drop("word"))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(NoData) as caught:
        File(path="nowhere/people.csv").read()
    assert str(caught.value) == "nowhere/people.csv: should be a CSV or Parquet file, got nothing there."


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.parquet", b"age\n61\n", "should be a parquet file, got: "),
        ("a.csv", b"", "should be a csv file, got: "),
        ("a.csv", b"age,sex\n1,2,3\n", "should be a csv file, got: "),
        ("a", b"", "should be a CSV file, got: "),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NoData) as caught:
        File(path=str(tmp_path / name)).read()
    assert str(caught.value).startswith(f"{tmp_path / name}: {text}")


# COVID, with a small file of the same make served over HTTP

HEAD = (
    "test_date,cough,fever,sore_throat,shortness_of_breath,head_ache,"
    "corona_result,age_60_and_above,gender,test_indication\n"
)
ROWS = """\
2020-04-01,1,0,0,0,None,positive,Yes,female,Contact with confirmed
2020-04-02,0,None,0,0,0,negative,No,male,Abroad
2020-04-02,0,1,0,0,1,other,No,male,Other
2020-04-03,0,0,1,0,0,negative,None,None,Other
2020-04-03,0,0,1,1,0,negative,None,male,Other
"""


def packed(text: str = HEAD + ROWS) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("tests.csv", text)
    return made.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """A small data set that counts as the real one, an empty cache, no setting, and no network."""
    data = packed()

    def offline(*_: Any, **__: Any) -> Any:
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(covid, "SHA256", hashlib.sha256(data).hexdigest())
    monkeypatch.delenv("FULCRUM_DATA", raising=False)
    monkeypatch.setenv("FULCRUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    return data


@contextmanager
def home(monkeypatch: pytest.MonkeyPatch, body: bytes, *, length: int | None = None) -> Iterator[list[str]]:
    """The dataset's public home on a loopback port, with the paths it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the server's name for it
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(covid, "HOME", f"http://127.0.0.1:{server.server_port}/{covid.NAME}")
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


urlopen = urllib.request.urlopen


def test_the_named_folder_is_read_and_the_protocol_of_the_paper_kept(
    small: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data" / "covid").mkdir(parents=True)
    (tmp_path / "data" / "covid" / covid.NAME).write_bytes(small)
    monkeypatch.setenv("FULCRUM_DATA", str(tmp_path / "data"))
    table = CovidTests().read()
    assert table.digests == {covid.NAME: hashlib.sha256(small).hexdigest()}
    # The one with result `other` and the one without a sex are gone.
    assert table.rows.to_dict(as_series=False) == {
        "test_date": [date(2020, 4, 1), date(2020, 4, 2), date(2020, 4, 3)],
        "cough": [1, 0, 0],
        "fever": [0, None, 0],
        "sore_throat": [0, 0, 1],
        "shortness_of_breath": [0, 0, 1],
        "head_ache": [None, 0, 0],
        "age_60_and_above": [1, 0, None],
        "sex": ["female", "male", "male"],
        "contact_with_confirmed": [1, 0, 0],
        "abroad": [0, 1, 0],
        "result": ["positive", "negative", "negative"],
    }


def test_it_is_fetched_once_and_kept(small: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with home(monkeypatch, small) as asked:
        first = CovidTests().read()
        assert CovidTests().read().rows.equals(first.rows)
    assert asked == [f"/{covid.NAME}"]
    assert [file.name for file in cache().iterdir()] == [covid.NAME]
    assert (cache() / covid.NAME).read_bytes() == small


def test_it_is_read_where_nothing_can_be_kept(small: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FULCRUM_CACHE", str(tmp_path / "file" / "cache"))
    with home(monkeypatch, small) as asked:
        assert [CovidTests().read().rows.height for _ in range(2)] == [3, 3]
    assert len(asked) == 2


def test_something_else_at_its_home_is_refused_and_not_kept(small: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    other = packed("nothing\n")
    with home(monkeypatch, other), pytest.raises(NoData) as caught:
        CovidTests().read()
    wanted, got = (hashlib.sha256(data).hexdigest() for data in (small, other))
    assert str(caught.value) == f"{covid.HOME}: should have SHA-256 {wanted}, got {got}."
    assert not cache().exists()


@pytest.mark.parametrize("spoilt", [b"", b"PK", None])
def test_a_corrupted_file_is_refused(
    small: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spoilt: bytes | None
) -> None:
    data = bytes([*small[:-1], small[-1] ^ 1]) if spoilt is None else spoilt
    (tmp_path / "covid").mkdir()
    (tmp_path / "covid" / covid.NAME).write_bytes(data)
    monkeypatch.setenv("FULCRUM_DATA", str(tmp_path))
    with pytest.raises(NoData) as caught:
        CovidTests().read()
    wanted, got = (hashlib.sha256(content).hexdigest() for content in (small, data))
    place = tmp_path / "covid" / covid.NAME
    assert str(caught.value) == f"{place}: should have SHA-256 {wanted}, got {got}."


def test_without_data_and_network_the_setting_is_named(
    small: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(NoData) as caught:
        CovidTests().read()
    rest = "nor to be fetched: <urlopen error no network here>."
    assert str(caught.value) == f"{covid.NAME}: not under FULCRUM_DATA (not set), {rest}"
    monkeypatch.setenv("FULCRUM_DATA", str(tmp_path))
    with pytest.raises(NoData) as caught:
        CovidTests().read()
    assert str(caught.value) == f"{covid.NAME}: not under FULCRUM_DATA ({tmp_path}), {rest}"


def test_a_transfer_that_breaks_off_is_no_data(small: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with home(monkeypatch, small, length=len(small) + 10), pytest.raises(NoData, match="nor to be fetched: "):
        CovidTests().read()
    assert not cache().exists()


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("FULCRUM_CACHE", raising=False)
    assert cache() == Path("/home/anna/.cache/fulcrum")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache() == Path("/var/cache/fulcrum")
    monkeypatch.setenv("FULCRUM_CACHE", "/data/fulcrum")
    assert cache() == Path("/data/fulcrum")
