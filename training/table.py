from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Table:
    """Rows as a source gives them, with the SHA-256 of everything that was read for them."""

    rows: pl.DataFrame
    digests: Mapping[str, str]
