"""A table as trees, lines and networks want it; whatever is learnt for that is learnt from the rows to fit on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from benchmarks.quality.splits import Rows
from benchmarks.quality.table import Table

# Words of fewer rows than this are pooled; columns with a larger share of empty cells get a flag that says so.
RARE, FLAGGED = 10, 0.005
# Scaled numbers are pressed softly into this many spans on either side.
REACH = 3.0


@dataclass(frozen=True)
class Encoded:
    """All rows of a table, encoded.

    `trees` float64 [rows, columns]: numbers as they are with NaN for empty, then codes of words, whose places are
    `words`. `dense` float32 [rows, width]: `numbers` float32 [rows, numbers], scaled and filled in, then flags and
    one column a word. `codes` int64 [rows, flags and columns of words] is the same for networks that embed, each
    below its `kinds`.
    """

    table: Table
    trees: NDArray[np.float64]
    words: tuple[int, ...]
    numbers: NDArray[np.float32]
    dense: NDArray[np.float32]
    codes: NDArray[np.int64]
    kinds: tuple[int, ...]

    @property
    def sick(self) -> NDArray[np.int64]:
        """int64 [rows] in {0, 1}."""
        return self.table.sick


def encode(table: Table, rows: Rows) -> Encoded:
    """Encode a whole table by what `rows` show."""
    raw = table.features.select(table.numbers).to_numpy().astype(np.float64)
    empty = np.isnan(raw)
    flags = empty[:, empty[rows].mean(axis=0) > FLAGGED]
    numbers = _scaled(raw, empty, rows)
    # Without any column of words polars forgets how many rows there are.
    words = np.full((len(table), len(table.categories)), "", dtype=object)
    for place, name in enumerate(table.categories):
        words[:, place] = table.features[name].fill_null("missing").to_list()
    spread, places, codes = _words(words, rows)
    return Encoded(
        table=table,
        trees=np.hstack([raw, places]),
        words=tuple(range(raw.shape[1], raw.shape[1] + places.shape[1])),
        numbers=numbers,
        dense=np.hstack([numbers, flags, spread]).astype(np.float32),
        codes=np.hstack([flags, codes]).astype(np.int64),
        kinds=(*[2] * flags.shape[1], *(int(codes[:, place].max()) + 1 for place in range(codes.shape[1]))),
    )


def _scaled(raw: NDArray[np.float64], empty: NDArray[np.bool_], rows: Rows) -> NDArray[np.float32]:
    """Numbers around their median in quartile spans, pressed softly; where the quartiles agree, in halves of the range."""
    low, middle, high = np.nanquantile(raw[rows], (0.25, 0.5, 0.75), axis=0)
    span = high - low
    width = np.nanmax(raw[rows], axis=0) - np.nanmin(raw[rows], axis=0)
    span = np.where(span > 0, span, width / 2)
    span = np.where(span > 0, span, 1.0)
    scaled = (np.where(empty, middle, raw) - middle) / span
    return (scaled / np.sqrt(1 + (scaled / REACH) ** 2)).astype(np.float32)


def _words(
    words: NDArray[np.object_], rows: Rows
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """A column a word; codes with -1 for what was never seen; and the same codes from 0 on."""
    if not words.shape[1]:
        none = np.zeros((len(words), 0))
        return none, none, none.astype(np.int64)
    one_hot = OneHotEncoder(min_frequency=RARE, handle_unknown="infrequent_if_exist", sparse_output=False)
    ordinal = OrdinalEncoder(min_frequency=RARE, handle_unknown="use_encoded_value", unknown_value=-1)
    spread = one_hot.fit(words[rows]).transform(words)
    places = ordinal.fit(words[rows]).transform(words)
    return spread, places, places.astype(np.int64) + 1
