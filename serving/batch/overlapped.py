from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")
END = object()


def overlapped(work: Callable[[Given], Found], items: Iterator[Given], *, workers: int, ahead: int) -> Generator[Found]:
    """`map`, in order, by several threads at once; each reads the next item when it has done one.

    At most `ahead` items are read and not yet handed on. Of several errors the one of the first item is raised, that of
    reading an item after all before it are handed on.

    >>> list(overlapped(abs, iter([-1, -2, 3]), workers=2, ahead=2))
    [1, 2, 3]
    """
    if workers == 1:
        yield from map(work, items)
        return
    turns = _Turns(work, items, ahead)
    threads = [threading.Thread(target=turns.run, name=f"score-{number}", daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        number = 0
        while (found := turns.wait(number)) is not END:
            yield found
            number += 1
    finally:
        turns.end(workers)
        for thread in threads:
            thread.join()


class _Turns(Generic[Given, Found]):
    """What the threads share: who reads an item works on it, so that no more threads are awake than there are cores."""

    def __init__(self, work: Callable[[Given], Found], items: Iterator[Given], ahead: int) -> None:
        self._work, self._items = work, items
        self._reading, self._room, self._arrived = threading.Lock(), threading.Semaphore(ahead), threading.Condition()
        self._read, self._ended = 0, False
        self._found: dict[int, Future[Any]] = {}

    def run(self) -> None:
        """Read and work until nothing is left, or something goes wrong."""
        while True:
            self._room.acquire()
            found: Future[Any] = Future()
            with self._reading:
                if self._ended:
                    return
                number, self._read = self._read, self._read + 1
                try:
                    item = next(self._items)
                except StopIteration:
                    found.set_result(END)
                except Exception as error:  # noqa: BLE001  # it is raised where the result is asked for
                    found.set_exception(error)
                # Others may have said so meanwhile, which stands.
                if found.done():
                    self._ended = True
            if not found.done():
                self._try(item, found)
            with self._arrived:
                self._found[number] = found
                self._arrived.notify()

    def wait(self, number: int) -> Any:
        """What became of an item, END after the last; whoever asks has done with the one before.

        Raises what went wrong with it.
        """
        if number:
            self._room.release()
        with self._arrived:
            self._arrived.wait_for(lambda: number in self._found)
            found = self._found.pop(number)
        return found.result()

    def end(self, workers: int) -> None:
        """Let all threads go as soon as they have done what they are at."""
        self._ended = True
        for _ in range(workers):
            self._room.release()

    def _try(self, item: Given, found: Future[Any]) -> None:
        try:
            found.set_result(self._work(item))
        except Exception as error:  # noqa: BLE001  # the same
            self._ended = True
            found.set_exception(error)
