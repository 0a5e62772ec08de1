"""The live operating point of every endpoint: what holds now, turned and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError
from starlette.concurrency import run_in_threadpool

from models.errors import BadBundle, BadInput, Refusal, Unreachable, shown
from models.scorer import RELEASED, Scorer
from models.turn import Setting, Turned
from serving import audit
from serving.change import Change, version_of
from serving.now import Now
from serving.points import Changed, Foreseen, History, LivePoint, Preview, Recorded, WorkingPoint
from serving.refusals import NoEndpoint, NotForeseen, OtherBundle
from serving.swaps import Swaps
from serving.tuning import Store, StoreSpoiled

# Changes whose meaning is kept; one is used for as long as it is live.
REMEMBERED = 256


class Live:
    """The live points of some endpoints, kept in a store that other workers and replicas share.

    With `swaps` a scorer is that of the live bundle, and every bundle has live points of its own.
    """

    def __init__(self, store: Store, scorers: Mapping[str, Scorer], swaps: Swaps | None = None) -> None:
        self.store = store
        self.scorers = scorers
        self.swaps = swaps
        self._known: dict[str, Now] = {}

    def now(self, endpoint: str) -> Now:
        """What holds for requests that begin now.

        Raises NoEndpoint, StoreLost or StoreSpoiled, or BadBundle if the recorded change now means another point.
        """
        scorer = self.scorer(endpoint)
        key = endpoint, scorer.bundle.digest
        if self.swaps is None:
            change = self.store.current(*key)
        else:
            swap, change = self.store.currents(self.swaps.key(endpoint), key)
            if self.swaps.follow(endpoint, swap, answering=scorer.bundle.digest):
                return self.now(endpoint)
        if change is None:
            return Now(0, None, RELEASED, scorer.turn(), scorer)
        known = self._known.get(change.hash)
        if known is None or known.scorer is not scorer:
            known = self._mean(scorer, change)
            # Threads come by here at once: what one has found stays its own, whatever another one forgets.
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[change.hash] = known
        return known

    def _mean(self, scorer: Scorer, change: Change) -> Now:
        where = f"{change.endpoint}: version {change.version}"
        setting = _recorded_setting(change)
        try:
            turned = scorer.turn(setting)
        except (BadInput, Unreachable) as error:
            raise BadBundle(
                f"{where}: should mean what it did when it was turned, got: {error} Turn it anew."
            ) from error
        recorded, solved = change.outcome, _outcome(turned)
        for name in ("threshold", "clear_below", "prevalence"):
            if recorded.get(name) != solved[name]:
                raise BadBundle(
                    f"{where}: {name}: should be {recorded.get(name)}, as when it was turned, got {solved[name]};"
                    " turn it anew."
                )
        return Now(change.version, change, setting, turned, scorer)

    async def soon(self, endpoint: str) -> Now:
        """`now`, without holding up others while a server of the store is asked: a file answers in microseconds."""
        return self.now(endpoint) if self.store.local else await run_in_threadpool(self.now, endpoint)

    def describe(self, endpoint: str, now: Now) -> LivePoint:
        """A version as it is told."""
        bundle = (now.scorer or self.scorer(endpoint)).bundle
        change, control = now.change, bundle.manifest.change_control
        return LivePoint(
            model=bundle.name,
            endpoint=endpoint,
            bundle=bundle.digest,
            version=now.version,
            setting=now.setting,
            turned=WorkingPoint.of(now.turned),
            changed=Changed(by=change.by, at=change.at, reason=change.reason) if change else None,
            change_control=Foreseen.of(control) if control else None,
        )

    def preview(self, endpoint: str, setting: Setting) -> Preview:
        """What a setting would mean.

        Raises BadInput or Unreachable if it means nothing.
        """
        turned = self.scorer(endpoint).turn(setting)
        return Preview(turned=WorkingPoint.of(turned), allowed=not turned.against, refused_because=turned.against)

    def change(
        self, endpoint: str, setting: Setting, *, version_seen: int, by: str, reason: str, bundle: str | None = None
    ) -> Now:
        """Make a setting the live point, everywhere and for good; `bundle` is the one on which that was decided.

        Raises NotForeseen if the bundle does not foresee it, Moved if somebody was first, OtherBundle if another one
        is live, BadInput or Unreachable if it means nothing, StoreLost if it can not be kept.
        """
        scorer = self._caught_up(endpoint)
        if bundle not in {None, scorer.bundle.digest}:
            raise OtherBundle([Refusal("bundle", f"should be the live one, {scorer.bundle.digest}", str(bundle))])
        turned = scorer.turn(setting)
        if turned.against and setting != RELEASED:
            raise NotForeseen(
                [Refusal("change_control", "should be foreseen by the bundle", why) for why in turned.against]
            )
        change = self.store.append(
            endpoint,
            scorer.bundle.digest,
            version_seen=version_seen,
            setting=setting.model_dump(mode="json"),
            outcome=_outcome(turned),
            by=by,
            reason=reason,
        )
        return Now(change.version, change, setting, turned, scorer)

    def roll_back(
        self, endpoint: str, to: int, *, version_seen: int, by: str, reason: str, bundle: str | None = None
    ) -> Now:
        """Make the setting of an earlier version the live point again.

        Raises BadInput if there is no such version, StoreSpoiled if it or a change since is not what was written, and
        what `change` does.
        """
        bundle = bundle or self._caught_up(endpoint).bundle.digest
        setting = self._earlier(endpoint, bundle, to) if to else RELEASED
        return self.change(endpoint, setting, version_seen=version_seen, by=by, reason=reason, bundle=bundle)

    def _caught_up(self, endpoint: str) -> Scorer:
        """The scorer of the live bundle, opened in this thread if need be: nothing is decided on an older one."""
        if self.swaps is not None:
            self.swaps.catch_up(endpoint)
        return self.scorer(endpoint)

    def _earlier(self, endpoint: str, bundle: str, to: int) -> Setting:
        """The setting of a version, which every change since has sealed once more.

        What came before it is not read: of 12,000 changes that took seconds.
        """
        newest = version_of(self.store.current(endpoint, bundle))
        if to > newest:
            raise BadInput([Refusal("to", f"should be a version from 0 to {newest}", str(to))])
        first, *rest = self.store.since(endpoint, bundle, to - 1)
        before, changes = (first, rest) if first.version < to else (None, [first, *rest])
        if problems := audit.verify(changes, after=before):
            raise StoreSpoiled("\n".join(map(str, problems)))
        return _recorded_setting(changes[0])

    def history(self, endpoint: str) -> History:
        """All changes, and whether they are what was written."""
        bundle = self.scorer(endpoint).bundle
        changes = self.store.history(endpoint, bundle.digest)
        problems = tuple(map(str, audit.verify(changes)))
        return History(
            model=bundle.name,
            bundle=bundle.digest,
            verified=not problems,
            problems=problems,
            changes=tuple(map(_recorded, changes)),
        )

    def scorer(self, endpoint: str) -> Scorer:
        """The scorer behind an endpoint.

        Raises NoEndpoint if there is none.
        """
        if endpoint not in self.scorers:
            raise NoEndpoint([Refusal("endpoint", f"should be one of {', '.join(self.scorers)}", endpoint)])
        return self.scorers[endpoint]


def _recorded_setting(change: Change) -> Setting:
    try:
        return Setting.model_validate(change.setting)
    except ValidationError as error:
        rule = "setting: should be one that this release of Fulcrum reads"
        raise BadBundle(
            f"{change.endpoint}: version {change.version}: {rule}, got {shown(dict(change.setting))}; turn it anew."
        ) from error


def _outcome(turned: Turned) -> dict[str, JsonValue]:
    """What a change came to, as it is recorded."""
    words = " and ".join(str(certificate.promise) for certificate in turned.certificates)
    return {
        "threshold": turned.threshold,
        "clear_below": turned.clear_below,
        "prevalence": turned.prevalence,
        "in_words": words or turned.contract or f"threshold {turned.threshold:.6g}, nothing promised",
    }


def _recorded(change: Change) -> Recorded:
    fields: dict[str, Any] = {
        name: change.outcome.get(name) for name in ("threshold", "clear_below", "prevalence", "in_words")
    }
    try:
        return Recorded(
            version=change.version,
            setting=dict(change.setting),
            by=change.by,
            at=change.at,
            reason=change.reason,
            hash=change.hash,
            **fields,
        )
    except ValidationError as error:
        raise BadBundle(f"changes.{change.version}: should hold thresholds and a prevalence, got {fields}.") from error
