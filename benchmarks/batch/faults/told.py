"""What was found, as a part of the page."""

from __future__ import annotations

from typing import Any

from benchmarks import section


def part(found: dict[str, Any]) -> list[str]:
    """The paragraphs of what a run of `python -m benchmarks.batch.faults` has kept; none of nothing."""
    if not found:
        return []
    text = (
        f"Each time a process of `fulcrum score` with {found['rows']:,} rows in 8 files, one in a thousand of them bad. What"
        " is there in the end is compared byte by byte, the answers, the refusals and the manifest, with what a job leaves that"
        " nothing befell; before that, whoever looks must find whole files only, and afterwards nothing may be left over."
    )
    return ["## When something breaks", text, harm(found["found"])]


def harm(found: list[dict[str, Any]]) -> str:
    """A table of faults, and how many things were wrong."""
    head = ["what broke", "times", "what came of it", "amiss"]
    lines = [[each["name"], f"{each['tried']}", each["told"], f"{len(each['amiss'])}"] for each in found]
    return section.table(head, lines)


def amiss(*found: list[dict[str, Any]]) -> int:
    """How many things were wrong, with all faults together."""
    return sum(len(each["amiss"]) for some in found for each in some)
