"""Contracts made of contracts share one confidence among their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeVar

import numpy as np
from pydantic import PlainSerializer

from models.contract import CONFIDENCE, Contract, Span
from models.curve import Curve
from models.errors import BadInput, Refusal, shown
from models.plan import Expected, Need

Part = TypeVar("Part", bound=Contract)

Written = PlainSerializer(lambda part: part.model_dump(mode="json"))


def told(parts: Mapping[str, Part], confidence: float) -> dict[str, Part]:
    """The parts, by where they stand, with the confidence of the whole, if they have none of their own.

    Raises ValueError if one has another confidence.
    """
    for place, part in parts.items():
        if "confidence" in part.model_fields_set and part.confidence != confidence:
            raise ValueError(
                f"{place}.confidence: should be left to the whole, which holds with confidence {confidence:g},"
                f" got {part.confidence:g}"
            )
    return {place: part.held_with(confidence) for place, part in parts.items()}


def shared(parts: tuple[Part, ...], confidence: float) -> tuple[Part, ...]:
    """The parts as they are certified: all hold together with `confidence` (Bonferroni)."""
    each = 1 - (1 - confidence) / len(parts)
    return tuple(part.held_with(each) for part in parts)


def part_in_words(text: str) -> dict[str, Any]:
    """The fields of a part without its confidence, which is the whole's.

    Raises BadInput if it is no contract, or names a confidence of its own.
    """
    if CONFIDENCE.fullmatch(text.strip()):
        rule = "should name one confidence, at the end, which all parts share"
        raise BadInput([Refusal("operating_point", rule, shown(text))])
    return Contract.read(text).model_dump(mode="json", exclude={"confidence"})


def in_common(spans: Sequence[Span]) -> Span | None:
    """The thresholds of all spans, with what is certified for them; None if they have none in common."""
    low, high = max(span.low for span in spans), min(span.high for span in spans)
    certificates = tuple(certificate for span in spans for certificate in span.certificates)
    tested = [span.among for span in spans if span.among is not None]
    if not tested:
        return Span(low, high, certificates) if low <= high else None
    among = reduce(np.intersect1d, tested)
    among = among[(among >= low) & (among <= high)]
    return Span(float(among[0]), float(among[-1]), certificates, among) if len(among) else None


def unmet(
    parts: Iterable[Contract], curve: Curve, *, threshold: float, clear_below: float, groups: Mapping[str, Curve] | None
) -> tuple[str, ...]:
    """What thresholds do not keep of any part."""
    return tuple(
        wrong
        for part in parts
        for wrong in part.unmet(curve, threshold=threshold, clear_below=clear_below, groups=groups)
    )


def plans(parts: Iterable[Contract], expected: Expected) -> tuple[Need, ...]:
    """What each part needs, of the same cases; nothing if no number of cases would do for one of them."""
    needs = [part.plan(expected) for part in parts]
    return tuple(need for each in needs for need in each) if all(needs) else ()
