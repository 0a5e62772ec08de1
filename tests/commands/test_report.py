from __future__ import annotations

import json
from pathlib import Path

from commands.answering import SHIPPED
from models.bundle import open_bundle
from tests.asking import DONE, UNSOUND, asked


def test_a_shipped_bundle_is_reported_as_a_page_and_as_json(here: Path) -> None:
    answer = asked("report", SHIPPED / "screen")
    assert (answer.code, answer.err) == (DONE, "")
    folder = Path("report", "covid", "screen")
    assert answer.out == f"Wrote {folder}/report.html\nWrote {folder}/report.json\n"
    digest = open_bundle(SHIPPED / "screen").digest
    assert digest in (folder / "report.html").read_text()
    told = json.loads((folder / "report.json").read_text())
    assert told["bundle"]["manifest.json"] == digest


def test_a_bundle_that_is_not_there_is_not_reported(here: Path) -> None:
    answer = asked("report", "nothing", "--out", "there")
    assert (answer.code, answer.out, answer.err) == (
        UNSOUND,
        "",
        "nothing/manifest.json: should be a readable file, got: No such file or directory.\n",
    )
    assert not Path("there").exists()


def test_a_folder_that_can_not_be_written_is_named(here: Path) -> None:
    Path("there").write_text("a file")
    answer = asked("report", SHIPPED / "screen", "--out", "there/report")
    assert answer.code == 3
    assert answer.err == "[Errno 20] Not a directory: 'there/report'\n"
