"""Whether the history of the live operating point is what was written."""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import Refusal, shown
from serving.change import NOTHING, Change, version_of


def verify(changes: Sequence[Change], *, after: Change | None = None) -> list[Refusal]:
    """What is wrong with the changes of one endpoint and bundle, oldest first; nothing if they are what was written.

    They follow `after`, whose own fields are not looked at; without it they are all there are.

    Each hash covers all fields of its change and the hash before it. So any field that was altered, and any change
    that was taken out, put in or moved is found and named by its place (`changes.0` is the oldest). Two things the
    chain alone cannot know: whether its newest changes were cut off, and whether somebody wrote the whole of it
    anew, hashes included. Against both, keep the version and the hash of the newest one elsewhere too.

    Source: Haber & Stornetta, "How to Time-Stamp a Digital Document", Journal of Cryptology 3, 1991.
    """
    problems: list[Refusal] = []
    pairs = zip([after, *changes], changes, strict=False)
    for place, (before, change) in enumerate(pairs, start=version_of(after)):
        should: dict[str, object] = {
            "endpoint": changes[0].endpoint,
            "bundle": changes[0].bundle,
            "version": version_of(before) + 1,
            "previous": before.hash if before else NOTHING,
            "hash": change.sealed(),
        }
        for field, value in should.items():
            if (got := getattr(change, field)) != value:
                problems.append(Refusal(f"changes.{place}.{field}", f"should be {value}", shown(got)))
    return problems
