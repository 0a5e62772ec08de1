"""The part of a page that a program writes; what people wrote around it stays."""

from __future__ import annotations

from pathlib import Path


def write(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->` of a page by text.

    Raises ValueError unless both marks are there once, in this order.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, first, rest = page.read_text().partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last or begin in rest or end in after:
        raise ValueError(f"{page}: should hold {begin.strip()} and {end.strip()} once, in this order.")
    page.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown, whose first column is text and whose others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
