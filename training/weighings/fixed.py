from __future__ import annotations

from training.weighing import Weighing


class Fixed(Weighing):
    """The weights stay as they are written."""

    def build(self, terms: int) -> None:
        del terms
