"""One shard as a task: what an engine sends to another process, and what comes back from there, as plain texts."""

from __future__ import annotations

from models.errors import BadInput, Refusal
from serving.batch.doing import do
from serving.batch.judge import Judge
from serving.batch.order import Order
from serving.batch.receipt import Made, Receipt
from serving.batch.shard import Shard

# The JSON of a receipt; or path, rule and what was got of each refusal.
Found = tuple[str, list[tuple[str, str, str]]]


def score_shard(order: str, shard: str) -> Found:
    """Do one shard, in whatever process: what an engine hands out.

    Both are JSON, an `Order` and a `Shard`. Found is the JSON of its receipt, or else why it is refused: a shard that
    is refused would be refused again, and is no failure of the task.
    """
    asked = Order.model_validate_json(order)
    try:
        (receipt,) = do(asked, asked.judge(), [Shard.model_validate_json(shard)])
    except BadInput as error:
        return "", [(refusal.path, refusal.rule, refusal.got) for refusal in error.refusals]
    return receipt.model_dump_json(), []


def receipt_of(found: Found, order: Order, judge: Judge, shard: Shard) -> Receipt:
    """The receipt of a shard that `score_shard` did, which has to be what was asked.

    Raises BadInput if it was refused, or if whoever did it is not like this process.
    """
    text, refused = found
    if refused:
        raise BadInput([Refusal(*each) for each in refused])
    receipt = Receipt.model_validate_json(text)
    if other := receipt.made.other(Made.of(order, judge, shard)):
        raise BadInput([Refusal(order.layout.part(shard.number), *other)])
    return receipt
