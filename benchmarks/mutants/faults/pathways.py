"""Faults in the pathway of two models."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

JOINT, PATHWAY = "models/joint.py", "models/pathway.py"
ASKED, FIGURES = "models/pathway_contract.py", "models/pathway_figures.py"

TESTS = {
    JOINT: ["models/test_joint.py"],
    PATHWAY: ["models/test_pathway.py", "models/test_pathway_wording.py"],
    ASKED: ["models/test_pathway_contract.py"],
    FIGURES: ["models/test_pathway_figures.py"],
}

MUTANTS = [
    Mutant(JOINT, "if digest != bundle.digest:", "if False:", "joint evidence of other bundles"),
    Mutant(JOINT, "pairs.curve(model, known.prevalence) != known:", "False:", "counts that are not the bundle's"),
    Mutant(JOINT, "known.screen < np.float32(min(screen.own))", "known.screen <= np.float32(min(screen.own))", "a row on the threshold cleared"),
    Mutant(JOINT, "np.float32(min(screen.own))", "np.float32(max(screen.own))", "the undecided cleared"),
    Mutant(JOINT, "~(known.presurgical < np.float32(presurgical.own[0]))", "known.presurgical > np.float32(presurgical.own[0])", "a row on the threshold not operated on"),
    Mutant(JOINT, "operated=cases(~cleared & positive)", "operated=cases(positive)", "the cleared operated on"),
    Mutant(JOINT, "if any(low >= high", "if any(low > high", "a pair twice"),
    Mutant(JOINT, "pairs.part.name != name", "False", "the certification cases taken for the test"),
    Mutant(JOINT, "if sick in {0, everyone}:", "if sick == 0:", "cases of one kind"),
    Mutant(PATHWAY, "answers[judged.positive] = OPERATE\n        answers[screened.negative] = CLEAR", "answers[screened.negative] = CLEAR\n        answers[judged.positive] = OPERATE", "the second model overrules the first"),
    Mutant(PATHWAY, "len(screened), REFER,", "len(screened), CLEAR,", "the undecided cleared"),
    Mutant(PATHWAY, "if ours != theirs:", "if False:", "two models of two diseases"),
    Mutant(PATHWAY, "if same and _bare(same) != _bare(column):", "if False:", "one name for two columns"),
    Mutant(PATHWAY, "_bare(same) != _bare(column)", "same != column", "another wording refused"),
    Mutant(PATHWAY, "judged = self.presurgical.score(presurgical, at=second)", "judged = self.presurgical.score(presurgical)", "the second point forgotten"),
    Mutant(PATHWAY, "            check_joint(self.joint, self.screen.bundle, self.presurgical.bundle)", "            pass", "joint evidence not checked"),
    Mutant(ASKED, "each = 1 - (1 - self.confidence) / len(asked)", "each = self.confidence", "risk not shared by the two"),
    Mutant(ASKED, "if screen.contract is None and presurgical.contract is None:", "if screen.contract is None or presurgical.contract is None:", "certified on cases that chose a point"),
    Mutant(ASKED, '"ppv": answered.operations', '"ppv": answered.positive', "those the screen cleared counted too"),
    Mutant(ASKED, "if not promise.met_by(certified):", "if not promise.met_by(promise.measured(counts[name])):", "certified by what was measured"),
    Mutant(ASKED, "    return joint.test\n", "    return joint.certification\n", "certified on the cases that chose the points"),
    Mutant(ASKED, "presurgical=presurgical.own[0],", "presurgical=presurgical.threshold,", "a threshold of another prevalence"),
    Mutant(FIGURES, "self.operated.sick + self.overruled.sick,", "self.operated.sick,", "the overruled forgotten"),
    Mutant(FIGURES, "screen.alarms / screen.negatives * (", "screen.alarms / screen.positives * (", "alarms among the sick"),
    Mutant(FIGURES, "net_specificity=wilson(operations.clears, healthy)", "net_specificity=wilson(answered.cleared.healthy, healthy)", "the referred healthy called operated on"),
    Mutant(FIGURES, "wilson(answered.cleared.sick, sick), among=prevalence)", "wilson(answered.cleared.sick, sick))", "of 1,000 sick, not of 1,000 people"),
    Mutant(FIGURES, "if not sick or not healthy:", "if not sick:", "no healthy case"),
    Mutant(FIGURES, "referred_per_1000=per_1000(referred.sick, referred.healthy)", "referred_per_1000=per_1000(referred.healthy, referred.sick)", "kinds exchanged"),
]  # fmt: skip
