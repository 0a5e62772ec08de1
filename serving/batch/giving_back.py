"""Memory that was let go of, given back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give back what the C library of Linux keeps for later.

    It keeps for each thread what was let go of in it: what one thread took to look at large files would lie there,
    while another takes as much to read them.
    """
    # Other systems have no such call.
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
