"""What is written of an answer: who asked, what was decided of every row, where, and of which input."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from pydantic import JsonValue

from models.bundle import Bundle
from models.inputs import Inputs
from models.scorer import Scores
from models.turn import Turned
from serving.asker import Asker
from serving.change import canonical
from serving.decisions.digest import digests, row_bytes
from serving.decisions.index import now
from serving.decisions.line import Entry
from serving.decisions.log import Log

# Points whose words are kept: the live one, and those that requests ask for themselves.
REMEMBERED = 64
UNTRACED = b',"trace":null}'
NEGATIVE, POSITIVE, UNDECIDED = b'"negative"', b'"positive"', b'"indeterminate"'


class Verdicts(NamedTuple):
    """What one model decided of some rows, as it is written, one text a row."""

    at: bytes
    frame: bytes
    decision: list[bytes]
    inputs: list[bytes]
    probability: list[bytes]
    columns: list[bytes]

    def text(self, rows: slice) -> bytes:
        """The part of a line that tells of some of the rows."""
        join = b",".join
        kept = b'"columns":[%b],' % join(self.columns[rows]) if self.columns else b""
        return self.frame % (kept, join(self.decision[rows]), join(self.inputs[rows]), join(self.probability[rows]))


class Recorder:
    """Makes the lines of a log; with `inputs`, they hold the columns of every row as well."""

    def __init__(self, log: Log, *, inputs: bool) -> None:
        self._log = log
        self._inputs = inputs
        self._frames: dict[tuple[int, int | None, str], tuple[Turned, bytes]] = {}

    def write(self, entries: Sequence[Entry]) -> None:
        """Write lines, all of them or none.

        Raises LogLost if they can not be written.
        """
        self._log.write(entries)

    def close(self) -> None:
        """Say where the log ends."""
        self._log.close()

    def verdicts(self, bundle: Bundle, inputs: Inputs, scores: Scores, version: int | None) -> Verdicts:
        """What a bundle decided of some rows."""
        pairs = zip(scores.positive.tolist(), scores.negative.tolist(), strict=True)
        kept = [b'"%b"' % b64encode(row) for row in row_bytes(inputs)] if self._inputs else []
        return Verdicts(
            at=now().encode(),
            frame=self._frame(bundle, scores.at, version),
            decision=[POSITIVE if positive else NEGATIVE if negative else UNDECIDED for positive, negative in pairs],
            inputs=[b'"%b"' % digest.encode() for digest in digests(inputs)],
            probability=[repr(value).encode() for value in scores.probability.tolist()],
            columns=kept,
        )

    def entry(
        self,
        endpoint: str,
        name: str,
        asker: Asker,
        verdicts: Sequence[Verdicts],
        *,
        rows: slice = slice(None),
        answers: Sequence[str] | None = None,
    ) -> Entry:
        """One line: the answer of that name to some of the rows; `answers` are those of a pathway."""
        models = verdicts[0].text(rows) if len(verdicts) == 1 else b",".join([each.text(rows) for each in verdicts])
        first = b"{" if answers is None else b'{"answers":%b,' % canonical(list(answers)).encode()
        # Joined: a format takes twice as long.
        parts = (
            first,
            b'"at":"',
            verdicts[0].at,
            b'","by":',
            _text(asker.name),
            b',"endpoint":',
            _text(endpoint),
            b',"id":"',
            name.encode(),
            b'","models":[',
            models,
            b"],",
        )
        trace = UNTRACED if asker.trace is None else b',"trace":"%b"}' % asker.trace.encode()
        return Entry(b"".join(parts), trace)

    def _frame(self, bundle: Bundle, at: Turned, version: int | None) -> bytes:
        """All that is written of a model at one point, but for the rows."""
        key = id(at), version, bundle.digest
        known = self._frames.get(key)
        if known is None:
            # Threads come by here at once: what one has made stays its own, whatever another one forgets.
            if len(self._frames) >= REMEMBERED:
                self._frames.clear()
            # The point is kept with its words, so that no other one takes its address meanwhile.
            known = self._frames[key] = at, _framed(bundle, at, version)
        return known[1]


def _framed(bundle: Bundle, at: Turned, version: int | None) -> bytes:
    here: dict[str, JsonValue] = {
        "bundle": bundle.digest,
        "clear_below": at.clear_below,
        "contract": at.contract,
        "model": bundle.manifest.model,
        "prevalence": at.prevalence,
        "threshold": at.threshold,
        "version": version,
    }

    def part(*names: str) -> str:
        return canonical({name: here[name] for name in names})[1:-1].replace("%", "%%")

    # Whatever is of the rows has its place among the sorted names.
    lists = '"decision":[%b],"inputs":[%b]'
    return (
        f"{{{part('bundle', 'clear_below')},%b{part('contract')},{lists},{part('model', 'prevalence')},"
        f'"probability":[%b],{part("threshold", "version")}}}'
    ).encode()


@lru_cache(maxsize=1024)
def _text(name: str | None) -> bytes:
    return json.dumps(name).encode()
