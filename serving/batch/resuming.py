"""Which shards are done already, and whether what is there belongs to the job at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from models.errors import BadInput, Refusal
from serving.batch.files import Files
from serving.batch.layout import FOLDER_OF_WORK
from serving.batch.order import Order
from serving.batch.receipt import Made, Receipt

RECEIPT = re.compile(r"part-(\d{5,})\.json")


def done_before(files: Files, order: Order, wanted: Mapping[int, Made], *, overwrite: bool) -> dict[int, Receipt]:
    """The receipts of shards that need not be done again, by their numbers.

    A shard counts as done if its receipt says that it was made of the same input by the same models in the same way,
    and its files are there. In a folder another job's shards are taken away only to `overwrite` them.

    Raises BadInput naming what is there if it is of another job.
    """
    layout = order.layout
    if layout.folder:
        _check_others(files, order, wanted, overwrite=overwrite)
    found = {}
    for number in _receipts(files, order):
        address = layout.receipt(number)
        receipt = Receipt.read_from(address, files.read(address) or b"")
        other = receipt.made.other(wanted[number]) if number in wanted else ("should be a shard of this job", "none")
        if other is None and _whole(files, order, receipt):
            found[number] = receipt
            continue
        if other is not None and layout.folder and not overwrite:
            rule, got = other
            raise BadInput([Refusal(layout.part(number), f"{rule} (or be written over, if that is asked)", got)])
        files.remove(address)
        files.remove(layout.turned_away(number))
    for receipt in found.values():
        if order.strict and receipt.refused_lines:
            rule = "should hold no refusal of a strict job"
            raise BadInput([Refusal(layout.turned_away(receipt.number), rule, f"{receipt.refused_lines}")])
    return found


def _whole(files: Files, order: Order, receipt: Receipt) -> bool:
    """Whether all is there that a receipt speaks of."""
    layout, number = order.layout, receipt.number
    refused = not receipt.refused_lines or files.size(layout.turned_away(number)) is not None
    return refused and files.size(layout.part(number)) == receipt.size


def _receipts(files: Files, order: Order) -> list[int]:
    matches = (RECEIPT.fullmatch(name) for name in files.names(order.layout.work))
    return [int(match[1]) for match in matches if match]


def _check_others(files: Files, order: Order, wanted: Mapping[int, Made], *, overwrite: bool) -> None:
    """Whoever reads the folder reads all tables in it: none may be there but those of this job."""
    layout = order.layout
    ours = {layout.name(number) for number in wanted} | {FOLDER_OF_WORK}
    for name in files.names(layout.target):
        if name in ours:
            continue
        address = f"{layout.target}/{name}"
        if not (overwrite and name.startswith("part-")):
            raise BadInput([Refusal(layout.target, "should be empty, or hold shards of this job", address)])
        files.remove(layout.manifest)  # It speaks of what goes now.
        files.remove(address)
