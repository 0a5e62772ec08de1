"""Faults in tuning a bundle for a site."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

NEXT, RETUNE, LABELLED = "models/next_version.py", "models/retune.py", "models/labelled.py"
PREVALENCE, RATIOS, DIFFERENCES = "models/prevalence.py", "models/likelihood_ratio.py", "models/differences.py"

TESTS = {
    NEXT: ["models/test_next_version.py", "models/test_retune.py"],
    RETUNE: ["models/test_retune.py"],
    LABELLED: ["models/test_labelled.py"],
    PREVALENCE: ["models/test_prevalence_correction.py", "models/test_prevalence.py"],
    RATIOS: ["models/test_likelihood_ratio.py", "models/test_prevalence.py"],
    DIFFERENCES: ["models/test_retune.py"],
}

MUTANTS = [
    Mutant(NEXT, "version = old.version + 1", "version = old.version", "the version not counted"),
    Mutant(NEXT, '"evidence": None', '"evidence": old.evidence', "evidence of another point"),
    Mutant(NEXT, '"history": (*old.history, history)', '"history": (history,)', "earlier versions forgotten"),
    Mutant(NEXT, "bundle=bundle.digest,", 'bundle="0" * 64,', "a history of another bundle"),
    Mutant(NEXT, '"groups": cases.groups', '"groups": old.groups', "groups of the cases before"),
    Mutant(NEXT, "if cases.prevalence != old.prevalence:", "if False:", "foreseen thresholds of another prevalence"),
    Mutant(NEXT, "_probes(baked, old)", "old.probes", "answers of the old point"),
    Mutant(NEXT, "prevalence=float32(prevalence), to=float32(to)", "prevalence=float32(to), to=float32(prevalence)", "moved the wrong way"),
    Mutant(NEXT, "guide=cases.guide, groups", "guide=cases.curve, groups", "a guide made of the cases that certify"),
    Mutant(NEXT, 'model_copy(update={"data": data, "parts": parts})', 'model_copy(update={"parts": parts})', "the site's file not named"),
    Mutant(NEXT, "points[least_to_spare(points)].model_copy", "points[0].model_copy", "a further cost asked at one end"),
    Mutant(RETUNE, "if rows.digest in manifest.provenance.data.values():", "if False:", "certified on what the bundle was made of"),
    Mutant(RETUNE, "guide=restated(manifest.curve, manifest.prevalence, at)", "guide=Curve.of(answers, targets, prevalence=at)", "a guide made of the cases that certify"),
    Mutant(RETUNE, "if isinstance(found, PrevalenceEstimate) and not found.trusted:", "if False:", "an estimate that nobody should trust"),
    Mutant(RETUNE, "if told != list(range(1, manifest.version)):", "if False:", "a history with a hole"),
    Mutant(RETUNE, "if contract is not None and named not in {None, wanted}:", "if False:", "two prevalences at once"),
    Mutant(RETUNE, "at = wanted or asked.prevalence_named or own", "at = wanted or own", "stated at another prevalence than promised"),
    Mutant(RETUNE, 'own if prevalence == "auto" else prevalence', "prevalence or own", "auto not understood"),
    Mutant(RETUNE, "(one,) if one is contract else conservative(one, low, high)", "(one,)", "the uncertainty of the prevalence forgotten"),
    Mutant(RETUNE, "if patients == len(rows):", "if True:", "dependent rows not told"),
    Mutant(RETUNE, "prevalence=float32(own))", "prevalence=float32(bundle.manifest.prevalence))", "calibration at another prevalence"),
    Mutant(LABELLED, "if positive not in kinds or len(kinds) == 1:", "if positive not in kinds:", "labels of one kind"),
    Mutant(LABELLED, 'empty = (cells.is_null() | (cells == "")).to_numpy()', 'empty = (cells == "").fill_null(False).to_numpy()', "unknown labels taken for healthy"),
    Mutant(LABELLED, "if name in schema.asked:", "if False:", "the model sees the labels"),
    Mutant(LABELLED, "    if refused:\n", "    if False:\n", "bad rows taken"),
    Mutant(PREVALENCE, "_redrawn(kinds.sick, random), _redrawn(kinds.healthy, random)", "np.tile(kinds.sick, (AT_ONCE, 1)), np.tile(kinds.healthy, (AT_ONCE, 1))", "certification cases taken for the truth"),
    Mutant(PREVALENCE, "return self.fit >= RARELY", "return True", "everything trusted"),
    Mutant(PREVALENCE, "owner = None if groups is None else", "owner = None if True else", "rows of one patient taken for independent"),
    Mutant(PREVALENCE, "(1 - CONFIDENCE) / 2) <= 0:", "(1 - CONFIDENCE) / 2) <= -9:", "scores that tell nothing"),
    Mutant(PREVALENCE, "if len(scores) < FEWEST_ROWS:", "if len(scores) <= FEWEST_ROWS:", "fifty rows refused"),
    Mutant(PREVALENCE, "(1 + CONFIDENCE) / 2)) * np.sqrt", "CONFIDENCE)) * np.sqrt", "a one-sided interval"),
    Mutant(PREVALENCE, "np.clip((here - of_healthy) / np.where(apart == 0, 1e-100, apart), 0, 1)", "np.clip(here + at, 0, 1)", "not corrected by the certification cases"),
    Mutant(PREVALENCE, "few = max(cases, 2)", "few = 10_000", "few cases taken for many"),
    Mutant(PREVALENCE, "middle = 2 * float(special.ndtri(below))", "middle = -2 * float(special.ndtri(below))", "corrected the wrong way"),
    Mutant(PREVALENCE, "found - shares[:, None] * of_sick - (1 - shares[:, None]) * of_healthy", "found - of_healthy", "people compared with the healthy alone"),
    Mutant(RATIOS, "lines[:, 1:] - odds, -LARGEST", "lines[:, 1:], -LARGEST", "odds taken for likelihood ratios"),
    Mutant(RATIOS, "SMOOTHING = 0.1\n", "SMOOTHING = 1.0\n", "a whole case of smoothing"),
    Mutant(RATIOS, "wanted = sick + healthy, high * sick + low * healthy", "wanted = sick + healthy, sick", "samples not smoothed"),
    Mutant(DIFFERENCES, " | (before.negative != after.negative)", "", "rows that are no longer cleared"),
    Mutant(DIFFERENCES, "for share in shares if 0 < share < 1]", "for share in shares[:1]]", "the ends of the interval forgotten"),
    Mutant(DIFFERENCES, "changed=int(changed.sum())", "changed=int((~changed).sum())", "the unchanged counted"),
]  # fmt: skip
