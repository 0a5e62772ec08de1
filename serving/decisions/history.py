"""Whether the changes of the live point are what was written, and are those that decisions name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from models.errors import BadInput, Refusal
from serving.audit import verify
from serving.databases import place_of
from serving.tuning import Store

# By model and bundle, each version of the live point that a decision names, and where that stands.
Used = Mapping[tuple[str, str], Mapping[int, str]]


def verify_store(url: str, used: Used) -> tuple[int, list[Refusal]]:
    """How many changes a store holds, of all models and bundles, and what is wrong with them.

    A version that a decision names and the store does not know was cut off.

    Raises BadInput if there is no store, and what `Store` raises.
    """
    place = place_of(url)
    # To open one that is not there would make it.
    if place.drivername == "sqlite" and not Path(str(place.database)).exists():
        raise BadInput([Refusal("store", "should be a store of changes that is there", url)])
    with Store(url) as store:
        changes, problems = 0, []
        for endpoint, bundle in dict.fromkeys([*store.kept(), *used]):
            history = store.history(endpoint, bundle)
            changes += len(history)
            where = f"{endpoint} of bundle {bundle}"
            problems += [Refusal(f"{where}: {each.path}", each.rule, each.got) for each in verify(history)]
            versions = {0, *(change.version for change in history)}
            problems += [
                Refusal(place, f"should be decided at a version of {where} that the store knows", f"version {version}")
                for version, place in used.get((endpoint, bundle), {}).items()
                if version not in versions
            ]
    return changes, problems
