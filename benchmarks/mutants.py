"""Does a test fail when the code is wrong? `python -m benchmarks.mutants` breaks it in many ways and looks.

Each fault is put into a copy of the tree, one at a time, and the tests of that file run there. A fault that no test
notices survives; then, or if a fault's text is no longer to be found, the exit code is 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).parents[1]
COPIED = ("models", "tests", "pyproject.toml")
SECONDS = 300  # a fault may make a loop endless, which is noticed too

TESTS = {
    "contracts/recall.py": ["test_contracts.py"],
    "contracts/precision.py": ["test_contracts.py"],
    "curve.py": ["test_curve.py", "test_contracts.py"],
    "intervals.py": ["test_intervals.py"],
    "operating_point.py": ["test_operating_point.py"],
    "scorer.py": ["test_scorer.py", "test_graph.py"],
    "graph.py": ["test_graph.py"],
    "calibration.py": ["test_calibration.py"],
    "rows.py": ["test_rows.py"],
    "table.py": ["test_table.py"],
    "schema.py": ["test_schema.py", "test_rows.py"],
    "bundle.py": ["test_bundle.py"],
    "manifest.py": ["test_manifest.py"],
    "value.py": ["test_value.py"],
}


@dataclass(frozen=True)
class Mutant:
    """One fault: in `file` of models/, `old` becomes `new`."""

    file: str
    old: str
    new: str
    why: str


RECALL, PRECISION = "contracts/recall.py", "contracts/precision.py"

MUTANTS = [
    Mutant(RECALL, "1 - self.at_least) > risk", "1 - self.at_least) >= risk", "a chance of exactly the risk refused"),
    Mutant(RECALL, "risk = 1 - self.confidence", "risk = (1 - self.confidence) / 2", "one-sided risk halved"),
    Mutant(RECALL, "stats.binom.cdf(misses, positives, 1 - self.at_least) > risk", "False", "no exact test"),
    Mutant(RECALL, "searchsorted(passed, misses + 1)", "searchsorted(passed, misses)", "k-th score, not (k+1)-th"),
    Mutant(RECALL, "searchsorted(passed, misses + 1)", "searchsorted(passed, misses + 2)", "one miss too many"),
    Mutant(RECALL, "(passed, misses + 1)", '(passed, misses + 1, side="right")', "wrong side of a tie"),
    Mutant(RECALL, "threshold = certification.settled(score)", "threshold = score", "threshold not settled"),
    Mutant(RECALL, "lower_bound(positives - misses,", "lower_bound(positives,", "certified as if none was missed"),
    Mutant(RECALL, "None if misses < 0", "None if misses <= 0", "no misses allowed read as unreachable"),
    Mutant(RECALL, "self.positives_needed - positives", "self.positives_needed - positives - 1", "advice one short"),
    Mutant(RECALL, "range(max(guess - 1, 1), guess + 2)", "range(guess + 1, guess + 3)", "one positive too many"),
    Mutant(RECALL, "return wilson(counts.hits, counts.positives)", "return wilson(counts.hits, counts.hits + counts.alarms)", "precision measured for recall"),
    Mutant(RECALL, "alarms[places] / curve.negative_count", "alarms[places] / curve.positive_count", "specificity among the sick"),
    Mutant(RECALL, "len(hits) - 1 - np.searchsorted", "len(hits) - 2 - np.searchsorted", "region one threshold lower"),
    Mutant(PRECISION, "half = 1 - (1 - self.confidence) / 2", "half = self.confidence", "risk not shared by two bounds"),
    Mutant(PRECISION, "risk = (1 - self.confidence) / 2", "risk = 1 - (1 - self.confidence) / 2", "guide judged by the wrong ends"),
    Mutant(PRECISION, "                break", "                continue", "testing goes on after a failure"),
    Mutant(PRECISION, "guide.settled(float(score))", "float(score)", "threshold not settled"),
    Mutant(PRECISION, "scores[start:]", "scores", "not from the guide's surest threshold"),
    Mutant(PRECISION, "scores[start:]", "scores[start + 1 :]", "the surest threshold left out"),
    Mutant(PRECISION, "counts = certification.at(threshold)\n            if", "counts = guide.at(threshold)\n            if", "certified on the guide"),
    Mutant(PRECISION, "np.where(hits == 0, 0.0, stats.beta.ppf(risk, hits, positives - hits + 1))", "stats.beta.ppf(risk, hits, positives - hits + 1)", "no guard where none is hit"),
    Mutant(PRECISION, "upper_bound(counts.alarms, counts.negatives, half)", "lower_bound(counts.alarms, counts.negatives, half)", "false alarms bounded from below"),
    Mutant(PRECISION, "self.prevalence * caught, (1 - self.prevalence) * alarmed\n        return sick / (sick + healthy) if", "(1 - self.prevalence) * caught, self.prevalence * alarmed\n        return sick / (sick + healthy) if", "prevalence of the healthy"),
    Mutant(PRECISION, "math.ceil(counts.positives * (times - 1))", "math.ceil(counts.positives * (times - 1) / 2)", "half the advice"),
    Mutant(PRECISION, "if not carried(MOST_TIMES):\n            return None", "if not carried(MOST_TIMES):\n            return 1.0", "advice where none helps"),
    Mutant(PRECISION, "if not positives or not negatives:", "if not positives:", "a guide without negatives"),
    Mutant(PRECISION, "precision >= least].max", "precision > 0.0].max", "region without its promises"),
    Mutant("curve.py", 'np.float32(threshold), side="left"))\n        return Counts', 'np.float32(threshold), side="right"))\n        return Counts', "a row on the threshold not flagged"),
    Mutant("curve.py", 'side="left"))\n        if place ==', 'side="right"))\n        if place ==', "settled above the score"),
    Mutant("curve.py", "if below < middle <= thresholds[place]", "if below <= middle <= thresholds[place]", "settled on the score below"),
    Mutant("curve.py", "scores = np.asarray(probabilities, dtype=np.float32)", "scores = np.asarray(probabilities, dtype=np.float64)", "thresholds the graph can not hold"),
    Mutant("curve.py", "not ((scores >= 0) & (scores <= 1)).all()", "((scores < 0) | (scores > 1)).any()", "NaN let through"),
    Mutant("curve.py", "np.cumsum(self.negatives[::-1], dtype=np.int64)[::-1]", "np.cumsum(self.negatives, dtype=np.int64)", "negatives counted from below"),
    Mutant("curve.py", "if any(low >= high", "if any(low > high", "a threshold twice"),
    Mutant("intervals.py", "stats.beta.ppf(1 - confidence, of, out_of - of + 1)", "stats.beta.ppf((1 - confidence) / 2, of, out_of - of + 1)", "one-sided bound as two-sided"),
    Mutant("intervals.py", "stats.beta.ppf(confidence, of + 1, out_of - of)", "stats.beta.ppf(confidence, of, out_of - of + 1)", "upper bound off by one case"),
    Mutant("intervals.py", 'method="wilson"', 'method="exact"', "another interval reported"),
    Mutant("intervals.py", "odds = prevalence / (1 - prevalence)", "odds = (1 - prevalence) / prevalence", "odds upside down"),
    Mutant("intervals.py", "half = 0.5 if 0 in {", "half = 0.0 if 0 in {", "an empty cell left empty"),
    Mutant("operating_point.py", "measured.value >= self.at_least", "measured.value > self.at_least", "a promise just kept called broken"),
    Mutant("operating_point.py", "if self.certified < self.promise.at_least:", "if False:", "an uncertified point accepted"),
    Mutant("scorer.py", "not 0 <= threshold <= 1:", "(threshold < 0 or threshold > 1):", "threshold NaN let through"),
    Mutant("scorer.py", "not (0 < prevalence < 1 and 0 < float32(prevalence) < 1)", "(prevalence <= 0 or prevalence >= 1)", "prevalence NaN let through"),
    Mutant("scorer.py", " - slack)", ")", "rounding of the logits forgotten"),
    Mutant("scorer.py", "special.logit(point.threshold * (1 - ROUNDING))", "special.logit(point.threshold)", "rounding of the probability forgotten"),
    Mutant("scorer.py", "float32(share) for share in", "share for share in", "prevalences the graph does not hold"),
    Mutant("scorer.py", "or point.promise.prevalence is not None:", "or point.promise.prevalence is None:", "rules mixed up"),
    Mutant("scorer.py", "prevalence=own, to=to)", "prevalence=to, to=own)", "moved the wrong way"),
    Mutant("scorer.py", "        if len(lost):", "        if False:", "rows outside the schema answered"),
    Mutant("scorer.py", "promised is None or prevalence in {None, promised}", "promised is None", "a promise denied where it holds"),
    Mutant("scorer.py", "columns[start : start + ROWS_PER_CALL]", "columns[start : start + ROWS_PER_CALL - 1]", "the last row of a call lost"),
    Mutant("scorer.py", " or columns.dtype != np.float32", "", "64-bit columns let through"),
    Mutant("scorer.py", "self._threshold(at) if threshold is None", "self._threshold(at) if not threshold", "threshold 0 ignored"),
    Mutant("graph.py", 'make_node("Less", [', 'make_node("LessOrEqual", [', "a row on the threshold not flagged"),
    Mutant("graph.py", '("And", ["not_low", "not_high"], "inside")', '("Or", ["not_low", "not_high"], "inside")', "range not checked"),
    Mutant("graph.py", '("LessOrEqual", ["columns", "high"]', '("Less", ["columns", "high"]', "the highest value refused"),
    Mutant("graph.py", '"unwhole", ~schema.whole', '"unwhole", schema.whole', "fractions of categories let through"),
    Mutant("graph.py", '"fillable", schema.may_be_empty', '"fillable", schema.may_be_empty | True', "NaN let through everywhere"),
    Mutant("graph.py", '"ReduceMin"', '"ReduceMax"', "one good cell makes a good row"),
    Mutant("graph.py", '"Where", [_own("good_row"), name, _own("nan")]', '"Where", [_own("good_row"), name, name]', "guard of bad rows dropped"),
    Mutant("graph.py", "calibration.intercept - calibration.slope * undo", "calibration.intercept - undo", "undo after the slope"),
    Mutant("graph.py", 'nodes = [_own("lost"), _own("nan"), _own("share")]', 'graph.node.append(helper.make_node("Sigmoid", ["logit"], ["s"]))\n    nodes = [_own("lost"), _own("nan"), "s"]', "the runtime's coarse sigmoid"),
    Mutant("graph.py", "if float32(threshold) != threshold:", "if False:", "a threshold the graph can not hold"),
    Mutant("graph.py", '"Sub", ["odds_asked", "odds_own"]', '"Sub", ["odds_own", "odds_asked"]', "shift the wrong way"),
    Mutant("graph.py", "SerializeToString(deterministic=True)", "SerializeToString()[:-1] + b''", "the file cut short"),
    Mutant("calibration.py", "- self.sampling_log_ratio", "+ self.sampling_log_ratio", "sampling done twice, not undone"),
    Mutant("calibration.py", "- self.loss_log_ratio", "", "loss weights not undone"),
    Mutant("calibration.py", "logistic_line(undone, smooth, y)", "logistic_line(undone, y, y)", "targets not smoothed"),
    Mutant("calibration.py", "if slope <= 0:", "if False:", "a model the wrong way round accepted"),
    Mutant("calibration.py", "level - slope * centre / scale", "level", "intercept of the centred line"),
    Mutant("calibration.py", "special.logit(to) - special.logit(prevalence)", "special.logit(prevalence) - special.logit(to)", "shift the wrong way"),
    Mutant("calibration.py", '"prevalence": float(y.mean())', '"prevalence": self.prevalence', "prevalence of other people"),
    Mutant("calibration.py", "if not np.isfinite(x).all():", "if False:", "NaN fitted"),
    Mutant("calibration.py", "observed_over_expected=float(y.sum() / probabilities.sum())", "observed_over_expected=float(probabilities.sum() / y.sum())", "ratio upside down"),
    Mutant("rows.py", 'extra="forbid"', 'extra="ignore"', "unknown fields dropped silently"),
    Mutant("rows.py", 'if column.missing == "impute" else column.cell', "if column.missing else column.cell", "every cell may be empty"),
    Mutant("rows.py", "    if not rows:\n", "    if False:\n", "an empty list answered"),
    Mutant("rows.py", "Field(..., alias", "Field(None, alias", "a field may be left out"),
    Mutant("schema.py", "Field(strict=True, ge", "Field(strict=False, ge", "text read as numbers"),
    Mutant("schema.py", "ge=self.low, le=self.high, allow_inf_nan", "gt=self.low, le=self.high, allow_inf_nan", "the lowest value refused"),
    Mutant("schema.py", "float(self.categories.index(cell))", "float(sorted(self.categories).index(cell))", "categories in another order"),
    Mutant("schema.py", "if any(category != category.strip() for category in self.categories):", "if False:", "a kind that no file can hold"),
    Mutant("table.py", "good = (numbers >= low) & (numbers <= high)", "good = ~((numbers < low) | (numbers > high))", "NaN let through"),
    Mutant("table.py", "(numbers >= low)", "(numbers > low)", "the lowest value refused"),
    Mutant("table.py", "        good &= numbers == np.floor(numbers)", "        pass", "fractions of yes let through"),
    Mutant("table.py", "text = cells.str.strip_chars()", "text = cells", "spaces make a cell bad"),
    Mutant("table.py", "{first_row + row}", "{row}", "rows named from the chunk's start"),
    Mutant("table.py", 'allowed = empty if column.missing == "impute" else np.zeros_like(empty)', "allowed = empty", "empty cells let through"),
    Mutant("table.py", "cells.str.to_lowercase().replace_strict", "cells.replace_strict", "TRUE refused"),
    Mutant("table.py", "np.where(bad | empty, np.nan, numbers)", "np.where(empty, np.nan, numbers)", "bad numbers passed on"),
    Mutant("bundle.py", "if sha256(contents[name]) != digest:", "if False:", "digests not checked"),
    Mutant("bundle.py", "if not _says(", "if False and not _says(", "metadata not compared"),
    Mutant("bundle.py", "if baked.get(name) != want:", "if False:", "baked settings not compared"),
    Mutant("bundle.py", "if set(document.files) != {GRAPH, CARD}:", "if False:", "a file more or less"),
    Mutant("bundle.py", "        _swap(beside, folder)", "        shutil.copytree(beside, folder, dirs_exist_ok=True)", "written in place"),
    Mutant("bundle.py", "        shutil.rmtree(beside, ignore_errors=True)", "        pass", "the old bundle left beside"),
    Mutant("bundle.py", 'if graph.defaults(model)["threshold"] != manifest.point.threshold:', "if False:", "a threshold of another model"),
    Mutant("bundle.py", "folder.chmod(0o755)", "folder.chmod(0o700)", "readable by its writer only"),
    Mutant("bundle.py", "    folder.rename(aside)\n", "    shutil.copytree(folder, aside)\n", "the old bundle in the way"),
    Mutant("manifest.py", "if self.point.promise != self.contract.promise:", "if False:", "a point of another contract"),
    Mutant("manifest.py", 'if step != "manifest"', 'if step != "points"', "a path that leads nowhere"),
    Mutant("value.py", 'extra="forbid"', 'extra="ignore"', "unknown fields dropped silently"),
    Mutant("value.py", "allow_inf_nan=False", "allow_inf_nan=True", "NaN in a manifest"),
    Mutant("value.py", "polymorphic_serialization=True", "polymorphic_serialization=False", "a base-class field written as {}"),
    Mutant("value.py", 'return {"kind": type(self).__name__, **fields(self)}', "return fields(self)", "a member without its name"),
]  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What became of a fault: `caught` by a test, `survived`, or its text `not found`."""

    mutant: Mutant
    fate: str
    by: str


def judge(mutant: Mutant, tree: Path) -> Verdict:
    """Put the fault into the copy, run the tests of its file, and take it out again."""
    file = tree / "models" / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) != 1:
        return Verdict(mutant, "not found", f"{sound.count(mutant.old)} times in the file")
    file.write_text(sound.replace(mutant.old, mutant.new))
    try:
        failed = first_failure(tree, TESTS[mutant.file])
    finally:
        file.write_text(sound)
    return Verdict(mutant, "caught" if failed else "survived", failed)


def first_failure(tree: Path, tests: list[str]) -> str:
    """The first test that fails in `tree`, or nothing if all pass."""
    command = [
        sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header",
        *(f"tests/models/{test}" for test in tests),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "no end"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].split("::")[-1].split(" - ")[0] if lines else f"exit code {done.returncode}"


def copy(folder: Path) -> Path:
    """A copy of what the tests of models/ need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def verdicts(mutants: list[Mutant], workers: int) -> Iterator[Verdict]:
    """Judge all faults, each worker in a copy of its own."""
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

        sound = first_failure(Path(folder) / "0", sorted({test for tests in TESTS.values() for test in tests}))
        if sound:
            raise SystemExit(f"The tests fail without any fault: {sound}.")
        yield from pool.map(one, mutants)


def main(
    *,
    workers: Annotated[int, typer.Option(min=1, help="faults tried at once")] = min(os.cpu_count() or 1, 4),
    only: Annotated[str, typer.Option(help="faults of files whose name holds this")] = "",
) -> None:
    """Break the code in many ways; every one should be noticed by a test."""
    chosen = [mutant for mutant in MUTANTS if only in mutant.file]
    table = Table("file", "fault", "fate", "by")
    found = list(track(verdicts(chosen, workers), "faults", len(chosen)))
    for verdict in found:
        colour = "green" if verdict.fate == "caught" else "red"
        table.add_row(verdict.mutant.file, verdict.mutant.why, f"[{colour}]{verdict.fate}[/]", verdict.by)
    Console().print(table)
    missed = sum(verdict.fate != "caught" for verdict in found)
    Console().print(f"{len(found) - missed} of {len(found)} faults caught.")
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
