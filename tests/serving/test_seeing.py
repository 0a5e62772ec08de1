"""A served model that looks at photographs: by JSON, by a form, from files and from Python it says the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from pydicom.uid import RLELossless
from tritonclient import http
from tritonclient.utils import InferenceServerException

from fulcrum.client import Client
from models.scorer import Scorer, Scores
from serving.batch.job import score_files
from tests import seeing, tensors
from tests.dicoms import PLAIN, SECRETS, dicom, wrapped
from tests.photographs import fundus, jpeg, png, real
from tests.running import ROOT, Server, environment, said, serving

MAX_BYTES, MAX_PHOTOGRAPHS = 400_000, 5
RULE = seeing.IMAGE.rule
DATA = jpeg(fundus(1))
FIELDS = {"age": "61", "eye": "left"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("seeing")
    seeing.bundle(folder, "screen")
    bundles = seeing.bundle(folder, "presurgical").folder.parent
    variables = environment(
        folder,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_MAX_BYTES=str(MAX_BYTES),
        FULCRUM_MAX_PHOTOGRAPHS=str(MAX_PHOTOGRAPHS),
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running


def in_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row of Python as JSON has it."""
    return row | {"photograph": base64.b64encode(row["photograph"]).decode()}


@pytest.mark.parametrize("binary", [True, False])
def test_photographs_come_as_files_by_the_open_inference_protocol(server: Server, *, binary: bool) -> None:
    files = [DATA, png(fundus(2)), jpeg(fundus(3))]
    rows = [{"age": age, "eye": "left", "photograph": file} for age, file in zip((61, None, 5), files, strict=True)]
    given = {
        "age": np.array([61, np.nan, 5]),
        "eye": np.array(["left"] * 3, dtype=object),
        "photograph": np.array(files if binary else [base64.b64encode(file) for file in files], dtype=object),
    }
    wanted = server.post("screen", json={"rows": [in_json(row) for row in rows]}).json()["rows"]
    with http.InferenceServerClient(tensors.address(server)) as client:
        found = client.infer("screen", tensors.inputs(given, binary=binary))
        given["photograph"][1] = b"GIF89a" if binary else base64.b64encode(b"GIF89a")
        with pytest.raises(InferenceServerException) as refused:
            client.infer("screen", tensors.inputs(given, binary=binary))
        given["photograph"] = np.zeros((3, *seeing.IMAGE.shape), dtype=np.uint8)
        with pytest.raises(
            InferenceServerException, match=r"inputs\.photograph\.datatype: should be BYTES, got 'UINT8'"
        ):
            client.infer("screen", tensors.inputs(given))

    assert found.as_numpy("probability").tolist() == [row["probability"] for row in wanted]
    assert found.as_numpy("redness").tolist() == [row["symptoms"]["redness"] for row in wanted]
    assert refused.value.message() == f"inputs.photograph.1: {RULE}, got a file of another kind."


def sent(server: Server, path: str, fields: dict[str, str], photograph: bytes | None = DATA) -> httpx.Response:
    files = {} if photograph is None else {"photograph": ("eye.jpg", photograph, "image/jpeg")}
    # Without a file httpx would send another kind of form.
    return server.post(path, data=fields, files=files or {"nothing": ("", b"")})


def refusals(response: httpx.Response) -> dict[str, str]:
    body = response.json()
    assert body["error"].splitlines()[0] == "{path}: {rule}, got {got}.".format(**body["refusals"][0])
    return {refusal["path"]: f"{refusal['rule']}, got {refusal['got']}" for refusal in body["refusals"]}


def answers(scores: Scores) -> list[tuple[float, bool, float]]:
    return list(
        zip(
            scores.probability.tolist(),
            scores.positive.tolist(),
            scores.symptoms["greenness"].tolist(),
            strict=True,
        )
    )


def answered(body: dict[str, Any]) -> list[tuple[float, bool, float]]:
    return [(row["probability"], row["positive"], row["symptoms"]["greenness"]) for row in body["rows"]]


def every_way(server: Server, folder: Path, photographs: dict[str, bytes]) -> None:
    """The same people through Python, HTTP and files: the same bits."""
    rows: list[dict[str, Any]] = [
        {"age": float(20 + place) if place % 4 else None, "eye": ("left", "right")[place % 2], "photograph": data}
        for place, data in enumerate(photographs.values())
    ]
    for name, data in photographs.items():
        (folder / name).write_bytes(data)
    paths = [row | {"photograph": name} for row, name in zip(rows, photographs, strict=True)]
    pl.DataFrame(paths).write_csv(folder / "people.csv")
    pl.DataFrame(rows).write_parquet(folder / "people.parquet")
    for model in seeing.CONTRACTS:
        scorer = server.scorer(model)
        wanted = answers(scorer.score_rows(rows))
        assert len({probability for probability, _, _ in wanted}) == len(rows)
        by_path = [row | {"photograph": folder / name} for row, name in zip(rows, photographs, strict=True)]
        assert answers(scorer.score_rows(by_path)) == wanted
        by_json = []
        for start in range(0, len(rows), MAX_PHOTOGRAPHS):
            some = [in_json(row) for row in rows[start : start + MAX_PHOTOGRAPHS]]
            by_json += answered(server.post(model, json={"rows": some}).json())
        assert by_json == wanted
        with Client(server.url) as service:
            told = getattr(service, model)(rows[:MAX_PHOTOGRAPHS]).rows
        found = [(row.probability, row.positive, row.symptoms["greenness"]) for row in told]
        assert found == wanted[:MAX_PHOTOGRAPHS]
        forms = [{name: "" if row[name] is None else str(row[name]) for name in ("age", "eye")} for row in rows]
        by_form = [
            answered(sent(server, model, form, row["photograph"]).json())[0]
            for form, row in zip(forms, rows, strict=True)
        ]
        assert by_form == wanted
        for source in ("people.csv", "people.parquet"):
            score_files(scorer, folder / source, folder / "scores.parquet", rows_per_chunk=3)
            table = pl.read_parquet(folder / "scores.parquet")
            assert table["photograph"].to_list() == [row["photograph"] for row in (paths, rows)[source != "people.csv"]]
            found = zip(table["probability"], table["positive"], table["greenness"], strict=True)
            assert list(found) == wanted


def test_a_drawn_photograph_gets_the_same_bits_on_every_way(server: Server, tmp_path: Path) -> None:
    drawn = {
        f"{place}.{ending}": kind(fundus(place, size=(480 + 16 * place, 400)))
        for place, (ending, kind) in enumerate([("jpg", jpeg), ("png", png)] * 4)
    }
    every_way(server, tmp_path, drawn)


def test_a_real_photograph_gets_the_same_bits_on_every_way(server: Server, tmp_path: Path) -> None:
    every_way(server, tmp_path, {path.name: path.read_bytes() for path in real(8)})


def test_a_dicom_file_gets_the_bits_of_its_pixels_on_every_way(server: Server, tmp_path: Path) -> None:
    pictures = [fundus(seed, size=(128, 96)) for seed in range(5)]
    pixels = [np.asarray(picture) for picture in pictures]
    files = [dicom(each, syntax=syntax) for each, syntax in zip(pixels, (*PLAIN, RLELossless), strict=False)]
    files.append(wrapped(jpeg(pictures[4]), pixels[4].shape))
    every_way(server, tmp_path, {f"{place}.dcm": data for place, data in enumerate(files)})
    plain = [png(picture) for picture in pictures[:4]] + [jpeg(pictures[4])]
    scorer = server.scorer("screen")
    seen, wanted = (
        answers(scorer.score_rows([{"age": 61, "eye": "left", "photograph": data} for data in kind]))
        for kind in (files, plain)
    )
    assert seen == wanted
    assert not any(secret in server.log.read_text() for secret in SECRETS)


def test_a_photograph_is_answered_in_fhir_as_in_json(server: Server) -> None:
    rows = [in_json({"age": 61.0, "eye": "left", "photograph": dicom(np.asarray(fundus(1, size=(128, 96))))})]
    plain = server.post("screen", json={"rows": rows}).json()["rows"][0]
    body = {"rows": rows, "subjects": [{"reference": "Patient/4711"}]}
    (entry,) = server.post("screen/fhir", json=body).json()["entry"]
    sick, greenness, redness, _ = entry["resource"]["prediction"]
    assert sick["probabilityDecimal"] / 100 == pytest.approx(plain["probability"], rel=1e-15)
    assert greenness["extension"][0]["valueQuantity"] == {"value": plain["symptoms"]["greenness"], "unit": "of 255"}
    assert redness["probabilityDecimal"] / 100 == pytest.approx(plain["symptoms"]["redness"], rel=1e-15)
    refused = server.post("screen/fhir", json=body | {"rows": [rows[0] | {"photograph": "AAAA"}]}).json()
    assert refused["issue"][0]["diagnostics"] == f"rows.0.photograph: {RULE}, got a file of another kind."


def test_a_dicom_file_that_can_not_be_read_is_named_and_whom_it_shows_is_not(server: Server) -> None:
    good = dicom(np.asarray(fundus(1, size=(128, 96))))
    several = dicom(np.asarray(fundus(1, size=(128, 96))), NumberOfFrames=4)
    rows = [in_json({"age": 1, "eye": "left", "photograph": data}) for data in (good, several, good[:-9])]
    response = server.post("screen", json={"rows": rows})
    assert response.status_code == 422
    assert refusals(response) == {
        "rows.1.photograph": f"{RULE}, got a DICOM file of several frames",
        "rows.2.photograph": f"{RULE}, got a DICOM file with 36,855 bytes of pixels in place of 36,864",
    }
    by_form = sent(server, "screen", FIELDS, several)
    assert by_form.status_code == 422
    assert refusals(by_form) == {"photograph": f"{RULE}, got a DICOM file of several frames"}
    for text in (response.text, by_form.text, server.log.read_text()):
        assert not any(secret in text for secret in SECRETS)


def test_the_answer_tells_the_symptoms(server: Server) -> None:
    body = server.post("screen", json={"rows": [in_json({"age": 61, "eye": "left", "photograph": DATA})]}).json()
    (row,) = body["rows"]
    assert set(row) == {"positive", "decision", "probability", "symptoms"}
    red, green, blue = seeing.IMAGE.array(DATA).mean(axis=(0, 1), dtype=np.float64)
    wanted = {"greenness": green, "redness": red / 255, "blueness": blue / 51}
    assert row["symptoms"] == {name: pytest.approx(value, abs=1e-3) for name, value in wanted.items()}
    assert {**sent(server, "screen", FIELDS).json(), "id": body["id"]} == body


def test_a_form_may_ask_for_its_own_point_and_prevalence(server: Server) -> None:
    row = in_json({"age": 61.0, "eye": "left", "photograph": DATA})
    for asked, words in (
        ({"operating_point": "recall >= 0.8"}, {"operating_point": "recall >= 0.8"}),
        ({"operating_point": 0.25, "prevalence": 0.1}, {"operating_point": "0.25", "prevalence": "0.1"}),
        ({"prevalence": 0.1}, {"operating_point": "", "prevalence": " 0.1 "}),
    ):
        by_json = server.post("screen", json={"rows": [row], **asked})
        assert by_json.status_code == 200
        assert said(sent(server, "screen", FIELDS | words)) == said(by_json)


def test_the_pathway_takes_one_photograph_for_both_models(server: Server) -> None:
    row = in_json({"age": 61.0, "eye": "left", "photograph": DATA})
    by_json = server.post("pathway", json={"rows": [row], "prevalence": 0.1})
    assert by_json.status_code == 200
    assert said(sent(server, "pathway", FIELDS | {"prevalence": "0.1"})) == said(by_json)
    for model in seeing.CONTRACTS:
        alone = server.post(model, json={"rows": [row], "prevalence": 0.1}).json()["rows"][0]
        assert by_json.json()["rows"][0][model] == alone


def test_every_bad_field_of_a_form_is_named(server: Server) -> None:
    bad = {"age": "old", "eyes": "left", "operating_point": "nonsense words", "prevalence": "10 %"}
    response = sent(server, "screen", bad, DATA[:2000])
    assert response.status_code == 422
    found = refusals(response)
    assert found.pop("photograph").startswith(f"{RULE}, got a damaged or truncated one (")
    assert found == {
        "eyes": "is not a field of this form (age, eye, photograph, operating_point, prevalence), got 'left'",
        "eye": "should be one of left, right, and always given, got nothing",
        "age": "should be a number from 0 to 120 years, or empty, got 'old'",
        "prevalence": "should be a share between 0 and 1, got '10 %'",
    }


@pytest.mark.parametrize("model", ["screen", "presurgical", "pathway"])
def test_a_form_without_a_photograph_is_refused(server: Server, model: str) -> None:
    response = sent(server, model, FIELDS, None)
    assert response.status_code == 422
    assert refusals(response)["photograph"] == f"{RULE}, and always given, got nothing"


def test_a_photograph_as_text_and_text_as_a_file_are_refused(server: Server) -> None:
    files = {"age": ("age.txt", b"61"), "photograph": (None, "eye.jpg")}
    response = server.post("screen", data={"eye": "left"}, files=files)
    assert response.status_code == 422
    assert refusals(response) == {
        "age": "should be a number from 0 to 120 years, or empty, sent as text, got a file",
        "photograph": f"{RULE}, sent as a file, got 'eye.jpg'",
    }


def test_a_field_that_comes_twice_is_refused(server: Server) -> None:
    files = [
        ("photograph", ("a.jpg", DATA)),
        ("photograph", ("b.jpg", DATA)),
        ("age", (None, "1")),
        ("eye", (None, "left")),
    ]
    response = server.post("screen", files=files)
    assert response.status_code == 422
    assert refusals(response) == {"photograph": "should be given once, got several of that name"}


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + end


@pytest.mark.parametrize(
    ("content_type", "content", "status", "text"),
    [
        (
            "multipart/form-data",
            b"",
            400,
            "content-type: should name the boundary of the form, got 'multipart/form-data'.",
        ),
        ("multipart/form-data; boundary=x", b"", 400, "body: should be sent whole, got a form without its end."),
        (
            "multipart/form-data; boundary=x",
            form(b'name="age"\r\n\r\n61', end=b""),
            400,
            "body: should be sent whole, got a form without its end.",
        ),
        (
            "multipart/form-data; boundary=x",
            form(b'name="eye"\r\n\r\n\xff'),
            400,
            "eye: should be text in UTF-8, got byte 0xff.",
        ),
        ("multipart/form-data; boundary=x", form(b"\r\n\r\n61"), 400, "body: should be multipart/form-data, got "),
        ("multipart/form-data; boundary=x", b"age=61&eye=left", 400, "body: should be multipart/form-data, got "),
        (
            "application/x-www-form-urlencoded",
            b"age=61&eye=left",
            415,
            "content-type: should be application/json or multipart/form-data, got application/x-www-form-urlencoded.",
        ),
        (
            "image/jpeg",
            DATA,
            415,
            "content-type: should be application/json or multipart/form-data, got image/jpeg.",
        ),
        (
            "multipart/form-data; boundary=x",
            bytes(MAX_BYTES + 1),
            413,
            f"body: should hold at most {MAX_BYTES} bytes, got more.",
        ),
        ("application/json", bytes(MAX_BYTES + 1), 413, f"body: should hold at most {MAX_BYTES} bytes, got more."),
    ],
)
def test_what_is_no_form_is_refused(server: Server, content_type: str, content: bytes, status: int, text: str) -> None:
    for path in ("screen", "pathway"):
        response = server.post(path, content=content, headers={"content-type": content_type})
        assert response.status_code == status
        assert response.json()["error"].startswith(text)


def test_more_photographs_than_a_request_may_hold_are_refused_however_small(server: Server) -> None:
    small = in_json({"age": 1, "eye": "left", "photograph": png(fundus(1, size=(64, 64)))})
    for path in ("screen", "pathway"):
        assert server.post(path, json={"rows": [small] * MAX_PHOTOGRAPHS}).status_code == 200
        response = server.post(path, json={"rows": [small] * (MAX_PHOTOGRAPHS + 1)})
        assert response.status_code == 413
        assert response.json()["error"] == "rows: should hold at most 5 rows, got 6 rows."


def test_a_bad_photograph_in_json_is_named_by_its_path(server: Server) -> None:
    good = in_json({"age": 1, "eye": "left", "photograph": DATA})
    rows = [good, good | {"photograph": "/etc/passwd"}, good | {"photograph": None}, good | {"photograph": ""}]
    response = server.post("screen", json={"rows": rows})
    assert response.status_code == 422
    assert refusals(response) == {
        "rows.1.photograph": f"{RULE}, got '/etc/passwd', which is no base64",
        "rows.2.photograph": f"{RULE}, got None",
        "rows.3.photograph": f"{RULE}, got an empty file",
    }


def test_nothing_of_a_refused_photograph_is_logged(server: Server) -> None:
    text = base64.b64encode(DATA[:3000]).decode()
    server.post("screen", json={"rows": [{"age": 1, "eye": "left", "photograph": text}]})
    assert text[:40] not in server.log.read_text()


def test_many_callers_at_once_get_their_own_answers(server: Server) -> None:
    photographs = [jpeg(fundus(seed, size=(900, 700))) for seed in range(6)]
    wanted = [said(sent(server, "screen", FIELDS, data)) for data in photographs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda data: said(sent(server, "screen", FIELDS, data)), photographs * 5))
    assert found == wanted * 5


def test_the_page_of_the_api_shows_json_and_the_form(server: Server) -> None:
    document = server.get("docs.json").json()
    for path, settings in (("/screen", ["operating_point", "prevalence"]), ("/pathway", ["prevalence"])):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        assert set(content) == {"application/json", "multipart/form-data"}
        shown = content["multipart/form-data"]
        assert list(shown["schema"]["properties"]) == ["age", "eye", "photograph", *settings]
        assert shown["schema"]["required"] == ["age", "eye", "photograph"]
        assert shown["schema"]["properties"]["photograph"] == {
            "type": "string",
            "format": "binary",
            "description": f"photograph of the back of the eye; {RULE}.",
        }
        assert shown["encoding"] == {"photograph": {"contentType": "image/jpeg, image/png, application/dicom"}}
    row = json.dumps(document["components"]["schemas"])
    assert '"contentEncoding": "base64"' in row


def test_a_file_s_bad_photographs_are_refused_row_by_row(server: Server, tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(DATA)
    (tmp_path / "cut.jpg").write_bytes(DATA[:2000])
    cells = ["good.jpg", "no.jpg", "cut.jpg", "", "good.jpg"]
    table = pl.DataFrame({"id": range(5), "age": [1.0, 2.0, 3.0, 4.0, 500.0], "eye": ["left"] * 5, "photograph": cells})
    table.write_csv(tmp_path / "people.csv")
    summary = score_files(server.scorer("screen"), tmp_path / "people.csv", tmp_path / "scores.csv")
    assert (summary.counts.read, summary.counts.refused) == (5, 4)
    assert pl.read_csv(tmp_path / "scores.csv")["id"].to_list() == [0]
    refused = pl.read_csv(tmp_path / "scores.csv.refused")
    assert refused["path"].to_list() == ["rows.1.photograph", "rows.2.photograph", "rows.3.photograph", "rows.4.age"]
    assert refused["rule"].to_list()[:3] == [RULE] * 3


def test_a_long_file_of_photographs_is_read_some_at_a_time(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(fundus(2, size=(64, 64))))
    table = pl.DataFrame({"age": [1.0] * 300, "eye": ["left"] * 300, "photograph": ["a.jpg"] * 300})
    table.write_csv(tmp_path / "people.csv")
    seen: list[int] = []
    real_score = Scorer.score

    def counted(self: Scorer, rows: Any, **settings: Any) -> Scores:
        seen.append(len(rows))
        return real_score(self, rows, **settings)

    monkeypatch.setattr(Scorer, "score", counted)
    score_files(server.scorer("screen"), tmp_path / "people.csv", tmp_path / "scores.csv")
    assert sum(seen) == 300
    assert max(seen) == 16
