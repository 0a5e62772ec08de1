"""What is read and what is written lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.errors import BadInput, Refusal
from serving.batch.layout import Layout
from serving.batch.place import Place


def check_apart(asked: str, places: Sequence[Place], layout: Layout) -> None:
    """No file is written over one that is read, among those that are read, or where there is a folder.

    Raises BadInput naming the file.
    """
    written = [place.local for place in map(Place, (layout.target, layout.refused, layout.manifest)) if place.local]
    for path in written:
        folder = layout.folder and str(path) == layout.target
        if path.exists() and path.is_dir() is not folder:
            wanted, got = ("a folder", "a file") if folder else ("a file", "a folder")
            raise BadInput([Refusal(str(path), f"should be the name of {wanted}", got)])
    for source in [place.local for place in places if place.local]:
        _check_source(source, written)
    if _within(layout.target, asked):
        # The same command would read what it has written before.
        raise BadInput([Refusal(layout.target, "should lie outside the folder that is read", asked)])


def _check_source(source: Path, written: Sequence[Path]) -> None:
    if not source.exists():
        return
    for path in written:
        if path.is_file() and source.samefile(path):
            rule = "should be another file than those that are written"
            raise BadInput([Refusal(str(source), rule, str(path))])
        if path.is_dir() and source.resolve().is_relative_to(path.resolve()):
            raise BadInput([Refusal(str(source), "should lie outside the folder that is written", str(path))])


def _within(target: str, asked: str) -> bool:
    """Whether a target lies in a folder that is read."""
    here, there = Place(target).local, Place(asked).local
    if here is not None and there is not None:
        return there.is_dir() and here.resolve().is_relative_to(there.resolve())
    return here is there is None and target.startswith(f"{asked.rstrip('/')}/")
