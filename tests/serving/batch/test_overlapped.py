from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator

import pytest

from serving.batch.overlapped import overlapped


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("score")]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("ahead", [1, 3, 50])
@pytest.mark.parametrize("many", [0, 1, 40])
def test_results_come_in_the_order_of_what_is_read(workers: int, ahead: int, many: int) -> None:
    def slow(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return -number

    assert list(overlapped(slow, iter(range(many)), workers=workers, ahead=ahead)) == [-each for each in range(many)]
    assert threads() == []


@pytest.mark.parametrize(("workers", "ahead"), [(1, 3), (2, 1), (2, 4), (4, 9)])
def test_never_more_is_read_and_not_handed_on_than_was_said(workers: int, ahead: int) -> None:
    read, handed, most = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal read, most
        for number in range(60):
            read += 1
            most = max(most, read - handed)
            yield number

    def slow_at_first(number: int) -> int:
        time.sleep(0.1 * (number == 0))  # meanwhile others read as much as they may
        return number

    for _ in overlapped(slow_at_first, items(), workers=workers, ahead=ahead):
        handed += 1
        time.sleep(0.001)
    assert (read, handed) == (60, 60)
    assert most <= ahead


def test_what_comes_next_is_read_while_others_work() -> None:
    together = threading.Barrier(3, timeout=30)

    def meet(number: int) -> int:
        together.wait()  # passes only if three are at work at once
        return number

    assert list(overlapped(meet, iter(range(6)), workers=3, ahead=4)) == list(range(6))


def failing(*places: int) -> Callable[[int], int]:
    def work(number: int) -> int:
        if number in places:
            time.sleep(0.02 * (number == min(places)))  # the first to be raised is the last to happen
            raise ValueError(f"item {number}")
        return number

    return work


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_of_several_errors_the_first_one_in_order_is_raised_and_nothing_after_it_is_handed_on(workers: int) -> None:
    found: list[int] = []
    with pytest.raises(ValueError, match="item 3") as caught:
        collect(overlapped(failing(3, 4, 5), iter(range(20)), workers=workers, ahead=8), found)
    assert found == [0, 1, 2]
    assert caught.value.__context__ is None
    assert threads() == []


def collect(results: Iterator[int], found: list[int]) -> None:
    """Each result goes to `found` at once."""
    for each in results:
        found.append(each)  # noqa: PERF402  # a list of all would be lost with the error


def unreadable(at: int) -> Iterator[int]:
    yield from range(at)
    raise OSError("unreadable")


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("at", [0, 1, 7])
def test_an_error_of_reading_comes_after_all_that_was_read_before_it(workers: int, at: int) -> None:
    found: list[int] = []
    with pytest.raises(OSError, match="unreadable"):
        collect(overlapped(lambda number: number, unreadable(at), workers=workers, ahead=5), found)
    assert found == list(range(at))


def test_an_error_of_an_item_comes_before_one_of_reading_after_it() -> None:
    with pytest.raises(ValueError, match="item 2"):
        list(overlapped(failing(2), unreadable(4), workers=3, ahead=9))


def test_whoever_stops_listening_ends_the_work() -> None:
    done: list[int] = []
    go = threading.Event()

    def work(number: int) -> int:
        if number:
            go.wait(30)
        done.append(number)
        return number

    results: Generator[int] = overlapped(work, iter(range(100)), workers=2, ahead=50)
    threading.Timer(0.05, go.set).start()
    assert next(results) == 0
    results.close()
    # Those at work are waited for; those that wait are not begun.
    assert threads() == []
    assert len(done) <= 4


def test_whoever_stops_listening_while_an_item_is_read_ends_the_work_too() -> None:
    reading, go = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            if number == 3:
                reading.set()
                go.wait(30)
            yield number

    results: Generator[int] = overlapped(lambda number: number, items(), workers=2, ahead=10)
    assert next(results) == 0
    assert reading.wait(30)
    leaving = threading.Thread(target=results.close, daemon=True)
    leaving.start()
    time.sleep(0.05)
    go.set()
    leaving.join(10)
    assert threads() == []
