"""What terms are compared with, and what a network sees, from the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.errors import BadInput, BadStudy
from models.inputs import Inputs
from models.table import encode_table
from training.cases import Labels
from training.data import Data
from training.model import Model
from training.reference import Reference, Teach
from training.study import Study

LEARNT_FROM = ("training", "validation")


def labels(study: Study, table: pl.DataFrame) -> dict[str, NDArray[np.float32]]:
    """What each head is compared with, float32 [rows], NaN where a symptom is not known.

    Raises BadStudy if a column is missing, an outcome is empty, all are of one kind, or a symptom is none.
    """
    wanted = {study.outcome.column, *(symptom.column for symptom in study.symptoms)}
    if missing := sorted(wanted - set(table.columns)):
        raise BadStudy(f"{study.name}: {missing[0]} should be a column of the table ({', '.join(table.columns)}).")
    outcome = table[study.outcome.column].cast(pl.String)
    if outcome.null_count():
        raise BadStudy(
            f"outcome.column: {outcome.name} should be known in every row, got {outcome.null_count()} empty."
        )
    found = {study.outcome.name: (outcome == study.outcome.positive).to_numpy().astype(np.float32)}
    positives = int(found[study.outcome.name].sum())
    if positives in {0, table.height}:
        kinds = ", ".join(sorted(outcome.unique().to_list())[:10])
        raise BadStudy(
            f"outcome.positive: {study.outcome.positive} should be one of several cells of {outcome.name}, got {kinds}."
        )
    for symptom in study.symptoms:
        numbers = table[symptom.column].cast(pl.Float32, strict=False)
        if numbers.null_count() > table[symptom.column].null_count():
            raise BadStudy(f"symptoms.{symptom.name}: {symptom.column} should hold numbers.")
        label = numbers.fill_null(float("nan")).to_numpy()
        known = label[~np.isnan(label)]
        if rule := symptom.answer.refused(known):
            raise BadStudy(f"symptoms.{symptom.name}: {symptom.column} {rule}, got {known.min():g} to {known.max():g}.")
        found[symptom.name] = label
    return found


def inputs(study: Study, table: pl.DataFrame, folder: Path | None = None) -> Inputs:
    """The study's columns, float32 [rows, columns], and its photographs, whose paths are relative to `folder`.

    Raises BadInput if any row breaks the schema: none is dropped silently.
    """
    encoded = encode_table(study.columns, table, folder=folder)
    if encoded.refused:
        raise BadInput(encoded.refused)
    return Inputs(encoded.values, encoded.image)


def compared(study: Study, model: Model, parts: Mapping[str, Data], teach: Teach) -> dict[str, Labels]:
    """All that a model's terms are compared with, for the training and the validation part by name.

    Heads' labels, columns of the table (text stands for classes, numbered in the order of the alphabet; a class that
    training does not know is unknown), and what other models say, who are taught by `teach`.

    Raises BadStudy if a term is compared with what is not there.
    """
    found: dict[str, dict[str | Reference, NDArray[np.float32]]] = {
        name: {head: label for head, label in parts[name].labels.items()}  # noqa: C416  # of wider keys
        for name in LEARNT_FROM
    }
    taps = (*model.network.tap_names(), *study.heads)
    for place, term in enumerate(model.terms):
        other, at = term.against, f"models.{model.name}.terms.{place}.against"
        if other is None or other in found["training"]:
            continue
        if isinstance(other, Reference):
            for name, answers in other.answers(parts, teach).items():
                found[name][other] = answers
        elif other not in taps:
            for name, column in _column(other, at, study, parts).items():
                found[name][other] = column
    _check(model, found["training"])
    return dict(found)


def _column(name: str, at: str, study: Study, parts: Mapping[str, Data]) -> dict[str, NDArray[np.float32]]:
    there = parts["training"].table.columns
    if name not in there:
        known = ", ".join(dict.fromkeys((*study.heads, *there)))
        raise BadStudy(f"{at}: should be a head, a tap or a column of the table ({known}), got {name}.")
    cells = {part: parts[part].table[name] for part in LEARNT_FROM}
    numbers = {part: column.cast(pl.Float32, strict=False) for part, column in cells.items()}
    if any(numbers[part].null_count() > cells[part].null_count() for part in LEARNT_FROM):
        kinds = sorted(cells["training"].cast(pl.String).drop_nulls().unique().to_list())
        places = {kind: float(place) for place, kind in enumerate(kinds)}
        numbers = {
            part: column.cast(pl.String).replace_strict(places, default=None, return_dtype=pl.Float32)
            for part, column in cells.items()
        }
    # Numbers that are whole come as a view that must not be written to, which torch would share.
    return {part: column.fill_null(float("nan")).to_numpy(writable=True) for part, column in numbers.items()}


def _check(model: Model, found: Labels) -> None:
    """Labels are what the losses that see them can be compared with."""
    for place, term in enumerate(model.terms):
        if term.against is None or term.against not in found:
            continue
        label, at = found[term.against], f"models.{model.name}.terms.{place}"
        known = label[~np.isnan(label)]
        whole = bool(((known >= 0) & (known == np.floor(known))).all())
        if term.by.target == "binary" and not np.isin(known, (0, 1)).all():
            raise BadStudy(f"{at}: {term} compares with 0 or 1, got {known.min():g} to {known.max():g}.")
        if term.by.target in {"class", "level", "count"} and not whole:
            raise BadStudy(f"{at}: {term} compares with whole numbers of at least 0, got {known.min():g} among them.")
