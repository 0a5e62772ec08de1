"""A fault put into a copy of the tree, and the tests of its file run there.

Each run is a fork of a server that has loaded the libraries already but nothing of the project's, so that a fault costs
the seconds its tests take and not those of loading NumPy, ONNX and SciPy.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from benchmarks.mutants.fault import Mutant, Verdict
from benchmarks.mutants.faults import TESTS

ROOT = Path(__file__).parents[2]
# All that the tests of models/ and serving/ read.
COPIED = (
    "models",
    "serving",
    "training",
    "commands",
    "tests",
    "fulcrum",
    "demo.py",
    "pyproject.toml",
    "bentofile.yaml",
)
LOADED = ["numpy", "onnx", "onnxruntime", "polars", "pydantic", "pytest", "scipy.stats"]
SECONDS = 300  # a fault may make a loop endless, which is noticed too

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(LOADED)


def judge(mutant: Mutant, tree: Path) -> Verdict:
    """Put the fault into the copy, run the tests of its file, and take it out again."""
    file = tree / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) != 1:
        return Verdict(mutant, "not found", f"{sound.count(mutant.old)} times in the file")
    file.write_text(sound.replace(mutant.old, mutant.new))
    try:
        failed = first_failure(tree, TESTS[mutant.file])
    finally:
        file.write_text(sound)
    return Verdict(mutant, "caught" if failed else "survived", failed)


def first_failure(tree: Path, tests: Sequence[str]) -> str:
    """The first test that fails in `tree`, or nothing if all pass."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        child = FORKS.Process(target=run, args=(tree, [f"tests/{test}" for test in tests], said))
        child.start()
        child.join(SECONDS)
        ended = child.exitcode is not None
        # Servers that a test started go with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
        if not ended:
            return "no end"
        if child.exitcode == 0:
            return ""
        lines = [line for line in said.read_text().splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].split("::")[-1].split(" - ")[0] if lines else f"exit code {child.exitcode}"


def run(tree: Path, tests: Sequence[str], said: Path) -> None:
    """Become a run of pytest in `tree`, which writes what it says to a file."""
    os.setsid()
    os.chdir(tree)
    with said.open("w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.path[:] = [str(tree), *(place for place in sys.path if place not in {"", str(ROOT)})]
    sys.dont_write_bytecode = True
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header"]
    sys.exit(int(pytest.main([*options, *tests])))


def copy(folder: Path) -> Path:
    """A copy of what the tests need."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copy(source, folder / name)
    return folder


def verdicts(mutants: Sequence[Mutant], workers: int) -> Iterator[Verdict]:
    """Judge all faults, each worker in a copy of its own.

    Raises SystemExit if the tests fail without any fault.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for place in range(workers):
            trees.put(copy(Path(folder) / str(place)))

        def one(mutant: Mutant) -> Verdict:
            tree = trees.get()
            try:
                return judge(mutant, tree)
            finally:
                trees.put(tree)

        asked = {test for mutant in mutants for test in TESTS[mutant.file]}
        if failed := first_failure(Path(folder) / "0", sorted(asked)):
            raise SystemExit(f"The tests fail without any fault: {failed}.")
        yield from pool.map(one, mutants)
