"""What a job is given -> the files it reads: one, those of a folder, those of a pattern, here or in a store."""

from __future__ import annotations

import glob
from pathlib import Path

from models.errors import BadInput, Refusal
from serving.batch.formats.known import ENDINGS, format_of
from serving.batch.place import Place


def sources(asked: str) -> tuple[Place, ...]:
    """The files of an address, in the order of their names.

    Of a folder these are the tables in it and in the folders within, without what begins with `.` or `_`. A pattern
    holds `*`, `?` or `[`; a file that is called like that is meant first.

    Raises BadInput if there is none, or one that is no table.
    """
    place = Place(asked)
    found = _here(place) if place.local is not None else _elsewhere(place)
    if found is None:
        format_of(place)
        return (place,)
    if not found:
        rule = f"should hold tables ({', '.join(ENDINGS)})"
        raise BadInput([Refusal(asked, rule, "none")])
    for each in found:
        format_of(each)
    return tuple(sorted(found, key=str))


def _here(place: Place) -> list[Place] | None:
    path = place.local
    assert path is not None
    if path.is_dir():
        return [Place(str(file)) for file in path.rglob("*") if file.is_file() and _meant(file.relative_to(path).parts)]
    if path.exists() or not glob.has_magic(str(path)):
        return None
    return [Place(found) for found in glob.glob(str(path), recursive=True) if Path(found).is_file()]  # noqa: PTH207  # of any root


def _elsewhere(place: Place) -> list[Place] | None:
    system, path = place.store
    try:
        if glob.has_magic(path):
            return [Place(system.unstrip_protocol(found)) for found in system.glob(path) if system.isfile(found)]
        if not system.isdir(path):
            return None
        within = [(found, found.removeprefix(path).strip("/").split("/")) for found in system.find(path)]
        return [Place(system.unstrip_protocol(found)) for found, parts in within if _meant(parts)]
    except OSError as error:
        raise BadInput([Refusal(str(place), "should be a store that can be read", str(error))]) from None


def _meant(parts: tuple[str, ...] | list[str]) -> bool:
    return not any(part.startswith((".", "_")) for part in parts) and parts[-1].lower().endswith(ENDINGS)
