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

import httpx
import polars as pl
from rich.console import Console
from rich.table import Table

from commands.answering import SOME_REFUSED
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
        address = service.base_url
        title(f"4. Served by BentoML at {address} (the page: {address}/, types and ranges: {address}/docs.json)")
        for model in MODELS:
            ask(service, model, people)
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
    done = subprocess.run([sys.executable, str(home / "fulcrum.py"), *arguments], check=False)
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
def served(bundles: Path, token: str, *, log: Path) -> Iterator[httpx.Client]:
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
        wait_until_ready(address, server, log)
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=10) as service:
            yield service
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)
        console.print(f"The server has stopped; its log is {log}.")


def wait_until_ready(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers that it is ready; exit with its log if it does not."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"{address}/readyz", timeout=1).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    sys.exit(f"The server did not get ready:\n{log.read_text(errors='replace')}")


def ask(service: httpx.Client, model: str, people: list[dict[str, Any]]) -> None:
    """Send people to an endpoint and show what it answers."""
    answer = service.post(model, json={"rows": people})
    answer.raise_for_status()
    reply = answer.json()
    console.print(f"POST /{model}: {reply['operating_point']['contract']}; bundle {reply['bundle'][:12]}...")
    grid = Table("row", "decision", "probability")
    for number, row in enumerate(reply["rows"]):
        grid.add_row(str(number), row["decision"], f"{row['probability']:.4f}")
    console.print(grid)


def ask_nonsense(service: httpx.Client, people: list[dict[str, Any]]) -> None:
    """A value that can not be is refused by name, never answered "negative"."""
    name = next(iter(people[0]))
    answer = service.post("screen", json={"rows": [*people, {**people[0], name: -1e9}]})
    console.print(f"POST /screen with {name} = -1e9 in row 3: HTTP {answer.status_code}: {answer.json()['error']}")
    if answer.is_success:
        sys.exit("An impossible value was answered.")


def let_in(file: Path) -> str:
    """Somebody who may ask the models and turn their points, with a token made now."""
    file.unlink(missing_ok=True)
    return add_person(file, "demo", ["predict", "tune"])


def turn(service: httpx.Client, people: list[dict[str, Any]]) -> None:
    """One request with its own contract; the live point turned and back; a change that was not foreseen."""
    own = service.post("screen", json={"rows": people, "operating_point": "recall >= 0.85"}).json()
    told(own, "POST /screen for recall >= 0.85")
    point = "operating-points/screen"
    live = service.get(point).json()["version"]
    change = {"operating_point": "recall >= 0.85", "reason": "a demonstration", "version": live}
    answer = service.put(point, json=change)
    if not answer.is_success:
        sys.exit(f"The live point was not turned: {answer.text}")
    told(service.post("screen", json={"rows": people}).json(), "PUT, then POST /screen")
    back = {"to": 0, "reason": "as released", "version": live + 1}
    service.post(f"{point}/roll-back", json=back).raise_for_status()
    wild = {"operating_point": 0.999, "reason": "too far", "version": live + 2}
    refused = service.put(point, json=wild)
    if refused.is_success:
        sys.exit("A change that was not foreseen was made.")
    console.print(f"PUT threshold 0.999: HTTP {refused.status_code}: {refused.json()['error']}", soft_wrap=True)


def told(reply: dict[str, Any], what: str) -> None:
    """A reply in one line."""
    point = reply["operating_point"]
    decisions = ", ".join(row["decision"] for row in reply["rows"])
    console.print(
        f"{what}: version {reply['version']}, threshold {point['threshold']:.6f}: {decisions}", soft_wrap=True
    )


def follow(service: httpx.Client, people: list[dict[str, Any]]) -> None:
    """The pathway of both models, and what it does to 1,000 people."""
    reply = service.post("pathway", json={"rows": people}).json()
    console.print(f"POST /pathway: {', '.join(row['answer'] for row in reply['rows'])}")
    measured = reply["measured"]
    shares = {name: measured[f"{name}_per_1000"]["value"] for name in ("second_step", "operated", "missed")}
    console.print(", ".join(f"{name} {value:.1f} of 1,000" for name, value in shares.items()))


def title(text: str) -> None:
    """A heading between two steps."""
    console.print(f"\n{text}", style="bold cyan", soft_wrap=True)


if __name__ == "__main__":
    main()
