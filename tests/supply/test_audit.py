from __future__ import annotations

import json

import pytest

from supply.audit import NOT_TOLD, SOUND, VULNERABLE, judged

GOOD = {"name": "numpy", "version": "2.4", "vulns": []}
BAD = {"name": "pillow", "version": "1.0", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
SILENT = {"name": "polars", "skip_reason": "could not be audited"}


@pytest.mark.parametrize(
    ("packages", "code", "text"),
    [
        ([GOOD, GOOD], SOUND, "None of 2 packages is known to be vulnerable."),
        ([GOOD, BAD], VULNERABLE, "pillow 1.0: CVE-1, CVE-2"),
        ([GOOD, SILENT], NOT_TOLD, "Nothing was told of 1 of 2: polars."),
        ([SILENT, BAD], VULNERABLE, "pillow 1.0: CVE-1, CVE-2\nNothing was told of 1 of 2: polars."),
        ([], NOT_TOLD, "No package was asked about."),
    ],
)
def test_only_who_was_told_of_every_package_is_sure(packages: list[object], code: int, text: str) -> None:
    assert judged(json.dumps({"dependencies": packages, "fixes": []})) == (code, text)


@pytest.mark.parametrize("said", ["", "[]", "{}", "Traceback"])
def test_where_nothing_was_said_nothing_is_known(said: str) -> None:
    text = "The service of vulnerabilities could not be reached: nothing is known of any package."
    assert judged(said) == (NOT_TOLD, text)
