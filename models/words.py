"""Shares and numbers as people write them: 0.95, 95 %, 50 per 1,000, 1 in 1000."""

from __future__ import annotations

import re

NUMBER = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
AT_LEAST = r"\s*(?:>=|≥|(?:of )?at least)?\s*"
AT_MOST = r"\s*(?:<=|≤|at most)\s*"
AT_PREVALENCE = r"\s+at (?:a )?prevalence (?:of )?"


def share(name: str) -> str:
    """The pattern of a share, whose parts `share_of` reads again."""
    return rf"(?P<{name}>{NUMBER})(?:\s*(?P<{name}_percent>%|percent)|\s*(?:per|in)\s*(?P<{name}_of>{NUMBER}))?"


def share_of(match: re.Match[str], name: str) -> float:
    """The share that `share(name)` matched.

    >>> share_of(re.fullmatch(share("x"), "50 per 1,000"), "x")
    0.05
    """
    value = number_of(match, name)
    if match[f"{name}_percent"]:
        # As text: 0.2 / 100 is not the float next to 0.002.
        return float(f"{value!r}e-2") if "e" not in repr(value) else value / 100
    return value / number_of(match, f"{name}_of") if match[f"{name}_of"] else value


def number_of(match: re.Match[str], name: str) -> float:
    """A number, with or without commas between its thousands."""
    return float(match[name].replace(",", ""))
