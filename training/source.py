from __future__ import annotations

from abc import abstractmethod

from models.value import Member
from training.table import Table


class Source(Member):
    """Where a study's rows come from. Members read them; one row a case, one column a name."""

    @abstractmethod
    def read(self) -> Table:
        """All rows, with digests of what was read.

        Raises NoData if it is not where it was looked for.
        """
