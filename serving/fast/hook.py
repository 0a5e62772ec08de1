"""Enters the protocol of the hot routes into uvicorn, or leaves everything as it is.

BentoML's worker needs 500 to 1,300 microseconds a request for what goes on around a method, where a model of a table
needs some ten. It lets uvicorn choose the class that speaks HTTP, and uvicorn looks that up by name in a table of its
own, after the service was imported. There a child of uvicorn's own class is entered. No code of either is replaced;
where the table or the class is not as it was, nothing is entered, and BentoML answers everything, more slowly.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import uvicorn.config

from serving.fast.heads import Heads
from serving.fast.patience import Patience
from serving.fast.routes import Route
from serving.leaving import Leaving

PARENT = "uvicorn.protocols.http.httptools_impl"
# What the child uses of its parent and of uvicorn's table.
USED = (
    "connection_made",
    "connection_lost",
    "data_received",
    "on_message_begin",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "timeout_keep_alive_handler",
    "shutdown",
)
CHOICE = "auto"


def install(routes: Mapping[str, Route], *, seconds: float, connections: int, leaving: Leaving) -> bool:
    """Let JSON posted to these routes be answered there in this process, and say whether it is.

    A request has so many seconds to arrive, and so many connections may be there at once; once the process is leaving,
    each has one more answer. To be called before uvicorn looks up its protocol, as a module that BentoML loads is.
    """
    try:
        parent = importlib.import_module(PARENT).HttpToolsProtocol
        table = uvicorn.config.HTTP_PROTOCOLS
    except (ImportError, AttributeError):
        return False
    if CHOICE not in table or not all(hasattr(parent, name) for name in USED):
        return False
    module = importlib.import_module("serving.fast.protocol")
    module.Protocol.routes = {address.encode(): route for address, route in routes.items()}
    module.Protocol.patience = Patience(seconds)
    module.Protocol.most_connections = connections
    module.Protocol.leaving = leaving
    module.Protocol.heads = Heads()
    table[CHOICE] = f"{module.__name__}:{module.Protocol.__name__}"
    return True
