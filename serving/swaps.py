"""Which bundle of each endpoint is live: swapped in while others are answered, and recorded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple, Self

from pydantic import JsonValue

from models.errors import BadBundle, BadInput, FulcrumError, Refusal, shown
from models.same_contract import against
from models.scorer import Scorer
from models.verify import verify
from serving import audit
from serving.change import Change, version_of
from serving.edition import Edition
from serving.endpoint import Endpoint
from serving.refusals import NoEndpoint
from serving.shelf import Shelf
from serving.tuning import Key, Moved, Store, StoreSpoiled

# Before the name of an endpoint, in the store of changes: its bundles instead of its points.
BUNDLE_OF = "bundle:"
# Editions of an endpoint that stay open, so that a roll-back finds them.
KEPT = 3
# A live bundle that could not be opened here is tried again after so many seconds.
PAUSE_SECONDS = 5.0
logger = logging.getLogger(__name__)


class Failed(NamedTuple):
    """A live bundle that could not be opened here, why, and when it is tried again."""

    digest: str
    why: str
    again: float


class Swaps:
    """The live bundles of some endpoints, kept in the store that other workers and replicas share.

    The bundle that a service began with is version 0, and each swap or roll-back adds one. The store is looked at with
    the live point, for every request: whoever sees that another bundle is live opens it aside, in a thread, and goes
    on with the one at hand meanwhile. Where it can not be opened, nothing is answered: it is never the old one again.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], store: Store, shelf: Shelf) -> None:
        self.shelf = shelf
        self.begun = {name: endpoint.edition for name, endpoint in endpoints.items()}
        self._endpoints = endpoints
        self._store = store
        self._lock = threading.Lock()
        self._one_at_a_time = {name: threading.Lock() for name in endpoints}
        self._open = {name: {edition.digest: edition} for name, edition in self.begun.items()}
        self._opening: set[tuple[str, str]] = set()
        self._failed: dict[str, Failed] = {}

    @classmethod
    def begin(cls, endpoints: Mapping[str, Endpoint], store: Store, shelf: Shelf) -> Self:
        """With those bundles live that the store names, which another process may have swapped in.

        Raises BadBundle naming one that can not be opened, and what the store raises.
        """
        swaps = cls(endpoints, store, shelf)
        for name in endpoints:
            swaps.catch_up(name)
        return swaps

    def key(self, endpoint: str) -> Key:
        """Under which the store keeps the swaps of an endpoint: they belong to the bundle that a service begins with.

        Raises NoEndpoint if there is none.
        """
        if endpoint not in self.begun:
            raise NoEndpoint([Refusal("endpoint", f"should be one of {', '.join(self.begun)}", endpoint)])
        return f"{BUNDLE_OF}{endpoint}", self.begun[endpoint].digest

    def newest(self, endpoint: str) -> Change | None:
        """The last swap; None if there was none."""
        return self._store.current(*self.key(endpoint))

    def live(self, endpoint: str, swap: Change | None) -> str:
        """The digest of the bundle that is live after a swap.

        Raises StoreSpoiled if the store does not name one.
        """
        if swap is None:
            return self.begun[endpoint].digest
        digest = swap.setting.get("bundle")
        if not isinstance(digest, str):
            raise StoreSpoiled(f"{swap.endpoint}.{swap.version}.setting.bundle: should be a digest, got {digest!r}.")
        return digest

    def edition(self, endpoint: str, swap: Change | None) -> Edition:
        """What answers after a swap, opened in this thread if need be.

        Raises BadBundle if it can not be opened.
        """
        wanted = self.live(endpoint, swap)
        try:
            return self._open[endpoint].get(wanted) or self._opened(endpoint, wanted)
        except (BadBundle, BadInput) as error:
            raise BadBundle(_not_here(endpoint, wanted, error)) from error

    def follow(self, endpoint: str, swap: Change | None, *, answering: str) -> bool:
        """See to it that the live bundle answers in the place of `answering`; True if it does from now on.

        Raises BadBundle if it can not be opened here, StoreSpoiled if the store does not name one.
        """
        wanted = self.live(endpoint, swap)
        if wanted == answering:
            return False
        edition = self._open[endpoint].get(wanted)
        if edition is not None:
            self._endpoints[endpoint].edition = edition
            return True
        failed = self._failed.get(endpoint)
        if failed is None or failed.digest != wanted or time.monotonic() > failed.again:
            self._open_aside(endpoint, wanted)
        if failed is not None and failed.digest == wanted:
            raise BadBundle(failed.why)
        return False

    def catch_up(self, endpoint: str) -> None:
        """Let the live bundle answer here, opened in this thread if need be.

        Raises BadBundle if it can not be opened.
        """
        self._endpoints[endpoint].edition = self.edition(endpoint, self.newest(endpoint))

    def swap(self, endpoint: str, digest: str, *, version_seen: int, by: str, reason: str) -> Change:
        """Let another bundle answer, here at once and soon everywhere.

        Raises BadInput if there is no folder of releases, if the bundle is live already, not sound or of another
        contract, NoBundle if it is not there, Moved if somebody was first, StoreLost if it can not be kept.
        """
        self.shelf.check_releases()
        newest = self._decided_on(endpoint, version_seen)
        if digest == self.live(endpoint, newest):
            raise BadInput([Refusal("bundle", "should be another one than the live one", digest)])
        return self._make_live(endpoint, digest, newest, back_to=version_of(newest), by=by, reason=reason)

    def roll_back(self, endpoint: str, *, version_seen: int, by: str, reason: str) -> Change:
        """Let the bundle answer that did before the live one was swapped in; once more, and the one before that.

        Raises BadInput if there is none before, or it is not sound any more, StoreSpoiled if the history is not what
        was written, and what `swap` does.
        """
        newest = self._decided_on(endpoint, version_seen)
        changes = self._store.history(*self.key(endpoint))
        if problems := audit.verify(changes):
            raise StoreSpoiled("\n".join(map(str, problems)))
        back_to = _back_to(newest)
        if back_to is None:
            raise BadInput([Refusal("bundle", "should have one before it", "the one that the service began with")])
        before = changes[back_to - 1] if back_to else None
        digest = self.live(endpoint, before)
        return self._make_live(endpoint, digest, newest, back_to=_back_to(before), by=by, reason=reason)

    def history(self, endpoint: str) -> tuple[Change, ...]:
        """All swaps, oldest first, as they stand; `audit.verify` says whether they are what was written."""
        return self._store.history(*self.key(endpoint))

    def _decided_on(self, endpoint: str, version_seen: int) -> Change | None:
        newest = self.newest(endpoint)
        if version_seen != version_of(newest):
            raise Moved(version_seen, newest)
        return newest

    def _make_live(
        self, endpoint: str, digest: str, newest: Change | None, *, back_to: int | None, by: str, reason: str
    ) -> Change:
        """Open a bundle, record that it is live, and let it answer."""
        try:
            edition = self._opened(endpoint, digest)
        except BadBundle as error:
            raise BadInput([Refusal("bundle", "should be sound", str(error).rstrip("."))]) from error
        bundle = edition.scorer.bundle
        setting: dict[str, JsonValue] = {"bundle": digest}
        outcome: dict[str, JsonValue] = {
            "name": bundle.name,
            "version": bundle.manifest.version,
            "in_words": bundle.manifest.point.in_words,
            "back_to": back_to,
        }
        change = self._store.append(
            *self.key(endpoint),
            version_seen=version_of(newest),
            setting=setting,
            outcome=outcome,
            by=by,
            reason=reason,
        )
        self._endpoints[endpoint].edition = edition
        return change

    def _opened(self, endpoint: str, digest: str) -> Edition:
        """The edition of a bundle, which is read and checked anew, and then stays open.

        Raises NoBundle, BadBundle, or BadInput naming what of its contract is another one.
        """
        with self._one_at_a_time[endpoint]:
            bundle = self.shelf.open(endpoint, digest)
            begun = self.begun[endpoint]
            if differences := against(begun.scorer.manifest, bundle.manifest):
                raise BadInput(differences)
            edition = self._open[endpoint].get(digest)
            if edition is None:
                if wrong := [check for check in verify(bundle) if not check.passed]:
                    raise BadBundle(f"{bundle.folder}: {wrong[0].name}: should be so, got {wrong[0].found}.")
                edition = begun.of(Scorer(bundle))
            self._keep(endpoint, edition)
            return edition

    def _keep(self, endpoint: str, edition: Edition) -> None:
        """Keep the newest few, what is live, and what it began with."""
        with self._lock:
            kept = {each: one for each, one in self._open[endpoint].items() if each != edition.digest}
            spared = {self.begun[endpoint].digest, self._endpoints[endpoint].edition.digest}
            for digest in [each for each in kept if each not in spared][: max(0, len(kept) + 1 - KEPT)]:
                del kept[digest]
            # Replaced, never altered: others look at it without the lock.
            self._open[endpoint] = {**kept, edition.digest: edition}

    def _open_aside(self, endpoint: str, digest: str) -> None:
        with self._lock:
            if (endpoint, digest) in self._opening:
                return
            self._opening.add((endpoint, digest))
        threading.Thread(target=self._try_to_open, args=(endpoint, digest), daemon=True).start()

    def _try_to_open(self, endpoint: str, digest: str) -> None:
        try:
            self._opened(endpoint, digest)
        except Exception as error:  # whatever it is, those who ask are told
            why = _not_here(endpoint, digest, error)
            logger.exception("%s", why)
            self._failed[endpoint] = Failed(digest, why, time.monotonic() + PAUSE_SECONDS)
        finally:
            with self._lock:
                self._opening.discard((endpoint, digest))


def _back_to(swap: Change | None) -> int | None:
    """The version to which a roll-back goes from a swap; None where nothing is before it.

    Raises StoreSpoiled if the store does not name one.
    """
    back_to = None if swap is None else swap.outcome.get("back_to")
    if back_to is None or (isinstance(back_to, int) and swap and 0 <= back_to < swap.version):
        return back_to
    assert swap is not None
    raise StoreSpoiled(
        f"{swap.endpoint}.{swap.version}.outcome.back_to: should be an earlier version, got {shown(back_to)}."
    )


def _not_here(endpoint: str, digest: str, error: Exception) -> str:
    said = str(error).rstrip(".") if isinstance(error, FulcrumError) else type(error).__name__
    return f"{endpoint}: bundle {digest}, which is live: should open here, got: {said}."
