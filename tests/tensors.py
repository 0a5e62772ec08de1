"""Hand-made rows as a client of the Open Inference Protocol sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient import http
from tritonclient.utils import np_to_triton_dtype

from tests.running import Server

NAN = float("nan")


def address(server: Server) -> str:
    """Where a server is, as the client wants to be told."""
    return server.url.removeprefix("http://")


def arrays(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Rows as arrays, one a column."""
    return {
        "age": np.array([row["age"] for row in rows], dtype=np.float32),
        "fluid": np.array([NAN if row["fluid"] is None else row["fluid"] for row in rows], dtype=np.float64),
        "new_vessels": np.array(
            [NAN if row["new_vessels"] is None else row["new_vessels"] for row in rows], np.float32
        ),
        "eye": np.array([row["eye"] for row in rows], dtype=object),
    }


def inputs(given: Mapping[str, NDArray[Any]], *, binary: bool = True, kind: Any = http.InferInput) -> list[Any]:
    """Arrays as inputs of the client: its own, or that of another of its modules."""
    found = []
    for name, values in given.items():
        each = kind(name, list(values.shape), np_to_triton_dtype(values.dtype))
        each.set_data_from_numpy(values, binary_data=binary)
        found.append(each)
    return found
