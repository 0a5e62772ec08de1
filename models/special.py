"""`scipy.special`, loaded when it is first asked for: a tenth of the start of a service, which may not need it."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from scipy import special  # noqa: PLC0415  # that is the point

    return getattr(special, name)
