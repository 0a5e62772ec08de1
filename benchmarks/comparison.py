"""Whether weighting, or another loss, changes anything in the operating region of the shipped studies.

    python -m benchmarks.comparison out           (writes docs/comparison.md and a picture a study)

It trains nothing itself: `fulcrum compare STUDY --seeds 5 --jobs 2 --out out` does, once for each study.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.comparison import read_comparison
from training.comparing.forest import draw
from training.comparing.page import page
from training.study import shipped

DOCS = Path(__file__).resolve().parents[1] / "docs"
ABOUT = """# Does it help?

A screen is trained with misses priced up, a pre-surgical model with false alarms priced up. What that is worth, beside one
unweighted model with two thresholds and beside every other loss, is measured here, not assumed. Where nothing differs
the page says "no difference". Weighting does change probabilities: that is undone exactly, and is not what is judged here.

"""


def main(
    out: Annotated[Path, typer.Argument(help="where `fulcrum compare` wrote")] = Path("out"), docs: Path = DOCS
) -> None:
    """Join the comparisons of the shipped studies that are there into one page."""
    sections = []
    for name in shipped():
        found = read_comparison(out / name)
        if found is None:
            print(f"{out / name}: no comparison there")
            continue
        picture = docs / f"comparison-{name}.svg"
        draw(found, picture)
        sections.append(page(found, picture.name, command=f"fulcrum compare {name} --seeds {found.seeds}", level=2))
    if not sections:
        raise typer.BadParameter(f"{out}: should hold the comparison of a shipped study.")
    (docs / "comparison.md").write_text(ABOUT + "\n".join(sections), encoding="utf-8")
    print(f"Wrote {docs / 'comparison.md'}")


if __name__ == "__main__":
    typer.run(main)
