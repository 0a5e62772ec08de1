"""Bodies that a client has packed: unpacked to no more than a request may hold."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from models.errors import BadInput, Refusal, shown
from serving.refusals import TooLarge, WrongType

# What zlib is told of each: HTTP calls its own format deflate.
WINDOWS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpack(sent: bytes, encoding: str, most: int) -> bytes:
    """A body as it was before it was packed in the way that its content encoding says.

    Raises WrongType for another encoding, TooLarge as soon as it is, and BadInput if it is not packed so.
    """
    kind = encoding.strip().lower()
    if kind in {"", "identity"}:
        return sent
    if kind not in WINDOWS:
        raise WrongType([Refusal("content-encoding", f"should be {', '.join(WINDOWS)} or none", shown(encoding))])
    reader = zlib.decompressobj(WINDOWS[kind])
    try:
        body = reader.decompress(sent, most + 1)
    except zlib.error as error:
        raise BadInput([Refusal("body", f"should be packed with {kind}", str(error))]) from None
    if len(body) > most:
        raise TooLarge([Refusal("body", f"should unpack to at most {most} bytes", "more")])
    if not reader.eof:
        raise BadInput([Refusal("body", f"should be packed with {kind}, and sent whole", "a part of it")])
    if reader.unused_data:
        raise BadInput([Refusal("body", f"should end with what is packed with {kind}", "more behind it")])
    return body
