from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.costs import Costs
from training.losses.cost_weighted import CostWeighted
from training.losses.huber import Huber
from training.losses.squared_size import SquaredSize
from training.losses_table import PAGE, table, written
from training.term import WEIGHTS, Term

HOME = Path(__file__).parents[2]
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_of_losses_is_up_to_date() -> None:
    assert written(TEXT) == TEXT, "docs/losses.md: write it with `python -m training.losses_table`."


def test_every_file_of_the_folder_has_a_line_of_full_cells() -> None:
    lines = {line.split("`")[1]: line for line in table().splitlines()[2:]}
    files = [file.read_text(encoding="utf-8") for file in (HOME / "training" / "losses").glob("*.py")]
    found = [
        name
        for text in files
        for name in re.findall(r"^class (\w+)\((?:Loss|Learning|Counted)\):", text, flags=re.MULTILINE)
    ]
    assert set(lines) == set(found) - {"Counted"}
    for line in lines.values():
        cells = re.split(r" (?<!\\)\| ", line.strip("| "))
        assert len(cells) == 6
        assert all(cells)


def test_a_line_is_what_the_loss_says_of_itself() -> None:
    assert (
        "| `Quantile` | Pinball loss: pulls towards the number that a given share of targets lies below | number"
        ' | number | nothing to undo | Koenker & Bassett, "Regression Quantiles", Econometrica 1978 |\n'
    ) in table()
    assert "| `CostWeighted` | Cross-entropy" in table()


@pytest.mark.parametrize("page", ["", "<!-- losses -->\n", "<!-- end of losses -->\n<!-- losses -->\n", TEXT + TEXT])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError) as caught:
        written(page)
    assert str(caught.value) == (
        "losses.md: should hold <!-- losses --> and <!-- end of losses --> once, in this order."
    )


def test_what_people_wrote_around_the_table_stays() -> None:
    page = written("above\n<!-- losses -->\nold\n<!-- end of losses -->\nbelow\n")
    assert page == f"above\n<!-- losses -->\n\n{table()}\n<!-- end of losses -->\nbelow\n"


def test_the_command_that_the_page_names_writes_it(tmp_path: Path) -> None:
    for name in ("training", "models"):  # a copy: in this folder, a page that is out of date is to be seen
        shutil.copytree(HOME / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.png"))
    page = tmp_path / "docs" / "losses.md"
    page.parent.mkdir()
    page.write_text(written(TEXT).replace("`Huber`", "`Hubris`"), encoding="utf-8")
    command = re.findall(r"`python (-m [\w.]+)`", TEXT)[0].split()
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert page.read_text(encoding="utf-8") == written(TEXT)


def test_the_terms_that_the_page_shows_are_terms() -> None:
    (shown,) = re.findall(r"```py\n(.*?)```", TEXT, flags=re.DOTALL)
    names = {kind.__name__: kind for kind in (Costs, CostWeighted, Huber, SquaredSize, Term)}
    found: dict[str, Any] = {}
    exec(shown, {**names, "WEIGHTS": WEIGHTS}, found)  # the page's own text
    assert [str(term) for term in found["terms"]] == [
        "CostWeighted on sick against sick",
        "Huber on age against age",
        "SquaredSize on weights",
    ]


def test_the_example_is_found_by_itself_and_keeps_what_every_loss_keeps(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "hinge.py").write_text(example, encoding="utf-8")
    program = f"""
import doctest, sys, pytest, training.losses
training.losses.__path__.append({str(tmp_path)!r})
from training.losses_table import table
assert "| `Hinge` | Cost of what a logit lacks" in table()
assert doctest.testmod(sys.modules["training.losses.hinge"]) == (0, 1)
asked = ["-q", "--noconftest", "-p", "no:cacheprovider", "-k", "Hinge", "tests/training/test_every_loss.py"]
sys.exit(pytest.main(asked))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^1\d passed", done.stdout, flags=re.MULTILINE), done.stdout
