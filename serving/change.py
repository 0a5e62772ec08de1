"""One change of the live operating point, sealed by a hash that also covers the change before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self

from pydantic import Field, JsonValue, ValidationError

from models.errors import BadInput, Refusal, shown
from models.value import Value

# What the first change follows.
NOTHING = "0" * 64
# What a person writes, and at most how many characters of it.
WRITTEN = {"by": 200, "reason": 2000}


class Change(Value):
    """One change of the live operating point of one endpoint and bundle.

    Anything that was once kept has this form, be it sound or not; `make` makes a sound one.
    """

    endpoint: str = Field(description="what uses it, e.g. `screen`")
    bundle: str = Field(description="SHA-256 of the bundle it was made for")
    version: int = Field(description="1, 2, ...; version 0 is the bundle as released, and no change")
    setting: Mapping[str, JsonValue] = Field(description="what was asked for")
    outcome: Mapping[str, JsonValue] = Field(description="what that meant: thresholds, prevalence, in words")
    by: str = Field(description="who turned it")
    at: str = Field(description="when, in UTC: ISO 8601 with microseconds")
    reason: str = Field(description="why")
    previous: str = Field(description="hash of the change before; 64 zeros for the first")
    hash: str = Field(description="SHA-256 over the canonical JSON of all other fields")

    @classmethod
    def make(
        cls,
        endpoint: str,
        bundle: str,
        *,
        after: Change | None,
        setting: Mapping[str, JsonValue],
        outcome: Mapping[str, JsonValue],
        by: str,
        reason: str,
    ) -> Self:
        """The change that follows `after` (None as released), made now, with its hash.

        Raises BadInput naming each field that cannot be kept.
        """
        refusals = [
            Refusal(name, f"should be 1 to {WRITTEN[name]} characters of text", shown(text))
            for name, text in (("by", by), ("reason", reason))
            if not _is_text(text, WRITTEN[name])
        ]
        try:
            change = cls(
                endpoint=endpoint,
                bundle=bundle,
                version=version_of(after) + 1,
                setting=setting,
                outcome=outcome,
                by=by,
                at=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
                reason=reason,
                previous=after.hash if after else NOTHING,
                hash="",
            )
        except ValidationError as error:
            raise BadInput([*refusals, *broken(error)]) from None
        if refusals:
            raise BadInput(refusals)
        return change.model_copy(update={"hash": change.sealed()})

    def sealed(self) -> str:
        """The hash that the other fields should have."""
        return hashlib.sha256(canonical(self.model_dump(exclude={"hash"})).encode()).hexdigest()


def version_of(change: Change | None) -> int:
    """The version of a change; 0 as released."""
    return change.version if change else 0


def canonical(value: JsonValue) -> str:
    r"""JSON of one spelling: sorted keys, no spaces, ASCII, the shortest digits that give the same double.

    >>> canonical({"b": 0.1, "a": [1, "é"]})
    '{"a":[1,"\\u00e9"],"b":0.1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def broken(error: ValidationError) -> list[Refusal]:
    """What does not have the form of a change."""
    return [
        Refusal(".".join(map(str, detail["loc"])), detail["msg"], shown(detail["input"])) for detail in error.errors()
    ]


def _is_text(text: str, longest: int) -> bool:
    # PostgreSQL keeps no NUL, and one half of a surrogate pair is no Unicode.
    kept = not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)
    return kept and bool(text.strip()) and len(text) <= longest
