"""How fast is training? `python -m benchmarks.training_speed` writes docs/training-speed.md.

On the COVID rows of the published protocol, one process and one thread a run, everything in one run of this program:

- our step against a plain PyTorch loop of the same network, loss, batch and optimizer, as a ratio of steps a second;
- training to convergence, as `fulcrum train` does, against LightGBM trained until its validation loss stops falling;
- peak memory of each, of a process that does nothing else;
- the same step on a GPU, where there is one.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import lightgbm
import numpy as np
import torch
import typer
from sklearn.metrics import roc_auc_score
from torch import nn

from benchmarks import section
from models.inputs import Inputs
from training.cases import Cases, cases
from training.data import Data
from training.fit import _batches, _groups, fit, reproducible
from training.keeper import mix
from training.labels import compared
from training.model import Model
from training.pull import Pull
from training.run import load
from training.study import find_study
from training.taught import says

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "training-speed.md"
EPOCHS, REPEATS, BATCH = 5, 7, 1024
HEAD = "infected"


def protocol() -> tuple[Any, Model, dict[str, Data]]:
    """The study with the whole of 22-31 March to learn from, but for a fifth that says when to stop."""
    study = find_study("covid")
    loaded = load(study).parts
    (early, held, late) = (loaded[name] for name in ("training", "validation", "certification"))
    rows = np.concatenate([early.columns, held.columns, late.columns])
    sick = np.concatenate([part.labels[HEAD] for part in (early, held, late)])
    order = np.random.default_rng(0).permutation(len(rows))
    cut = len(order) // 5
    parts = {
        "training": Data(rows[order[cut:]], {HEAD: sick[order[cut:]]}, None),
        "validation": Data(rows[order[:cut]], {HEAD: sick[order[:cut]]}, None),
    }
    return study, study.models[0], parts


def learner(device: str) -> tuple[Model, Any, Cases, Pull]:
    study, model, parts = protocol()
    labels = compared(study, model, parts, partial(says, study, parts, 0))
    with reproducible(0):
        net = model.network.build(study.columns, parts["training"].columns, study.widths)
    shown = cases(net, Inputs(parts["training"].columns), labels["training"]).to(torch.device(device))
    net = net.to(device)
    return model, net, shown, Pull(model, net, shown, mix(model, shown.labels[HEAD])).to(device)


def our_epoch(device: str = "cpu") -> Callable[[], None]:
    model, net, shown, pull = learner(device)
    optimizer = torch.optim.Adam(_groups(net, pull, model.budget.learning_rate), fused=True)
    generator = torch.Generator().manual_seed(0)

    def epoch() -> None:
        net.train()
        rows = model.sampling.draw(shown.labels[HEAD].cpu(), generator).to(device)
        for seen in _batches(net, shown, rows, model, generator):
            optimizer.zero_grad(set_to_none=True)
            pull(net, net.taps(seen.inputs, seen.kept), seen).backward()
            optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return epoch


def plain_epoch(device: str = "cpu") -> Callable[[], None]:
    """What one would write by hand: the same layers, weighted cross-entropy and squared weights, Adam, shuffled rows."""
    model, net, shown, _ = learner(device)
    width = shown.inputs.shape[1]
    layers = nn.Sequential(nn.Linear(width, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)).to(device)
    optimizer = torch.optim.Adam(layers.parameters(), lr=model.budget.learning_rate)
    inputs, sick = shown.inputs, shown.labels[HEAD]
    weight = torch.tensor(5.0, device=device)
    matrices = [each for each in layers.parameters() if each.ndim > 1]
    del net

    def epoch() -> None:
        for batch in torch.split(torch.randperm(len(inputs)).to(device), BATCH):
            optimizer.zero_grad(set_to_none=True)
            logits = layers(inputs[batch]).squeeze(1)
            loss = nn.functional.binary_cross_entropy_with_logits(logits, sick[batch], pos_weight=weight)
            (loss + 1e-5 * sum(each.square().sum() for each in matrices) / 2).backward()
            optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return epoch


def step_ratio(device: str) -> dict[str, float]:
    torch.set_num_threads(1)
    ours, plain = our_epoch(device), plain_epoch(device)
    ours()
    plain()
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(REPEATS):
        for name, epoch in (("ours", ours), ("plain", plain)):
            start = time.perf_counter()
            for _ in range(EPOCHS):
                epoch()
            times[name].append((time.perf_counter() - start) / EPOCHS)
    pairs = [plain_time / our_time for our_time, plain_time in zip(times["ours"], times["plain"], strict=True)]
    return {
        "ours": statistics.median(times["ours"]),
        "plain": statistics.median(times["plain"]),
        "ratio": statistics.median(pairs),
        "low": min(pairs),
        "high": max(pairs),
    }


def converge() -> dict[str, float]:
    study, model, parts = protocol()
    labels = compared(study, model, parts, partial(says, study, parts, 0))
    start = time.perf_counter()
    with reproducible(0):
        net = model.network.build(study.columns, parts["training"].columns, study.widths)
    data = {name: (Inputs(parts[name].columns), labels[name]) for name in ("training", "validation")}
    fitted = fit(model, net, head=HEAD, training=data["training"], validation=data["validation"], seed=0)
    seconds = time.perf_counter() - start
    logits = fitted.net.answers(Inputs(parts["validation"].columns), (HEAD,))[HEAD].numpy()
    area = float(roc_auc_score(parts["validation"].labels[HEAD], logits))
    return {"seconds": seconds, "epochs": len(fitted.history), "area": area, "memory": _memory()}


def boost() -> dict[str, float]:
    _, _, parts = protocol()
    rows, held = parts["training"], parts["validation"]
    start = time.perf_counter()
    known = lightgbm.Dataset(rows.columns, rows.labels[HEAD])
    judged = lightgbm.Dataset(held.columns, held.labels[HEAD], reference=known)
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "learning_rate": 0.05, "seed": 0}
    made = lightgbm.train(settings, known, 2000, [judged], callbacks=[lightgbm.early_stopping(50, verbose=False)])
    seconds = time.perf_counter() - start
    area = float(roc_auc_score(held.labels[HEAD], made.predict(held.columns)))
    return {"seconds": seconds, "epochs": made.best_iteration or 0, "area": area, "memory": _memory()}


def _memory() -> float:
    """Peak of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PARTS: dict[str, Callable[[], dict[str, float]]] = {
    "step": lambda: step_ratio("cpu"),
    "gpu": lambda: step_ratio("cuda"),
    "ours": converge,
    "lightgbm": boost,
}


def asked(name: str) -> dict[str, float]:
    """One part in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_speed", "--only", name],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def medians(name: str, times: int) -> dict[str, float]:
    found = [asked(name) for _ in range(times)]
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


def main(
    only: Annotated[str | None, typer.Option(help="measure this alone, and print it as JSON")] = None,
    page: Annotated[Path, typer.Option(help="page that is written")] = PAGE,
) -> None:
    """Measure everything, each part in a process of its own."""
    if only:
        print(json.dumps(PARTS[only]()))
        return
    step = asked("step")
    ours, trees = medians("ours", 3), medians("lightgbm", 3)
    gpu = asked("gpu") if torch.cuda.is_available() else None
    page.write_text(written(step, ours, trees, gpu))
    print(page.read_text())


def written(
    step: dict[str, float], ours: dict[str, float], trees: dict[str, float], gpu: dict[str, float] | None
) -> str:
    steps = [
        ["Fulcrum's", f"{step['ours'] * 1000:.0f} ms", f"{step['ratio']:.2f} [{step['low']:.2f}, {step['high']:.2f}]"],
        ["plain PyTorch loop", f"{step['plain'] * 1000:.0f} ms", "1"],
    ]
    if gpu:
        steps.append(
            ["Fulcrum's, on a GPU", f"{gpu['ours'] * 1000:.0f} ms", f"{gpu['ratio']:.2f} of a plain one there"]
        )
    whole = [
        [name, f"{each['seconds']:.1f} s", f"{each['seconds'] / trees['seconds']:.2f}", f"{each['epochs']:.0f}",
         f"{each['area']:.4f}", f"{each['memory']:.0f} MiB"]
        for name, each in (("Fulcrum, `covid/screen`", ours), ("LightGBM", trees))
    ]  # fmt: skip
    head = [
        "trained",
        "time",
        "of LightGBM's",
        "epochs, or trees",
        "area on held-out fifth",
        "peak memory of the process",
    ]
    gpu_line = (
        "" if gpu else "No GPU was at hand when this was written; the program adds the line where there is one.\n"
    )
    return f"""# How fast is training?

Written by `python -m benchmarks.training_speed`, in one run, each part alone in a process with one thread.

## A step

An epoch over four fifths of the 51,831 COVID tests of 22-31 March, batches of {BATCH}, the network of `covid/screen`. The
plain loop is what one would write by hand: the same layers, weighted cross-entropy, squared weights, Adam, shuffled rows.
Fulcrum's also draws the mix, empties cells, keeps scales, and asks every term for its taps. Ratio of speeds, median of
{REPEATS} pairs [lowest, highest]:

{section.table(["epoch", "median time", "speed of a plain loop"], steps)}

{gpu_line}
## To convergence

Fulcrum until nothing moves in the operating region; LightGBM with its usual trees (learning rate 0.05) until the held-out
loss has not fallen for 50 trees. Medians of 3 runs. Memory holds the reading of the table, and torch, which both import.

{section.table(head, whole)}
"""


if __name__ == "__main__":
    typer.run(main)
