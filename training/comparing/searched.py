"""The study file of what a search found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pprint import pformat

from training.model import Model

FILE = '''"""{name}, with models found by `fulcrum compare {given} --search`; all else is as it was.

They were chosen on the training and the validation part. `fulcrum train` certifies them; `fulcrum compare` of this
file judges them partly on rows they were chosen on, which flatters them.
"""

from __future__ import annotations

from training.model import Model
from training.study import Study, find_study

base = find_study({named!r})
# A field with a `kind` is one of that class, as a manifest writes it.
FOUND = {found}
models = [Model.model_validate(model) for model in FOUND]
others = {{model.name: model for model in models}}
study = Study(
    **{{**dict(base), "name": {name!r}, "models": tuple(others.get(model.name, model) for model in base.models)}}
)
'''


def write_study(named: str, found: Sequence[Model], file: Path) -> None:
    """Write a study file with these models in place of those of their names; `named` is how the study was asked for."""
    where = str(Path(named).resolve()) if named.endswith(".py") else named
    listed = pformat([model.model_dump(mode="json") for model in found], width=110, sort_dicts=False)
    file.write_text(FILE.format(given=named, named=where, name=file.stem, found=listed), encoding="utf-8")
