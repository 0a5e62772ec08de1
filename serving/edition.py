"""What answers behind an address for as long as one bundle is live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from models.scorer import Scorer
from serving.columnar import Columnar
from serving.messages import Messages


@dataclass(frozen=True)
class Edition:
    """One opened bundle, and how it is asked and answers: replaced as a whole when another bundle is swapped in."""

    scorer: Scorer
    messages: Messages
    columnar: Columnar | None

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest of its bundle, by which it is named."""
        return self.scorer.bundle.digest

    def of(self, scorer: Scorer) -> Self:
        """The edition of another bundle with the same contract: types stay, whoever answers is another one."""
        messages = replace(self.messages, bundle=scorer.bundle)
        return replace(
            self,
            scorer=scorer,
            messages=messages,
            columnar=self.columnar and replace(self.columnar, messages=messages),
        )
