from __future__ import annotations

import pytest

from serving.asker import NOBODY, Asker

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_the_trace_of_a_valid_traceparent_is_kept(flags: str) -> None:
    assert Asker.of("ada", f" 00-{TRACE}-{PARENT}-{flags}") == ("ada", TRACE)


def test_a_later_version_may_say_more() -> None:
    assert Asker.of(None, f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like").trace == TRACE


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01\n00",
    ],
)
def test_what_is_no_traceparent_is_as_good_as_none(traceparent: str) -> None:
    assert Asker.of(None, traceparent) == NOBODY
