"""The kinds of files that are read and written."""

from __future__ import annotations

from models.errors import BadInput, Refusal
from serving.batch.formats.arrow import Arrow
from serving.batch.formats.comma import Csv
from serving.batch.formats.form import Format
from serving.batch.formats.parquet import Parquet
from serving.batch.place import Place

FORMATS: tuple[type[Format], ...] = (Csv, Parquet, Arrow)
ENDINGS = tuple(ending for each in FORMATS for ending in each.endings)
# What is written is never packed as a whole.
WRITTEN = {f".{name}": each for name, each in (("csv", Csv), ("parquet", Parquet), ("arrow", Arrow))}


def format_of(place: Place) -> type[Format]:
    """The kind of a file that is to be read, by the ending of its name.

    Raises BadInput if it is another one.
    """
    name = place.name.lower()
    for each in FORMATS:
        if name.endswith(each.endings):
            return each
    got = f".{name.rpartition('.')[2]}" if "." in name else "no ending"
    raise BadInput([Refusal(place.address, f"should end in {_listed(ENDINGS)}", got)])


def _listed(endings: tuple[str, ...]) -> str:
    return f"{', '.join(endings[:-1])} or {endings[-1]}"
