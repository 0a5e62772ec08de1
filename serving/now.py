"""One version of the live point."""

from __future__ import annotations

from dataclasses import dataclass

from models.scorer import Scorer
from models.turn import Setting, Turned
from serving.change import Change


@dataclass(frozen=True)
class Now:
    """One version of the live point: nothing of it changes while a request is answered."""

    version: int
    change: Change | None
    setting: Setting
    turned: Turned
    # Of the bundle whose point it is, and which answers there; None: whichever the endpoint has.
    scorer: Scorer | None = None
