"""The page on which a person turns the operating point: files of this package, served as they are."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

HOME = Path(__file__).parent / "console"
# Nothing from elsewhere is loaded, run or asked, and no other page frames this one.
HEADERS = {
    # A photograph is shown before it is sent: it is a blob of the page itself.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class Files(StaticFiles):
    """Files with the headers of the page."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        """One file; the browser asks each time whether it is still the same."""
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]  # passed on as they come
        response.headers.update(HEADERS)
        return response


async def index(request: Request) -> Response:
    """The page itself."""
    del request
    return FileResponse(HOME / "index.html", headers=HEADERS)


def routes() -> list[BaseRoute]:
    """Where the page and its files are."""
    return [Route("/", index), Mount("/console", Files(directory=HOME))]
