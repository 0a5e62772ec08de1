"""What is refused before a request is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import BadInput, Refusal
from serving.form import FORM
from serving.refusals import WrongMethod, WrongType, refuse

JSON = "application/json"


class Doorway:
    """Lets only JSON that is posted through to the endpoints at `routes`; other paths are not looked at.

    Those of `forms` take forms too. BentoML would read any body as JSON, whatever its content type says, and refuse
    in several shapes.
    """

    def __init__(self, app: ASGIApp, routes: frozenset[str], forms: frozenset[str] = frozenset()) -> None:
        self.app = app
        self.routes = routes
        self.forms = forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        refused = self._refusal(scope) if scope["type"] == "http" and scope["path"] in self.routes else None
        await (refuse(refused) if refused else self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> BadInput | None:
        # OPTIONS asks about an endpoint, not of it: a browser does so first, and BentoML answers it where allowed.
        if scope["method"] not in {"POST", "OPTIONS"}:
            return WrongMethod([Refusal("method", "should be POST", scope["method"])])
        kinds = (JSON, FORM) if scope["path"] in self.forms else (JSON,)
        got = Headers(scope=scope).get("content-type", JSON)
        if scope["method"] == "POST" and got.partition(";")[0].strip().lower() not in kinds:
            return WrongType([Refusal("content-type", f"should be {' or '.join(kinds)}", got or "an empty one")])
        return None
