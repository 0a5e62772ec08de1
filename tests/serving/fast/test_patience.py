from __future__ import annotations

import asyncio
import time

import pytest

from serving.fast.patience import Patience


class Connection:
    """One that notes when it was ended."""

    def __init__(self) -> None:
        self.ended: float | None = None

    def too_slow(self) -> None:
        self.ended = time.monotonic()


def test_who_is_too_slow_is_ended_and_who_is_there_in_time_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.fast.patience.EVERY_SECONDS", 0.02)
    slow, quick, again, later = (Connection() for _ in range(4))

    async def come() -> float:
        patience = Patience(0.2)
        begun = time.monotonic()
        for each in (slow, quick, again):
            patience.begin(each)
        await asyncio.sleep(0.15)
        patience.end(quick)
        patience.begin(again)
        patience.end(later)  # Nobody had begun: nothing is amiss.
        await asyncio.sleep(0.1)
        assert again.ended is None
        patience.begin(later)
        await asyncio.sleep(0.4)
        assert not patience._since
        assert not patience._looking
        patience.begin(quick)
        await asyncio.sleep(0.4)
        return begun

    begun = asyncio.run(come())
    assert slow.ended is not None
    assert slow.ended - begun >= 0.2
    assert again.ended is not None
    assert again.ended > slow.ended
    assert later.ended is not None
    assert later.ended > again.ended
    assert quick.ended is not None
    assert quick.ended > later.ended
