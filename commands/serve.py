"""`fulcrum serve`: two bundles over HTTP."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.answering import HOME, SHIPPED, answered


def serve(
    bundles: Annotated[Path, typer.Option(help="the folder that holds screen/ and presurgical/")] = SHIPPED,
    host: Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 for all of them")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 3000,
    access: Annotated[
        Path | None, typer.Option(help="who may ask, look and turn: a file made by `fulcrum access`")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="where changes are kept: sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"),
    ] = None,
) -> None:
    """Serve two bundles over HTTP with BentoML: the page to turn them at /, POST /screen, /presurgical and /pathway.

    Bundles that are not sound are refused before the server starts (exit code 5). Everything is described at
    /docs.json.
    """
    from models.bundle import open_bundle

    with answered():
        for name in ("screen", "presurgical"):
            open_bundle(bundles / name)
    os.environ.update(FULCRUM_BUNDLES=str(bundles.resolve()))
    if access is not None:
        os.environ.update(FULCRUM_ACCESS=str(access.resolve()))
    if store is not None:
        os.environ.update(FULCRUM_STORE=store)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))
    service = ["serve", "serving.service:Screening", "--host", host, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", *service])
