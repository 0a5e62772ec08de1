from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_demonstration_finds_everything_that_it_uses() -> None:
    found = runpy.run_path(str(ROOT / "demo.py"), run_name="demo")
    assert callable(found["main"])
