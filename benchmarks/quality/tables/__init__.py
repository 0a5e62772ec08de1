"""One medical table a file, each with a function `table`; `benchmarks.quality.table.find_table` finds them by name."""
