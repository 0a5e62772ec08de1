"""The bundles at hand: those a service began with, and those in the folder of releases."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from models.bundle import MANIFEST, Bundle, open_bundle, sha256
from models.errors import BadBundle, BadInput, Refusal
from models.joint import Joint, check_joint, read_joint
from serving.refusals import NoBundle
from serving.settings import Settings

EVIDENCE = "pathway*.json"
NO_RELEASES = "should name a folder with further bundles, one sub-folder each, before one can be swapped in"
logger = logging.getLogger(__name__)


class Shelf:
    """Bundles by their digest, the SHA-256 of their manifest: callers name no paths.

    A bundle of the folder of releases has a sub-folder to itself, of any name that does not begin with a dot.
    """

    def __init__(self, settings: Settings) -> None:
        self._begun = settings.bundles
        self._releases = settings.releases
        self._signers = settings.signers

    def check_releases(self) -> None:
        """Raises BadInput naming the setting if there is no folder of releases."""
        if self._releases is None:
            raise BadInput([Refusal("FULCRUM_RELEASES", NO_RELEASES, "nothing")])

    def folders(self, model: str) -> Iterator[Path]:
        """Where a bundle of that model may lie: first the one the service began with."""
        yield self._begun / model
        if self._releases is not None:
            yield from sorted(
                each for each in self._releases.iterdir() if each.is_dir() and not each.name.startswith(".")
            )

    def open(self, model: str, digest: str) -> Bundle:
        """Open the bundle of that digest, anew from the disk.

        Raises NoBundle if there is none, BadBundle if it is not sound or not signed, or of another model.
        """
        folder = next((each for each in self.folders(model) if _digest(each) == digest), None)
        if folder is None:
            where = " or ".join(map(str, filter(None, (self._begun / model, self._releases))))
            raise NoBundle([Refusal("bundle", f"should be one of those in {where}", digest)])
        bundle = self.read(folder)
        for name, wanted, got in (("digest", digest, bundle.digest), ("model", model, bundle.manifest.model)):
            if got != wanted:
                raise BadBundle(f"{folder / MANIFEST}: {name}: should be {wanted}, got {got}.")
        return bundle

    def read(self, folder: Path) -> Bundle:
        """Open what lies in one of the folders.

        Raises BadBundle if it is not sound or not signed.
        """
        return open_bundle(folder, signers=self._signers)

    def evidence(self, screen: Bundle, presurgical: Bundle) -> Joint | None:
        """What was measured of exactly these two together, from a `pathway*.json` that names both; else nothing.

        A file that can not be read or disagrees is none, and the log says so: decisions do not depend on it.
        """
        for folder in filter(None, (self._begun, self._releases)):
            for file in sorted(folder.glob(EVIDENCE)):
                try:
                    joint = read_joint(file)
                    if (joint.screen, joint.presurgical) == (screen.digest, presurgical.digest):
                        check_joint(joint, screen, presurgical, file=file)
                        return joint
                except BadBundle as error:
                    logger.warning("not used: %s", error)
        return None


def _digest(folder: Path) -> str | None:
    try:
        return sha256((folder / MANIFEST).read_bytes())
    except OSError:
        return None
