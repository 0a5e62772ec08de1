"""Why a request was not answered, as FHIR R4 has it: an OperationOutcome, in the words of the other addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from models.errors import BadBundle, FulcrumError, Unreachable
from serving.refusals import (
    NotJson,
    Refused,
    TooBusy,
    TooLarge,
    refusal,
)
from serving.tuning import StoreLost, StoreSpoiled

FHIR = "application/fhir+json"
# Source: https://hl7.org/fhir/R4/valueset-issue-type.html; a value that breaks a rule is what all others are.
CODES: Mapping[type[FulcrumError], str] = {
    NotJson: "structure",
    TooLarge: "too-long",
    TooBusy: "throttled",
    Unreachable: "business-rule",
    BadBundle: "exception",
    StoreLost: "transient",
    StoreSpoiled: "exception",
}


def refuse_in_fhir(error: FulcrumError) -> Response:
    """An error as it is answered over HTTP."""
    answer = refusal(error)
    said = Refused.model_validate_json(answer.body)
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), "value")
    issues = [_issue(code, str(each), [each.path]) for each in said.refusals] or [_issue(code, said.error, [])]
    body = msgspec.json.encode({"resourceType": "OperationOutcome", "issue": issues})
    return Response(body, answer.status, dict(answer.headers), media_type=FHIR)


def _issue(code: str, words: str, paths: list[str]) -> dict[str, Any]:
    expression = {"expression": paths} if paths else {}
    return {"severity": "error", "code": code, "diagnostics": words, **expression}
