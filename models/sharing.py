"""Contracts made of contracts share one confidence among their parts."""

from __future__ import annotations

from typing import TypeVar

from models.contract import Contract

Part = TypeVar("Part", bound=Contract)


def told(part: Part, confidence: float, at: str) -> Part:
    """A part with the confidence of the whole, if it has none of its own.

    Raises ValueError if it has another one.
    """
    if "confidence" in part.model_fields_set and part.confidence != confidence:
        raise ValueError(
            f"{at}.confidence: should be left to the whole, which holds with confidence {confidence:g},"
            f" got {part.confidence:g}"
        )
    return part.model_copy(update={"confidence": confidence})


def shared(parts: tuple[Part, ...], confidence: float) -> tuple[Part, ...]:
    """The parts as they are certified: all hold together with `confidence` (Bonferroni)."""
    each = 1 - (1 - confidence) / len(parts)
    return tuple(part.model_copy(update={"confidence": each}) for part in parts)
