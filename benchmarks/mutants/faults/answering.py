"""Faults on the way of a row: schema, requests, tables, scorer."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

ROWS, SCHEMA, TABLE, SCORER = "models/rows.py", "models/schema.py", "models/table.py", "models/scorer.py"

TESTS = {
    ROWS: ["models/test_rows.py"],
    SCHEMA: ["models/test_schema.py", "models/test_rows.py", "models/test_table.py"],
    TABLE: ["models/test_table.py", "models/test_unguarded.py"],
    SCORER: ["models/test_scorer.py", "models/test_graph.py", "models/test_unguarded.py"],
}

MUTANTS = [
    Mutant(SCORER, "not 0 <= threshold <= 1:", "(threshold < 0 or threshold > 1):", "threshold NaN let through"),
    Mutant(SCORER, "if prevalence is not None and not (0 < prevalence < 1 and 0 < float32(prevalence) < 1):", "if False:", "of all that is wrong the prevalence not told"),
    Mutant(SCORER, 'if math.isnan(np.add.reduce(answers["probability"])):', "if False:", "rows outside the schema answered"),
    Mutant(SCORER, "rows[start : start + size]", "rows[start : start + size - 1]", "the last row of a call lost"),
    Mutant(SCORER, " or columns.dtype != np.float32", "", "64-bit columns let through"),
    Mutant(SCORER, "return at.clear_below if at.clear_below < at.threshold else NO_ZONE", "return NO_ZONE", "the zone closed"),
    Mutant(SCORER, "prevalence=float32(at.prevalence)\n", "\n", "the prevalence that was asked forgotten"),
    Mutant(SCORER, 'found["negative"] = ~found["positive"] & cleared', 'found["negative"] = ~found["positive"]', "a zone of the first format closed"),
    Mutant(ROWS, 'extra="forbid"', 'extra="ignore"', "unknown fields dropped silently"),
    Mutant(ROWS, 'if column.missing == "impute" else column.cell', "if column.missing else column.cell", "every cell may be empty"),
    Mutant(ROWS, "    if not rows:\n", "    if False:\n", "an empty list answered"),
    Mutant(ROWS, "Field(..., alias=column.name", "Field(None, alias=column.name", "a field may be left out"),
    Mutant(SCHEMA, "Field(strict=True, ge", "Field(strict=False, ge", "text read as numbers"),
    Mutant(SCHEMA, "ge=self.low, le=self.high, allow_inf_nan", "gt=self.low, le=self.high, allow_inf_nan", "the lowest value refused"),
    Mutant(SCHEMA, "float(self.categories.index(cell))", "float(sorted(self.categories).index(cell))", "categories in another order"),
    Mutant(SCHEMA, "if any(category != category.strip() for category in self.categories):", "if False:", "a kind that no file can hold"),
    Mutant(SCHEMA, "good = (numbers >= low) & (numbers <= high)", "good = ~((numbers < low) | (numbers > high))", "NaN let through"),
    Mutant(SCHEMA, "(numbers >= low)", "(numbers > low)", "the lowest value refused"),
    Mutant(SCHEMA, "good &= numbers == np.floor(numbers)", "pass", "fractions of yes let through"),
    Mutant(SCHEMA, 'np.errstate(invalid="ignore")', 'np.errstate(invalid="warn")', "a NaN that signals warned of"),
    Mutant(TABLE, "text = cells.str.strip_chars()", "text = cells", "spaces make a cell bad"),
    Mutant(TABLE, "{first_row + row}.{schema", "{row}.{schema", "rows named from the chunk's start"),
    Mutant(TABLE, 'allowed = empty if column.missing == "impute" else np.zeros_like(empty)', "allowed = empty", "empty cells let through"),
    Mutant(TABLE, "cells.str.to_lowercase().replace_strict", "cells.replace_strict", "TRUE refused"),
    Mutant(TABLE, "np.where(bad | empty, np.nan, numbers)", "np.where(empty, np.nan, numbers)", "bad numbers passed on"),
    Mutant(TABLE, "some = slice(None) if self.good.all() else self.good", "some = slice(None)", "bad rows called good"),
    Mutant(SCORER, "if rows.proven and rows.image is None else self._session", "if rows.image is None else self._session", "nobody's rows looked at"),
]  # fmt: skip
