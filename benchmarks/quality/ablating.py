"""`python -m benchmarks.quality.ablating` runs every variant of the recipe, and writes docs/quality-ablation.md.

One file a run; those that are there are not run again.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from benchmarks.quality import paired
from benchmarks.quality.ablation import VARIANTS, WHOLE, run
from benchmarks.quality.peer import Job
from benchmarks.quality.results import figures
from benchmarks.quality.runs import Run
from benchmarks.quality.summary import APART
from benchmarks.quality.table import find_table, names
from benchmarks.section import table

FIGURES = {
    "oracle_specificity": "specificity at recall 0.95, best threshold",
    "certified_specificity": "certified specificity",
    "partial_area": "partial area",
    "oracle_recall": "recall at precision 0.9, best threshold",
    "brier": "Brier score",
}
Asked = tuple[str, int, int]


def one(asked: Asked, out: Path) -> str:
    """A run by table, repeat and the place of the variant; what went wrong, or nothing."""
    of, repeat, place = asked
    try:
        run(Job(find_table(of), repeat, out), [*VARIANTS][place]).write(file_of(out, asked))
    except Exception:  # noqa: BLE001  # one failure must not end the others
        return f"failed: {traceback.format_exc()}"
    return ""


def file_of(out: Path, asked: Asked) -> Path:
    """Where a run is kept."""
    of, repeat, place = asked
    return out / f"{of}__{repeat}__{place}.npz"


def main(
    *,
    tables: Annotated[str, typer.Option(help="these alone, with commas between")] = "",
    repeats: Annotated[str, typer.Option(help="these alone, with commas between")] = "0,1,2",
    jobs: Annotated[int, typer.Option(min=1, help="processes, of one thread each")] = 2,
    out: Annotated[Path, typer.Option(help="folder of the runs")] = Path("out/quality-ablation"),
    docs: Annotated[Path, typer.Option(help="folder of quality-ablation.md")] = Path("docs"),
) -> None:
    """Run what has not been run yet, and write what came out."""
    out.mkdir(parents=True, exist_ok=True)
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    there = [name for name in tables.split(",") if name] or [name for name in names() if name not in APART]
    asked = [(of, int(repeat), at) for repeat in repeats.split(",") for of in there for at in range(len(VARIANTS))]
    left = [each for each in asked if not file_of(out, each).exists()]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(one, each, out): each for each in left}
        for done, future in enumerate(as_completed(futures), 1):
            of, repeat, place = futures[future]
            print(f"[{done}/{len(left)}] {of} {repeat} {[*VARIANTS][place]} {future.result()}", flush=True)
    runs = pl.DataFrame(
        [
            {"table": each[0], "repeat": each[1], "peer": [*VARIANTS][each[2]], **figures(Run.read(file))}
            for each in asked
            if (file := file_of(out, each)).exists()
        ],
        infer_schema_length=None,
    )
    (docs / "quality-ablation.md").write_text(page(runs), encoding="utf-8")
    print(docs / "quality-ablation.md")


def page(runs: pl.DataFrame) -> str:
    """The text of docs/quality-ablation.md."""
    rows = []
    for name in VARIANTS:
        cells = []
        for figure in FIGURES:
            if name == WHOLE:
                cells.append(f"{paired.means(runs, figure)[WHOLE]:.3f}")
                continue
            found = paired.difference(runs, name, WHOLE, figure)
            cells.append("-" if found is None else f"**{found}**" if found.sure else str(found))
        kept = paired.kept(runs, name, "certified_screen_kept")
        seconds = runs.filter(pl.col("peer") == name)["seconds"].median()
        rows.append([name, *cells, "-" if kept is None else str(kept), f"{float(seconds or 0):.1f}"])
    splits = runs.select("table", "repeat").unique().height
    head = ["", *FIGURES.values(), "promise kept", "seconds"]
    return f"""# What each ingredient of the recipe buys

Written by `python -m benchmarks.quality.ablating`: the study that `fulcrum init` writes, with one thing changed at a time,
on {splits} splits of {", ".join(sorted(runs["table"].unique()))}. The first line has means over tables; the others say how far a
variant is from it, in pairs, with a 95 % interval over tables; bold where that leaves out 0. A lower Brier score is better.
*Promise kept*: of the certified screens, on the test part. Seconds are those of training one model, the median.

{table(head, rows)}

{_verdicts(runs)}
"""


def _verdicts(runs: pl.DataFrame) -> str:
    """Which differences are sure in any figure but the last, and which are not, in words."""
    sure, unsure = [], []
    for name in VARIANTS:
        if name == WHOLE:
            continue
        found = {figure: paired.difference(runs, name, WHOLE, figure) for figure in [*FIGURES][:-1]}
        told = [f"{FIGURES[figure]} {each}" for figure, each in found.items() if each and each.sure]
        (sure if told else unsure).append(f"- {name}: {'; '.join(told)}" if told else name)
    lines = ["Sure of these tables:", "", *sure] if sure else ["Nothing is sure of so few tables."]
    return "\n".join([*lines, "", f"No sure difference in any figure but the Brier score: {', '.join(unsure)}."])


if __name__ == "__main__":
    typer.run(main)
