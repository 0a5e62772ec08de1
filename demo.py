"""Everything once, on real data: plan, train, certify, verify, serve, ask, turn, score, stop. `make demo` runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from commands.answering import SOME_REFUSED
from fulcrum.client import Client, RefusedInput, Reply
from models.bundle import open_bundle
from models.errors import NoData
from models.rows import decode_rows
from serving.access import add_person
from training.run import load
from training.sources.covid import CovidTests
from training.study import Study, find_study
from training.summary import summary

OUT = Path("out")
MODELS = ("screen", "presurgical")
READY_WITHIN_SECONDS = 60
console = Console(highlight=False)


def main() -> None:
    """Run the demonstration; any step that fails ends it with that step's exit code."""
    began = time.monotonic()
    name = reachable_study()
    title("1. How many cases a contract needs")
    fulcrum("plan", "recall >= 0.95")
    title(f"2. Train and certify both models of the study `{name}`")
    fulcrum("train", name, "--out", str(OUT))
    title("3. Verify the bundles, and hand over the evidence")
    fulcrum("verify", *(str(OUT / name / model) for model in MODELS))
    fulcrum("report", str(OUT / name / "screen"), "--out", str(OUT / name / "report"))
    study = find_study(name)
    people = some_people(study)
    token = let_in(OUT / name / "access.json")
    with served(OUT / name, token, log=OUT / name / "server.log") as service:
        address = service.url
        title(f"4. Served by BentoML at {address} (the page: {address}/, types and ranges: {address}/docs.json)")
        told(service.screen(people), "POST /screen")
        told(service.presurgical(people), "POST /presurgical")
        ask_nonsense(service, people)
        title("5. Turn the operating point: for one request, then for everybody, then back")
        turn(service, people)
        title("6. Both models, one after the other")
        follow(service, people)
    title("7. Score a file, two bad rows among the good ones")
    table, scores = OUT / name / "people.csv", OUT / name / "scores.csv"
    some_table(study).write_csv(table)
    fulcrum("score", str(table), str(scores), "--bundle", str(OUT / name / "screen"), allowed=(0, SOME_REFUSED))
    title("8. What was promised, and what was kept")
    console.print(summary([open_bundle(OUT / name / model).manifest for model in MODELS]))
    files = Table("file", "bytes", title="Files written", title_justify="left")
    for file in sorted(path for path in (OUT / name).rglob("*") if path.is_file()):
        files.add_row(str(file), f"{file.stat().st_size:,}")
    console.print(files)
    console.print(f"Look at {OUT / name / 'report.png'}. Serve again: fulcrum serve --bundles {OUT / name}")
    console.print(f"Done in {time.monotonic() - began:.0f} s.")


def reachable_study() -> str:
    """`covid` if its data is there or can be fetched, else `breast`, which is always at hand."""
    try:
        CovidTests().read()
    except NoData as error:
        console.print(
            f"The COVID data is out of reach, so this runs on scikit-learn's biopsies. {error}", soft_wrap=True
        )
        return "breast"
    return "covid"


def fulcrum(*arguments: str, allowed: tuple[int, ...] = (0,)) -> None:
    """Run a command of the command line and show it."""
    console.print(f"$ fulcrum {' '.join(arguments)}", style="bold", soft_wrap=True)
    home = Path(__file__).resolve().parent
    here = {**os.environ, "PYTHONPATH": str(home)}
    done = subprocess.run([sys.executable, "-P", "-m", "fulcrum", *arguments], env=here, check=False)
    if done.returncode not in allowed:
        sys.exit(done.returncode)


def some_table(study: Study) -> pl.DataFrame:
    """People of the test part as a file has them, each with an id; two of them with a cell that can not be."""
    table = study.source.read().rows
    outcome = (table[study.outcome.column].cast(pl.String) == study.outcome.positive).cast(pl.Int64).to_numpy()
    test = table[study.split.parts(table, outcome, study.seed)["test"]].select(study.columns.names)
    first = study.columns.columns[0].name
    text = test.with_columns(pl.all().cast(pl.String)).with_row_index("id")
    return text.with_columns(pl.when(pl.col("id").is_in([5, 17])).then(pl.lit("?")).otherwise(first).alias(first))


def some_people(study: Study) -> list[dict[str, Any]]:
    """Three people of the test part as a request has them."""
    return decode_rows(study.columns, load(study).parts["test"].columns[:3])


@contextmanager
def served(bundles: Path, token: str, *, log: Path) -> Iterator[Client]:
    """A BentoML server of these bundles on a free loopback port, asked with a token, stopped cleanly at the end.

    `access.json` beside the bundles says whom the token names; changes are kept beside the log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    setting = {
        **os.environ,
        "FULCRUM_BUNDLES": str(bundles.resolve()),
        "FULCRUM_STORE": f"sqlite:///{log.with_name('changes.sqlite').resolve()}",
        "BENTOML_DO_NOT_TRACK": "True",
    }
    if (access := bundles / "access.json").exists():
        setting["FULCRUM_ACCESS"] = str(access.resolve())
    command = [sys.executable, "-m", "bentoml", "serve", "--host", "127.0.0.1", "--port", str(port)]
    console.print(f"$ bentoml serve --host 127.0.0.1 --port {port}", style="bold")
    with log.open("wb") as lines:
        server = subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parent,
            env=setting,
            stdout=lines,
            stderr=lines,
            start_new_session=True,
        )
    try:
        with Client(address, token, timeout=10) as service:
            wait_until_ready(service, server, log)
            yield service
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)
        console.print(f"The server has stopped; its log is {log}.")


def wait_until_ready(service: Client, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers that it is ready; exit with its log if it does not."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if service.ready():
            return
        time.sleep(0.1)
    sys.exit(f"The server did not get ready:\n{log.read_text(errors='replace')}")


def told(reply: Reply, what: str) -> None:
    """A reply: where on its curve the model worked, and what it says of each row."""
    point = reply.operating_point
    console.print(f"{what}: version {reply.version}, {point.contract}, threshold {point.threshold:.6f}", soft_wrap=True)
    grid = Table("row", "decision", "probability")
    for number, row in enumerate(reply.rows):
        grid.add_row(str(number), row.decision, f"{row.probability:.4f}")
    console.print(grid)


def ask_nonsense(service: Client, people: list[dict[str, Any]]) -> None:
    """A value that can not be is refused by name, never answered "negative"."""
    name = next(iter(people[0]))
    try:
        service.screen([*people, {**people[0], name: -1e9}])
    except RefusedInput as error:
        console.print(f"POST /screen with {name} = -1e9 in row 3: HTTP {error.status}: {error}")
    else:
        sys.exit("An impossible value was answered.")


def let_in(file: Path) -> str:
    """Somebody who may ask the models and turn their points, with a token made now."""
    file.unlink(missing_ok=True)
    return add_person(file, "demo", ["predict", "tune"])


def turn(service: Client, people: list[dict[str, Any]]) -> None:
    """One request with its own contract; the live point turned and back; a change that was not foreseen."""
    told(service.screen(people, operating_point="recall >= 0.85"), "POST /screen for recall >= 0.85")
    live = service.point("screen")
    turned = service.turn("screen", "recall >= 0.85", reason="a demonstration", version=live.version)
    told(service.screen(people), "PUT, then POST /screen")
    back = service.roll_back("screen", 0, reason="as released", version=turned.version)
    try:
        service.turn("screen", 0.999, reason="too far", version=back.version)
    except RefusedInput as error:
        console.print(f"PUT threshold 0.999: HTTP {error.status}: {error}", soft_wrap=True)
    else:
        sys.exit("A change that was not foreseen was made.")


def follow(service: Client, people: list[dict[str, Any]]) -> None:
    """The pathway of both models, and what it does to 1,000 people."""
    reply = service.pathway(people)
    console.print(f"POST /pathway: {', '.join(row.answer for row in reply.rows)}")
    if reply.measured is not None:
        shares = {
            "second_step": reply.measured.second_step_per_1000,
            "operated": reply.measured.operated_per_1000,
            "missed": reply.measured.missed_per_1000,
        }
        console.print(", ".join(f"{name} {share.value:.1f} of 1,000" for name, share in shares.items()))


def title(text: str) -> None:
    """A heading between two steps."""
    console.print(f"\n{text}", style="bold cyan", soft_wrap=True)


if __name__ == "__main__":
    main()
