"""Work that takes long is done in a few threads, so that others are answered meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio.to_thread

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# A photograph may unpack to 120 MB: no more of them at once than there are cores to do it.
LIMITER = anyio.CapacityLimiter(os.cpu_count() or 1)


async def off_loop(
    work: Callable[Arguments, Result], /, *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """What `work` returns or raises, from a thread."""
    return await anyio.to_thread.run_sync(partial(work, *arguments, **named), limiter=LIMITER)
