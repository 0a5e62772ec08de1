"""`fulcrum sign`: vouch for bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.answering import answered, screen


def sign(
    bundles: Annotated[list[Path], typer.Argument(help="folders of bundles, such as models/covid/screen")],
    key: Annotated[Path, typer.Option(help="private key on an elliptic curve, PEM")],
    password: Annotated[
        str | None, typer.Option(help="of the key, if it has one", envvar="FULCRUM_KEY_PASSWORD")
    ] = None,
) -> None:
    """Sign bundles that are sound, as OpenSSF model signing does: `model.sig` in each folder.

    A service that is told its signers (FULCRUM_SIGNERS) answers from no other.
    """
    from models.bundle import open_bundle
    from models.signature import sign as signed

    with answered():
        for folder in bundles:
            opened = open_bundle(folder)
            screen.print(f"Wrote {signed(folder, key, password)}, for {opened.name} {opened.digest}", soft_wrap=True)
