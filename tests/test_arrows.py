"""`training -> models <- serving`, `commands` above them: the arrows between the packages point one way."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_NOT_IMPORT = {
    "models": {"training", "serving", "commands", "fulcrum", "torch", "bentoml"},
    "serving": {"training", "commands", "fulcrum", "torch"},
    "training": {"serving", "commands", "fulcrum", "bentoml"},
    "commands": {"fulcrum"},
    "fulcrum": {"training", "models", "serving", "torch", "bentoml"},
    "fulcrum/client": {"training", "models", "serving", "commands", "torch", "bentoml"},
}
# What a command may load before it is asked for: `--help` is quick.
AT_ONCE = {*sys.stdlib_module_names, "commands", "typer", "rich"}
# What a program loads that asks a service.
OF_CLIENT = {*sys.stdlib_module_names, "fulcrum", "httpx", "pydantic"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(source: str) -> Iterator[str]:
    """Every module that a source names in an import, at any depth of its code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield start
            yield from (f"{start}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if called in {"import_module", "__import__"} and node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def uses(source: str, dotted: str) -> bool:
    """Whether a source imports `dotted` or reaches it by its full name."""
    reached = {ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return any(name == dotted or name.startswith(f"{dotted}.") for name in {*imported(source), *reached})


@pytest.mark.parametrize("package", MAY_NOT_IMPORT)
def test_no_package_imports_what_it_may_not_know(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in modules(package)
        for name in imported(file.read_text())
        if name.split(".")[0] in MAY_NOT_IMPORT[package]
    ]
    assert not wrong


@pytest.mark.parametrize("package", MAY_NOT_IMPORT)
def test_imports_are_absolute_so_that_this_test_can_read_them(package: str) -> None:
    wrong = [str(file) for file in modules(package) for name in imported(file.read_text()) if name.startswith(".")]
    assert not wrong


def loaded_at_once(source: str) -> Iterator[str]:
    """Every module that a source imports when it is itself imported, types aside."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(ast.unparse(node))


@pytest.mark.parametrize(
    "file", [ROOT / "fulcrum" / "command_line.py", *modules("commands")], ids=lambda file: file.name
)
def test_a_command_loads_what_it_needs_when_it_is_asked_for(file: Path) -> None:
    assert {name.split(".")[0] for name in loaded_at_once(file.read_text())} <= AT_ONCE


@pytest.mark.parametrize(
    "file", [ROOT / "fulcrum" / "__init__.py", *modules("fulcrum/client")], ids=lambda file: file.name
)
def test_the_client_loads_httpx_and_pydantic_alone(file: Path) -> None:
    assert {name.split(".")[0] for name in loaded_at_once(file.read_text())} <= OF_CLIENT


def test_who_asks_a_service_does_not_load_what_serves_it() -> None:
    heavy = [
        "numpy",
        "polars",
        "pyarrow",
        "onnxruntime",
        "bentoml",
        "typer",
        "torch",
        "models",
        "serving",
        "commands",
    ]
    program = f"import sys, fulcrum.client; print(sorted({{*{heavy!r}}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_what_is_loaded_at_once_is_told_from_what_a_function_loads() -> None:
    source = "import typer\nfrom torch import nn\ndef lazy():\n    import bentoml"
    assert {name.split(".")[0] for name in loaded_at_once(source)} == {"typer", "torch"}


def test_only_the_export_knows_how_torch_writes_onnx() -> None:
    users = [
        file.relative_to(ROOT).as_posix()
        for package in MAY_NOT_IMPORT
        for file in modules(package)
        if uses(file.read_text(), "torch.onnx")
    ]
    assert set(users) <= {"training/export.py"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch", True),
        ("import numpy, torch.nn as nn", True),
        ("from torch import nn", True),
        ("def lazy():\n    from torch.nn import Linear", True),
        ("import importlib\nimportlib.import_module('torch')", True),
        ("import torchless\nfrom models import torch_free", False),
        ("text = 'import torch'", False),
    ],
)
def test_an_import_is_seen_wherever_it_stands(source: str, found: bool) -> None:  # noqa: FBT001  # the answer
    assert ("torch" in {name.split(".")[0] for name in imported(source)}) is found


@pytest.mark.parametrize(
    "source",
    ["import torch.onnx", "from torch import onnx", "import torch\ntorch.onnx.export(1)", "from torch.onnx import ops"],
)
def test_the_export_is_seen_however_it_is_reached(source: str) -> None:
    assert uses(source, "torch.onnx")
    assert not uses("import onnx\nonnx.load(1)", "torch.onnx")


def test_the_common_language_runs_where_neither_torch_nor_bentoml_is_loaded() -> None:
    program = (
        "import sys, pkgutil, importlib, models\n"
        "for found in pkgutil.walk_packages(models.__path__, 'models.'):\n"
        "    importlib.import_module(found.name)\n"
        f"print(sorted({MAY_NOT_IMPORT['models']!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


# Each runs code of whoever wrote what it reads.
UNPICKLES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
LOADS = ("torch.load", "allow_pickle=True", "register_custom_ops_library")


@pytest.mark.parametrize("package", ["models", "serving"])
def test_nothing_that_answers_can_unpickle_or_load_machine_code(package: str) -> None:
    """numpy's own format is read without pickle unless it is asked for."""
    sources = {str(file.relative_to(ROOT)): file.read_text() for file in modules(package)}
    wrong = [
        f"{file}: {name}"
        for file, source in sources.items()
        for name in imported(source)
        if name.split(".")[0] in UNPICKLES
    ]
    wrong += [
        f"{file}: {word}" for file, source in sources.items() for word in LOADS if word in source.replace(" ", "")
    ]
    loads = re.compile(r"\b(?:np|numpy)\.load\((?!.*allow_pickle=False)")
    wrong += [f"{file}: numpy.load" for file, source in sources.items() if loads.search(source)]
    assert wrong == []
