"""Shares and numbers as people write them: 0.95, 95 %, 50 per 1,000, 1 in 1000."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.errors import BadInput, Refusal, shown

# A comma stands between thousands and nowhere else: 1,5 is not read as 15.
NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:e[+-]?\d{1,3})?"
AT_LEAST = r"\s*(?:>=|≥|(?:of )?at least)?\s*"
AT_MOST = r"\s*(?:<=|≤|at most)\s*"
AT_PREVALENCE = r",?\s+at (?:a )?prevalence (?:of )?"
# A name in double quotes may hold anything; within them, quotes are doubled.
QUOTED = r'"(?:[^"]|"")+"'
TROUBLE = re.compile(r'[",;]|^\s|\s$|\b(?:and|then|with|at|rule)\b', re.IGNORECASE)


def share(name: str) -> str:
    """The pattern of a share, whose parts `share_of` reads again."""
    return rf"(?P<{name}>{NUMBER})(?:\s*(?P<{name}_percent>%|percent)|\s*(?:per|in)\s*(?P<{name}_of>{NUMBER}))?"


def share_of(match: re.Match[str], name: str) -> float:
    """The share that `share(name)` matched.

    Raises BadInput if it is one of nothing.

    >>> share_of(re.fullmatch(share("x"), "50 per 1,000"), "x")
    0.05
    """
    if match[f"{name}_percent"]:
        # As text: 0.2 / 100 is not the float next to 0.002.
        digits, _, power = match[name].replace(",", "").lower().partition("e")
        return float(f"{digits}e{int(power or 0) - 2}")
    value = number_of(match, name)
    if not match[f"{name}_of"]:
        return value
    whole = number_of(match, f"{name}_of")
    if not whole:
        raise BadInput([Refusal("operating_point", "should be a share of some people", shown(match[0]))])
    return value / whole


def number_of(match: re.Match[str], name: str) -> float:
    """A number, with or without commas between its thousands."""
    return float(match[name].replace(",", ""))


def listed(names: Sequence[str]) -> str:
    """Names as a list that `names_of` reads again.

    >>> print(listed(["sex", "age=65 and more"]))
    sex, "age=65 and more"
    """
    return ", ".join('"{}"'.format(name.replace('"', '""')) if TROUBLE.search(name) else name for name in names)


def names_of(text: str) -> tuple[str, ...]:
    """The names in a list."""
    found = re.findall(rf'({QUOTED})|([^",\s](?:[^",]*[^",\s])?)', text)
    return tuple(quoted[1:-1].replace('""', '"') if quoted else plain for quoted, plain in found)


def parts_of(text: str) -> list[str]:
    """What stands between the "and"s of a text, leaving alone what is in double quotes.

    >>> parts_of('recall >= 0.9 in every "age=65 and more" and specificity >= 0.5')
    ['recall >= 0.9 in every "age=65 and more"', 'specificity >= 0.5']
    """
    return re.split(r' and (?=(?:[^"]*"[^"]*")*[^"]*$)', text)
