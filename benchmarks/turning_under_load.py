"""Does every answer name one version of the live point, and is it that version's, while the point is turned all the time?

    python -m benchmarks.turning_under_load

Real servers answer from the shipped pair: one with two workers on SQLite, then two as replicas on one database of
PostgreSQL, where its binaries are there. For a minute two clients turn the points of both models, together 200 times a
second, in every worker or replica in turn, while others ask /screen, /presurgical and /pathway, and one tries what
must be refused. Slices
with and without turning follow. Afterwards every answer is compared with what the version that it names says, solved
anew. The figures go into docs/turning.md. Exit with 1 if anything is amiss, or if too few changes were acknowledged.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from rich.console import Console

from benchmarks import section
from benchmarks.load import IN_VAIN, ROLL_BACK, TURNED, Answer, Asked, Refused, Slice, Turn, Turner, ask, turn
from benchmarks.replies import Expected, Found, Told, check, check_turns
from models.errors import BadInput, Unreachable
from models.scorer import Scorer
from models.turn import Setting
from serving.access import add_person
from serving.audit import verify
from serving.change import Change
from serving.tuning import Store
from tests.postgres import NoPostgres, postgres
from tests.running import ROOT, Server, environment, serving, workers

BUNDLES = ROOT / "models" / "covid"
PAGE = ROOT / "docs" / "turning.md"
WORKERS = 2
# As a service is run that has much to do: a line in the log for every request, and a trace that goes nowhere, cost 2 ms.
LEAN = ("services.fulcrum.logging.access.enabled=false", "services.fulcrum.tracing.excluded_urls=.")
CLIENTS = 3
BODIES, MOST_ROWS = 12, 10
PREVALENCES = (None, 0.02, 0.05, 0.1)
CANDIDATES: dict[str, list[str | float | None]] = {
    "screen": [
        None,
        "careful",
        *np.linspace(0.002, 0.03, 15).round(4).tolist(),
        *(f"recall >= 0.{share}" for share in range(86, 98)),
        "recall >= 0.9 with confidence 0.99",
        "recall >= 0.9 in every sex",
        "recall >= 0.9 and specificity >= 0.3",
        "rule in with specificity >= 0.6, rule out with recall >= 0.95",
    ],
    "presurgical": [None, "capacity", 0.5, 0.6, "precision >= 0.75 at prevalence 8 %"],
}
console = Console()


@dataclass(frozen=True)
class Run:
    """What is done to each kind of store."""

    rate: float
    requests: float
    seconds: float
    pairs: int
    slice_seconds: float
    settings: dict[str, list[dict[str, Any]]]


@dataclass
class Tally:
    """What was measured on one kind of store."""

    run: Run
    servers: int
    turns: list[Turn] = field(default_factory=list)
    minute_turns: list[Turn] = field(default_factory=list)
    minute_answers: list[Answer] = field(default_factory=list)
    turned: list[list[Answer]] = field(default_factory=list)
    turned_changes: list[int] = field(default_factory=list)
    still: list[list[Answer]] = field(default_factory=list)
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    changes: int = 0
    checked: Found = field(default_factory=Found)
    amiss: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[Turn]:
        """The changes that were acknowledged in the minute."""
        return [each for each in self.minute_turns if each.kept]

    @property
    def per_second(self) -> float:
        return len(self.kept) / self.run.seconds

    @property
    def problems(self) -> list[str]:
        """Why this run did not show what it should."""
        slow = f"{self.per_second:.1f} changes a second were acknowledged, of {self.run.rate:g}"
        return [
            *self.checked.wrong,
            *self.checked.stale,
            *self.amiss,
            *([slow] if self.per_second < self.run.rate else []),
        ]

    @property
    def ratio(self) -> float:
        """How many requests were answered while the point was turned, for each that was while it was not."""
        return float(np.median([len(one) / len(other) for one, other in zip(self.turned, self.still, strict=True)]))


def main(
    *,
    rate: Annotated[float, typer.Option(help="changes a second that have to be acknowledged")] = 200,
    requests: Annotated[float, typer.Option(help="requests a second meanwhile")] = 100,
    seconds: Annotated[float, typer.Option(help="how long both go on")] = 60,
    pairs: Annotated[int, typer.Option(min=1, help="slices with turning, and as many without")] = 5,
    slice_seconds: Annotated[float, typer.Option(help="length of a slice")] = 3,
    page: Annotated[Path, typer.Option(help="page that the figures are written into")] = PAGE,
) -> None:
    """Turn and ask, check every answer, and write what was found."""
    bodies = some_rows()
    expected = Expected(BUNDLES, bodies)
    settings = {name: allowed(scorer, CANDIDATES[name]) for name, scorer in expected.scorers.items()}
    run = Run(rate, requests, seconds, pairs, slice_seconds, settings)
    tallies: dict[str, Tally] = {}
    with ExitStack() as places:
        folder = Path(places.enter_context(tempfile.TemporaryDirectory()))
        clients = places.enter_context(clients_apart())
        urls = {"SQLite": f"sqlite:///{folder}/changes.sqlite"}
        try:
            database = places.enter_context(postgres())
            urls["PostgreSQL"] = database.url(database.new_database())
        except NoPostgres as reason:
            console.print(f"PostgreSQL was not tried: {reason}.")
        for name, url in urls.items():
            console.print(f"{name}: {seconds:g} s of turning, then {2 * pairs} slices of {slice_seconds:g} s.")
            tallies[name] = tally(run, url, folder / name, clients, bodies, expected)
    text = written(tallies)
    section.write(page, "turning under load", text)
    console.print(text, markup=False, soft_wrap=True)
    problems = [f"{name}: {problem}" for name, found in tallies.items() for problem in found.problems]
    for problem in problems[:20]:
        console.print(problem, markup=False)
    if problems:
        console.print(f"{len(problems)} problems.")
        raise typer.Exit(1)


@dataclass(frozen=True)
class Clients:
    """The processes that turn, one for each point, and the one that asks."""

    turners: ProcessPoolExecutor
    asker: ProcessPoolExecutor


@contextmanager
def clients_apart() -> Iterator[Clients]:
    """All of them, which have imported what they need."""
    apart = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(TURNED), apart) as turners, ProcessPoolExecutor(1, apart) as asker:
        for ready in [pool.submit(time.sleep, 1) for pool in (*[turners] * len(TURNED), asker)]:
            ready.result()
        yield Clients(turners, asker)


def tally(  # noqa: PLR0917  # what is measured, where, by whom and against what
    run: Run, url: str, folder: Path, clients: Clients, bodies: Sequence[Any], expected: Expected
) -> Tally:
    """Turn and ask servers on one store, and judge what came back."""
    folder.mkdir()
    tokens = {
        name: add_person(folder / "access.json", name, roles)
        for name, roles in (("ada", ["tune"]), ("bo", ["audit", "predict"]))
    }
    with served(url, folder) as servers:
        before = working()
        found = drive(run, [server.url for server in servers], tokens, clients, bodies)
        idle = [taken for pid, taken in working().items() if taken - before[pid] < 0.02 * run.seconds]
        found.amiss += [f"{len(idle)} of {len(before)} workers had next to nothing to do"] if idle else []
        for server in servers:
            found.amiss += told_wrong(server, tokens["bo"])
    with Store(url) as store:
        histories = {
            name: store.history(name, expected.scorers[name].bundle.digest) for name in TURNED
        }  # fmt: skip
    judge(found, histories, expected)
    return found


@contextmanager
def served(url: str, folder: Path) -> Iterator[list[Server]]:
    """One server on a file, or two as replicas on a database, each with two workers."""
    variables = {
        **environment(
            folder, FULCRUM_ACCESS=str(folder / "access.json"), FULCRUM_BUNDLES=str(BUNDLES), FULCRUM_STORE=url
        ),
        "BENTOML_CONFIG_OPTIONS": " ".join([*workers(WORKERS).values(), *LEAN]),
    }
    with ExitStack() as running:
        yield [
            running.enter_context(
                serving(variables=variables, folder=ROOT, bundles=BUNDLES, log=folder / f"log {number}")
            )
            for number in range(1 if url.startswith("sqlite") else 2)
        ]


def drive(
    run: Run,
    urls: Sequence[str],
    tokens: dict[str, str],
    clients: Clients,
    bodies: Sequence[Any],
) -> Tally:
    """Turn for a minute, then in slices; keep all that came back."""
    found = Tally(run, len(urls))
    encoded = [json.dumps({"rows": rows}).encode() for rows in bodies]
    first = Turner(urls, tokens["ada"], run.settings, dict.fromkeys(TURNED, 0))
    found.turns = [first.turn(name) for name in TURNED for _ in range(2 * WORKERS)]

    def slice_of(seconds: float, *, turning: bool, per_second: float | None = None) -> tuple[list[Turn], Asked]:
        during = Slice(urls, time.monotonic() + 0.5, seconds)
        refused = to_be_refused(tokens) if turning else []
        asking = clients.asker.submit(
            ask, during, encoded, refused, tokens["bo"], clients=CLIENTS * len(urls), per_second=per_second
        )
        turns = []
        if turning:
            versions = {name: sum(each.kept for each in found.turns if each.endpoint == name) for name in TURNED}
            each = [
                clients.turners.submit(
                    turn, name, during, tokens["ada"], run.settings, versions, run.rate / len(TURNED)
                )
                for name in TURNED
            ]
            turns = [done for one in each for done in one.result()]
            found.turns += turns
        found.refused += asking.result().refused
        return turns, asking.result()

    slice_of(1, turning=False)  # imports, connections and caches are not what is measured
    found.minute_turns, minute = slice_of(run.seconds, turning=True, per_second=run.requests)
    found.minute_answers = minute.answers
    for _ in range(run.pairs):
        turns, asked = slice_of(run.slice_seconds, turning=True)
        found.turned_changes.append(sum(each.kept for each in turns))
        found.turned.append(asked.answers)
        found.still.append(slice_of(run.slice_seconds, turning=False)[1].answers)
    return found


def some_rows() -> list[list[dict[str, Any]]]:
    """Some lists of people, with all that the schema of the shipped pair allows."""
    random = np.random.default_rng(1)
    yes_no = ("cough", "fever", "sore_throat", "shortness_of_breath", "head_ache", "age_60_and_above")
    return [
        [
            {
                **{name: [0, 1, None][random.choice(3, p=(0.6, 0.3, 0.1))] for name in yes_no},
                "sex": str(random.choice(["female", "male"])),
                "contact_with_confirmed": int(random.integers(2)),
            }
            for _ in range(random.integers(1, MOST_ROWS + 1))
        ]
        for _ in range(BODIES)
    ]


def allowed(scorer: Scorer, candidates: Sequence[str | float | None]) -> list[dict[str, Any]]:
    """The settings among the candidates, each at several prevalences, that the bundle foresees."""
    found = []
    for operating_point in candidates:
        for prevalence in PREVALENCES:
            try:
                if not scorer.turn(Setting.told(operating_point, prevalence)).against:
                    found.append({"operating_point": operating_point, "prevalence": prevalence})
            except (BadInput, Unreachable):
                continue
    return found


def to_be_refused(tokens: dict[str, str]) -> list[Refused]:
    """What must be refused, again and again: by the change control, for a stale version, and by whom may not."""
    ada, bo = tokens["ada"], tokens["bo"]
    fine = {"operating_point": 0.01}
    return [
        Refused(OUTSIDE, 422, "screen", ada, {"operating_point": 0.5}),
        Refused(LATE, 409, "screen", ada, fine),
        Refused(OUTSIDE, 422, "screen", ada, {"operating_point": "default", "prevalence": 0.5}),
        Refused(NO_ROLE, 403, "screen", bo, fine),
        Refused(OUTSIDE, 422, "presurgical", ada, {"operating_point": 0.01}),
        Refused(NO_TOKEN, 401, "screen", "", fine),
    ]


OUTSIDE, LATE = "outside the change control", "decided on an old version"
NO_ROLE, NO_TOKEN = "without the role", "without a token"
STATUSES = {OUTSIDE: 422, LATE: 409, NO_ROLE: 403, NO_TOKEN: 401}


def told_wrong(server: Server, token: str) -> list[str]:
    """What is wrong with the history as a server tells it."""
    wrong = []
    for name in TURNED:
        told = server.get(f"operating-points/{name}/history", headers={"authorization": f"Bearer {token}"})
        history = told.raise_for_status().json()
        if history["verified"] is not True or history["problems"]:
            wrong.append(f"{server.url} says of the history of {name}: {history['problems'][:3]}")
    return wrong


def working() -> dict[int, float]:
    """Seconds of the processor that each worker of the servers has taken so far, by its process."""
    return {
        child.pid: sum(child.cpu_times()[:2])
        for child in psutil.Process().children(recursive=True)
        if "_bentoml_impl.worker.service" in child.cmdline()
    }


def judge(found: Tally, histories: Mapping[str, Sequence[Change]], expected: Expected) -> None:
    """Compare what came back with the histories, and with what each of their versions means."""
    told = {}
    for name, history in histories.items():
        turns = [each for each in found.turns if each.endpoint == name]
        told[name] = Told.of(history, turns)
        found.changes += len(history)
        found.amiss += map(str, verify(history))
        found.amiss += check_turns(turns, history, expected)
        found.amiss += [f"{name}: a refused change was kept: {each}" for each in history if each.reason == IN_VAIN]
    for answers in (found.minute_answers, *found.turned, *found.still):
        found.checked += check(answers, told, expected)
    unlike = {each: times for each, times in found.refused.items() if STATUSES[each[0]] != each[1]}
    found.amiss += [f"a change {why} was answered {status}, {times} times" for (why, status), times in unlike.items()]
    found.amiss += [f"no change {why} was tried" for why in STATUSES if not any(why == one for one, _ in found.refused)]


def written(tallies: Mapping[str, Tally]) -> str:
    """What was measured, as a section of Markdown."""
    run = next(iter(tallies.values())).run
    rows = {name: column(found) for name, found in tallies.items()}
    first = next(iter(rows.values()))
    cells = [[text, *(column[text] for column in rows.values())] for text in first]
    clients = " and ".join(f"{CLIENTS * found.servers} on {name}" for name, found in tallies.items())
    return f"""
One server with {WORKERS} workers on SQLite; two such servers, as replicas, on one database of PostgreSQL; without BentoML's access
log and traces (`BENTOML_CONFIG_OPTIONS="{" ".join(LEAN)}"`). Two clients turn the
points of both models for {run.seconds:g} s, together {run.rate:g} times a second, between {" and ".join(str(len(run.settings[name])) for name in TURNED)} settings, over connections to every
replica in turn. Every {ROLL_BACK}th change is a roll-back. Other clients ({clients}) ask `/screen`, `/presurgical` and `/pathway`, {run.requests:g} times a second together. Then come {run.pairs} slices of {run.slice_seconds:g} s without turning and as many
with it, one after the other, in which each client asks again as soon as it is answered; their medians are given. The machine
had {os.cpu_count()} cores for all of it, clients and databases included.

{section.table(["", *rows], cells)}

An answer is *wrong* if anything in it differs from what the version that it names says, solved anew from the bundle:
thresholds, contract, certificates, intervals, every probability and decision, the joint figures. It is *stale* if that version
is older than the newest one acknowledged before the request was sent, or newer than any asked for when the reply was there.
"""


def column(found: Tally) -> dict[str, str]:
    """The figures of one store, by what they say."""
    turned, still = ([answer for part in parts for answer in part] for parts in (found.turned, found.still))
    refused = {why: sum(times for (one, _), times in found.refused.items() if one == why) for why in STATUSES}
    return {
        "changes acknowledged, a second": f"{found.per_second:.1f}",
        "change, median": milliseconds(found.kept, 50),
        "change, 99 %": milliseconds(found.kept, 99),
        "request meanwhile, median": milliseconds(found.minute_answers, 50),
        "request meanwhile, 99 %": milliseconds(found.minute_answers, 99),
        "answers meanwhile, a second": f"{len(found.minute_answers) / found.run.seconds:.0f}",
        "answers checked": f"{found.checked.answers:,}",
        "rows in them": f"{found.checked.rows:,}",
        "versions that answered": f"{len(found.checked.versions):,}",
        "**answers wrong**": f"**{len(found.checked.wrong)}**",
        "**answers stale**": f"**{len(found.checked.stale)}**",
        **{f"refused {why} ({STATUSES[why]})": f"{times:,}" for why, times in refused.items()},
        "refused changes kept": f"{sum('was kept' in each for each in found.amiss)}",
        "changes in the history, verified": f"{found.changes:,}",
        "as many requests as can be, not turned: a second": a_second(found.still, found.run),
        "median": milliseconds(still, 50),
        "99 %": milliseconds(still, 99),
        "as many requests as can be, turned: a second": a_second(found.turned, found.run),
        "median ": milliseconds(turned, 50),
        "99 % ": milliseconds(turned, 99),
        "changes then, a second": f"{np.median(found.turned_changes) / found.run.slice_seconds:.0f}",
        "requests turned / not turned": f"{found.ratio:.2f}",
    }


def a_second(slices: Sequence[Sequence[Answer]], run: Run) -> str:
    """How many answers there were in a second of the middle one of some slices."""
    return f"{np.median([len(answers) for answers in slices]) / run.slice_seconds:.0f}"


def milliseconds(sent: Sequence[Turn] | Sequence[Answer], percent: float) -> str:
    """So many percent of the replies were back in this time."""
    taken = [each.reply.seconds for each in sent]
    return f"{1000 * float(np.percentile(taken, percent)):.1f} ms" if taken else "-"


if __name__ == "__main__":
    typer.run(main)
