"""What each answer is called, so that it can be found again."""

from __future__ import annotations

import secrets
from itertools import count


class Names:
    """Names that no other answer has, of this process or another one: 64 random bits, and a number.

    A name says nothing of a person. The place of a row behind it, as in `NAME.3`, names one decision.
    """

    def __init__(self) -> None:
        self._process = secrets.token_hex(8)
        self._numbers = count(1)

    def new(self) -> str:
        """A name that was not given before."""
        return f"{self._process}-{next(self._numbers):x}"
