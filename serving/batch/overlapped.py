from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def overlapped(work: Callable[[Given], Found], items: Iterator[Given], *, workers: int, ahead: int) -> Generator[Found]:
    """`map`, in order, by several threads at once: the caller reads what comes next while they work, and no further.

    At most `ahead` items are read and not yet handed on. Of several errors the one of the first item is raised, that of
    reading an item after all before it are handed on.

    >>> list(overlapped(abs, iter([-1, -2, 3]), workers=2, ahead=2))
    [1, 2, 3]
    """
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="score") as pool:
        waiting: deque[Future[Found]] = deque()
        try:
            while True:
                try:
                    item = next(items)
                except StopIteration:
                    break
                except Exception:
                    while waiting:
                        yield waiting.popleft().result()
                    raise
                waiting.append(pool.submit(work, item))
                while len(waiting) >= ahead or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
