from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from serving.batch.giving_back import give_back
from tests.asking import ROOT

PROGRAM = """
from pathlib import Path
from serving.batch.giving_back import give_back

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if "RssAnon" in line)

before = held()
pieces = [bytes(4096) for _ in range(10_000)]
last = bytes(4096)  # What lies below it can not be given back by itself.
del pieces
kept = held()
give_back()
print(before, kept, held())
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library gives back by itself, or never"
)
def test_memory_that_was_let_go_of_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    before, kept, after = map(int, done.stdout.split())
    assert kept - before > 30_000  # of 40,000 kB
    assert after - before < 10_000


def test_where_there_is_no_such_call_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in (AttributeError, OSError, TypeError):

        def library(name: None, kind: type[Exception] = missing) -> None:
            raise kind

        monkeypatch.setattr(ctypes, "CDLL", library)
        give_back()
