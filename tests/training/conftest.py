from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from onnxscript._internal.values import TracedOnnxFunction

from training.run import Loaded, Made, load, run
from training.study import Study, find_study


@dataclass(frozen=True)
class Trained:
    """The shipped study `breast`, its data, and what was made of it in `out`."""

    study: Study
    loaded: Loaded
    out: Path
    made: dict[str, Made]


@pytest.fixture(scope="session")
def breast(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    study, out = find_study("breast"), tmp_path_factory.mktemp("breast")
    loaded = load(study)
    return Trained(study, loaded, out, {model.name: run(study, model, loaded, out) for model in study.models})


# For each export the exporter parses the source of its 500 operators anew, which is 40 % of it; here each is read once.
# What a process without this writes is compared in test_export.py.
_signature = cached_property(TracedOnnxFunction.function_ir.fget)
_signature.__set_name__(TracedOnnxFunction, "function_ir")
TracedOnnxFunction.function_ir = _signature
