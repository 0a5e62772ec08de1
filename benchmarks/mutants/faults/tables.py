"""Faults on the way of a table's rows: columns proven, text cut into records, lines carried along, rows numbered."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

PROVEN, RECORDS, LINES = "models/proven.py", "serving/batch/records.py", "serving/batch/lines.py"
COMMA, PARQUET = "serving/batch/formats/comma.py", "serving/batch/formats/parquet.py"
GROUPED, STEP, CHUNK = "serving/batch/formats/grouped.py", "serving/batch/step.py", "serving/chunk.py"

READERS = ["serving/batch/test_readers.py", "serving/batch/test_odd_files.py", "serving/batch/test_spans.py"]
TESTS = {
    PROVEN: ["models/test_proven.py", "models/test_unguarded.py"],
    RECORDS: ["serving/batch/test_records.py"],
    LINES: ["serving/batch/test_lines.py"],
    COMMA: [*READERS, "serving/batch/test_writers.py", "serving/batch/test_lines.py"],
    PARQUET: [*READERS, "serving/batch/test_writers.py", "serving/batch/test_shards.py"],
    GROUPED: ["serving/batch/test_writers.py", "serving/batch/test_job.py"],
    STEP: ["serving/batch/test_job.py"],
    CHUNK: ["serving/batch/test_job.py", "serving/test_chunk.py"],
}

MUTANTS = [
    Mutant(PROVEN, 'if cells.null_count and column.missing != "impute":', "if False:", "empty cells let through"),
    Mutant(PROVEN, "values.min().item(), values.max().item()", "np.nanmin(values).item(), np.nanmax(values).item()", "NaN let through"),
    Mutant(PROVEN, "values.min().item(), values.max().item()", "values.min(), values.max()", "bounds compared in 32 bits"),
    Mutant(PROVEN, "max(low, -EXACT) <= lowest and highest", "highest", "what is too low let through"),
    Mutant(PROVEN, "max(low, -EXACT) <= lowest and highest <= min(high, EXACT)", "low <= lowest and highest <= high", "numbers that no double holds let through"),
    Mutant(PROVEN, "not column.whole or bool((values == np.floor(values)).all())", "True", "fractions of yes let through"),
    Mutant(PROVEN, "    found[empty] = np.nan\n", "", "what lies in memory taken for a cell"),
    Mutant(PROVEN, "np.count_nonzero(np.isnan(found)) == cells.null_count", "True", "names that are not known taken for empty cells"),
    Mutant(PROVEN, "np.flatnonzero(empty.view(np.bool_))", "np.flatnonzero(~empty.view(np.bool_))", "full cells taken for empty ones"),
    Mutant(PROVEN, "count=start + many)[start:] if many", "count=start + many)[:many] if many", "a slice read from the start of its memory"),
    Mutant(PROVEN, 'bitorder="little")[start:]', 'bitorder="little")[:many]', "a slice's empty cells sought at the start of its memory"),
    Mutant(RECORDS, "searchsorted(quotes, ends) % 2 == 0", "searchsorted(quotes, ends) >= 0", "records cut inside quotes"),
    Mutant(RECORDS, "    if len(quotes) % 2:\n", "    if False:\n", "a quote left open let through"),
    Mutant(RECORDS, "np.where(turn % 2 == 0, quotes - 1, quotes + 1)", "quotes - 1", "what follows a closing quote let through"),
    Mutant(RECORDS, '        if rest == BOM_UTF8:\n            rest = b""\n', "", "the byte order mark taken for text"),
    Mutant(RECORDS, "line, begins = line + line_feeds(whole), begins + len(whole)", "line, begins = line + 1, begins + len(whole)", "blocks counted for lines"),
    Mutant(RECORDS, "min(block_bytes, stop - place)", "block_bytes", "a part read beyond its end"),
    Mutant(RECORDS, "    if rest:\n        yield Block(line, rest, begins)\n", "", "the last line without an end lost"),
    Mutant(RECORDS, "        if len(rest) > LONGEST_RECORD:\n", "        if False:\n", "a record of any length taken"),
    Mutant(LINES, "table.num_rows != line_feeds(data)", "False", "blank lines carried along"),
    Mutant(LINES, "    if len(good) < len(numbers):\n        return None\n", "", "columns in doubt left out"),
    Mutant(LINES, "    reader.check(block)\n", "", "bytes that are no text let through"),
    Mutant(LINES, 'data if data.endswith(b"\\n") else data + b"\\n"', "data", "the last line joined to nothing"),
    Mutant(LINES, "data = BOM_UTF8 + data if data.startswith(BOM_UTF8) else data", "pass", "a mark at the start of a cell dropped"),
    Mutant(LINES, 'if b\'"\' in data or b"\\r" in data or', "if", "quotes and CR taken for plain text"),
    Mutant(COMMA, "table.slice(row - left_out,", "table.slice(row,", "rows after a ragged one read too far on"),
    Mutant(COMMA, '            refused.append(Refusal(f"rows.{place}"', '            (Refusal(f"rows.{place}"', "ragged rows dropped silently"),
    Mutant(COMMA, "    if refused:\n        yield Chunk(end, table.slice(0, 0), tuple(refused))\n", "", "a ragged row at the end dropped silently"),
    Mutant(COMMA, "quoted_strings_can_be_null=False", "quoted_strings_can_be_null=True", "a quoted empty text taken for nothing"),
    Mutant(COMMA, "        data = BOM_UTF8 + block.data\n", "        data = block.data\n", "a mark at the start of a cell dropped"),
    Mutant(COMMA, "pl.col(pl.Float32).cast(pl.Float64)", "pl.col(pl.Float32)", "scores written with too few digits"),
    Mutant(COMMA, "numbers.cast(pl.Float64) if numbers.dtype == pl.Float32 else numbers", "numbers", "scores of whole lines written with too few digits"),
    Mutant(COMMA, "if block.start - start >= size:", "if block.start - start > 2 * size:", "shards of text twice as large"),
    Mutant(COMMA, "start, first_line = block.start, block.line", "start, first_line = block.start, 1", "lines of a shard counted from its start"),
    Mutant(PARQUET, "yield Span(start, place, first_row)\n", "yield Span(start, place, 0)\n", "rows of a shard counted from its start"),
    Mutant(PARQUET, "        yield Span(start, self._about.num_row_groups, first_row)\n", "", "the last groups of a file lost"),
    Mutant(PARQUET, "row_groups=some, columns=columns", "columns=columns", "all groups read for each shard"),
    Mutant(PARQUET, "        if some:\n            yield some\n", "", "the last groups of a shard lost"),
    Mutant(PARQUET, "                some, many = [], 0\n", "                many = 0\n", "groups read again and again"),
    Mutant(PARQUET, "many + group.num_rows > rows or", "", "shards of any number of rows"),
    Mutant(GROUPED, "        if self._held:\n            self._flush()\n", "", "the last group not written"),
    Mutant(GROUPED, "        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:\n", "        if False:\n", "everything held back to the end"),
    Mutant(STEP, "kept(chunk.rows.select(self.carried), encoded.good)", "chunk.rows.select(self.carried)", "bad rows kept beside the answers of others"),
    Mutant(STEP, "bad = len(chunk.refused) + int((~encoded.good).sum())", "bad = int((~encoded.good).sum())", "ragged rows not counted"),
    Mutant(STEP, "(*chunk.refused, *encoded.refused), judged.tally", "encoded.refused, judged.tally", "ragged rows not told"),
    Mutant(CHUNK, "    if len(good) == len(known) and schema.image is None:\n", "    if good and schema.image is None:\n", "columns in doubt left out"),
    Mutant(CHUNK, "np.where(undecided, 2, scores.positive)", "np.where(undecided, 0, scores.positive)", "whom the model does not decide called negative"),
    Mutant(CHUNK, "undecided = ~(scores.positive | scores.negative)", "undecided = np.zeros_like(scores.positive)", "nobody left undecided"),
    Mutant(CHUNK, "            values[rows, place] = numbers[rows]\n", "            values[rows, place] = numbers[: len(values[rows])]\n", "the first rows scored again and again"),
    Mutant(CHUNK, "_bits(~empty)", "_bits(empty)", "empty and full cells of an answer exchanged"),
    Mutant(CHUNK, "there = pa.py_buffer(_bits(~empty)) if", "there = None if", "empty cells of an answer full"),
    Mutant(CHUNK, 'bitorder="little"', 'bitorder="big"', "eight decisions the other way round"),
    Mutant(CHUNK, "np.ascontiguousarray(values)", "values.base if values.base is not None else values", "one answer's column of memory for another's"),
    Mutant(CHUNK, "        if name in carried\n    ]", "        if False\n    ]", "a column of the table named like a score"),
    Mutant(CHUNK, "        if count > 1\n    ]", "        if False\n    ]", "two columns of a name let through"),
]  # fmt: skip
