"""The lock of the service: each package that its container holds, in exactly one version."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "serving" / "container" / "requirements.txt"


def locked(text: str) -> dict[str, str]:
    """Name and version of each package of a lock.

    >>> locked("jinja2==3.1.6")
    {'jinja2': '3.1.6'}
    """
    wanted = [Requirement(line) for line in text.splitlines()]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in wanted}
