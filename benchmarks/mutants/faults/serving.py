"""Faults in what serves: the live point, its history, access, requests."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

CHANGE, AUDIT, TUNING = "serving/change.py", "serving/audit.py", "serving/tuning.py"
LIVE, ACCESS, ENDPOINT, POINTS = "serving/live.py", "serving/access.py", "serving/endpoint.py", "serving/points.py"

TESTS = {
    CHANGE: ["serving/test_change.py", "serving/test_change_boundaries.py"],
    AUDIT: ["serving/test_audit.py", "serving/test_change_boundaries.py"],
    TUNING: ["serving/test_tuning.py"],
    LIVE: ["serving/test_live.py"],
    ACCESS: ["serving/test_access.py"],
    ENDPOINT: ["serving/test_endpoint.py"],
    POINTS: ["serving/test_points.py", "serving/test_points_boundaries.py"],
}

MUTANTS = [
    Mutant(CHANGE, "version=version_of(after) + 1", "version=version_of(after)", "the version not counted"),
    Mutant(CHANGE, "previous=after.hash if after else NOTHING", "previous=NOTHING", "changes not chained"),
    Mutant(CHANGE, 'self.model_dump(exclude={"hash"})', 'self.model_dump(exclude={"hash", "previous"})', "the change before not sealed"),
    Mutant(CHANGE, "sort_keys=True, ", "", "a hash that depends on the order of keys"),
    Mutant(CHANGE, "len(text) <= longest", "len(text) < longest", "the longest reason refused"),
    Mutant(CHANGE, "bool(text.strip())", "bool(text)", "a reason of blanks"),
    Mutant(AUDIT, '            "hash": change.sealed(),\n', "", "hashes not checked"),
    Mutant(AUDIT, '            "previous": before.hash if before else NOTHING,\n', "", "the chain not checked"),
    Mutant(AUDIT, '            "version": version_of(before) + 1,\n', "", "versions not checked"),
    Mutant(AUDIT, '            "bundle": changes[0].bundle,\n', "", "changes of another bundle"),
    Mutant(AUDIT, "zip([after, *changes], changes", "zip([None, *changes], changes", "what came before forgotten"),
    Mutant(TUNING, "if version_seen != version_of(newest):", "if False:", "a decision on an old version kept"),
    Mutant(TUNING, "if version_seen != version_of(newest):", "if version_seen < version_of(newest):", "a decision on a version to come"),
    Mutant(TUNING, "if change.hash != change.sealed():", "if False:", "a spoiled change believed"),
    Mutant(TUNING, "CHANGES.c.version.desc()", "CHANGES.c.version", "the oldest change taken for the newest"),
    Mutant(TUNING, "                self._read_before.clear()\n", "", "changes of others never seen"),
    Mutant(TUNING, "if self._process != os.getpid():", "if False:", "a store shared with a fork"),
    Mutant(TUNING, "raise Moved(version_seen, self._newest((endpoint, bundle))[0]) from None", "return change", "two changes of one version"),
    Mutant(LIVE, "if turned.against and setting != RELEASED:", "if False:", "changes that nobody foresaw"),
    Mutant(LIVE, "if turned.against and setting != RELEASED:", "if turned.against:", "no way back to the point as released"),
    Mutant(LIVE, "if recorded.get(name) != solved[name]:", "if False:", "another point than was recorded"),
    Mutant(LIVE, "known = self._known.get(change.hash)", "known = self._known.get(change.hash) or next(iter(self._known.values()), None)", "an old version remembered"),
    Mutant(LIVE, "if to > newest:", "if False:", "back to a version to come"),
    Mutant(LIVE, "setting = self._earlier(endpoint, bundle, to) if to else RELEASED", "setting = RELEASED", "back to the release only"),
    Mutant(LIVE, "if problems := audit.verify(changes, after=before):", "if problems := ():", "back to a version that was altered"),
    Mutant(LIVE, "verified=not problems,", "verified=True,", "a spoiled history called verified"),
    Mutant(LIVE, "allowed=not turned.against", "allowed=True", "everything said to be allowed"),
    Mutant(LIVE, 'words = " and ".join(str(certificate.promise) for certificate in turned.certificates)', 'words = turned.contract or ""', "a promise recorded that does not hold"),
    Mutant(ACCESS, "if role not in self.roles:", "if False:", "everybody may do everything"),
    Mutant(ACCESS, "if self.people is None:", "if False:", "no access file, no lock"),
    Mutant(ACCESS, 'if scheme.lower() != "bearer" or not token.strip():', "if not token.strip():", "any scheme"),
    Mutant(ACCESS, "matches.index(True)", "-1", "the last person of the file"),
    Mutant(ACCESS, "if not any(matches):", "if False:", "an unknown token"),
    Mutant(ACCESS, "0o600", "0o644", "readable by everybody"),
    Mutant(ACCESS, "if value in values[:place]:", "if False:", "two people of one name"),
    Mutant(ACCESS, 'if field in {"name", "roles", "rate"} else', "if True else", "a token shown in an error"),
    Mutant(ENDPOINT, "if bundle.manifest.model != model:", "if False:", "two exchanged folders"),
    Mutant(ENDPOINT, "return now.turned, now.version", "return self.scorer.turn(), now.version", "the live point forgotten"),
    Mutant(ENDPOINT, "None if own else now.version", "now.version", "the live version on a point of one's own"),
    Mutant(ENDPOINT, "setting = asked if own else asked.model_copy", "setting = asked if True else asked.model_copy", "the live point forgotten where a prevalence is named"),
    Mutant(POINTS, "clear_below=turned.clear_below,\n            contract=turned.contract,", "clear_below=turned.threshold,\n            contract=turned.contract,", "the zone not told"),
    Mutant(POINTS, "certificates=tuple(map(Promised.of, turned.certificates)),\n            precision", "certificates=(),\n            precision", "promises not told"),
    Mutant(POINTS, "certified=certificate.certified,", "certified=promise.bound,", "what was asked for what was certified"),
    Mutant(POINTS, "low, high = control.prevalences or (None, None)", "high, low = control.prevalences or (None, None)", "a range upside down"),
    Mutant(POINTS, 'description="the live version on which the change was decided")\n\n    @property', 'description="the live version on which the change was decided", default=0)\n\n    @property', "a change that looked at no version"),
]  # fmt: skip
