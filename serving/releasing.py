"""The addresses under which bundles are looked at, swapped in and rolled back: they only translate."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from models.errors import BadBundle, Unreachable
from models.same_contract import against
from serving import audit
from serving.bundles import BundleBack, BundleHistory, Bundles, Certified, LiveBundle, Offer, SwapIn, Swapped
from serving.change import Change, version_of
from serving.gate import Gate
from serving.operations import READERS, Operation, Operations
from serving.points import Changed
from serving.swaps import Swaps

# Names, times and sizes of the files of a folder: while they are the same, so is what was found there.
Stamp = tuple[tuple[str, int, int, int], ...]


class Releasing(Operations):
    """The operations on the bundles of some endpoints."""

    def __init__(self, swaps: Swaps, gate: Gate, *, max_bytes: int) -> None:
        super().__init__(gate, max_bytes=max_bytes)
        self.swaps = swaps
        self._seen: dict[tuple[str, Path], tuple[Stamp, Offer | None]] = {}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every address."""
        one = "/bundles/{endpoint}"
        return (
            Operation("GET", one, "The live bundle of a model, and those that can be swapped in.", self._look, Bundles),
            Operation("PUT", one, "Swap another bundle in while it runs.", self._swap, LiveBundle, SwapIn, role="tune"),
            Operation(
                "POST",
                f"{one}/roll-back",
                "Return to the bundle that answered before.",
                self._back,
                LiveBundle,
                BundleBack,
                role="tune",
            ),
            Operation(
                "GET",
                f"{one}/history",
                "All swaps of a model, verified.",
                self._swaps_of,
                BundleHistory,
                lookers=READERS,
            ),
        )

    async def _look(self, request: Request) -> Bundles:
        found, person = await run_in_threadpool(self._bundles, request.path_params["endpoint"]), request.state.person
        return found if person is None or person.has(*READERS) else found.without_names()

    async def _swap(self, request: Request) -> LiveBundle:
        by, endpoint = request.state.person.name, request.path_params["endpoint"]
        asked = await self._read(request, SwapIn)
        return await run_in_threadpool(self._swapped, endpoint, asked, by)

    async def _back(self, request: Request) -> LiveBundle:
        by, endpoint = request.state.person.name, request.path_params["endpoint"]
        asked = await self._read(request, BundleBack)
        return await run_in_threadpool(self._rolled_back, endpoint, asked, by)

    async def _swaps_of(self, request: Request) -> BundleHistory:
        return await run_in_threadpool(self._recorded, request.path_params["endpoint"])

    def _swapped(self, endpoint: str, asked: SwapIn, by: str) -> LiveBundle:
        change = self.swaps.swap(endpoint, asked.bundle, version_seen=asked.version, by=by, reason=asked.reason)
        return self._told(endpoint, change)

    def _rolled_back(self, endpoint: str, asked: BundleBack, by: str) -> LiveBundle:
        change = self.swaps.roll_back(endpoint, version_seen=asked.version, by=by, reason=asked.reason)
        return self._told(endpoint, change)

    def _told(self, endpoint: str, swap: Change | None) -> LiveBundle:
        edition = self.swaps.edition(endpoint, swap)
        return LiveBundle(
            endpoint=endpoint,
            version=version_of(swap),
            live=Certified.of(edition.scorer.bundle),
            changed=Changed(by=swap.by, at=swap.at, reason=swap.reason) if swap else None,
        )

    def _bundles(self, endpoint: str) -> Bundles:
        live = self._told(endpoint, self.swaps.newest(endpoint))
        offers = [self._offer(endpoint, folder) for folder in self.swaps.shelf.folders(endpoint)]
        return Bundles(**dict(live), offers=tuple(offer for offer in offers if offer))

    def _offer(self, endpoint: str, folder: Path) -> Offer | None:
        """What lies in a folder; None if it is a bundle of another model."""
        stamp = _stamp(folder)
        known = self._seen.get((endpoint, folder))
        if known is None or known[0] != stamp:
            known = self._seen[endpoint, folder] = stamp, self._opened(endpoint, folder)
        return known[1]

    def _opened(self, endpoint: str, folder: Path) -> Offer | None:
        try:
            bundle = self.swaps.shelf.read(folder)
            certified = Certified.of(bundle)
        except (BadBundle, Unreachable) as error:
            return Offer(folder=folder.name, certified=None, compatible=False, why_not=(str(error),))
        if bundle.manifest.model != endpoint:
            return None
        running = self.swaps.begun[endpoint].scorer.manifest
        why_not = tuple(map(str, against(running, bundle.manifest)))
        return Offer(folder=folder.name, certified=certified, compatible=not why_not, why_not=why_not)

    def _recorded(self, endpoint: str) -> BundleHistory:
        changes = self.swaps.history(endpoint)
        problems = tuple(map(str, audit.verify(changes)))
        return BundleHistory(
            endpoint=endpoint,
            begun=self.swaps.begun[endpoint].digest,
            verified=not problems,
            problems=problems,
            swaps=tuple(map(Swapped.of, changes)),
        )


def _stamp(folder: Path) -> Stamp:
    try:
        files = [(file.name, file.stat()) for file in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple((name, found.st_mtime_ns, found.st_size, found.st_ino) for name, found in files)
