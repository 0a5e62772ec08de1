"""Faults in what is asked: promises, contracts, words, plans, change control, prevalences."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

PROMISE, CONTRACT, POINT = "models/promise.py", "models/contract.py", "models/operating_point.py"
CONSERVATIVE, CONTROL, TURN = "models/conservative.py", "models/change_control.py", "models/turn.py"
WORDS, PLAN = "models/words.py", "models/plan.py"

FOLDER = "models/contracts"
EVERY = [f"{FOLDER}/test_{name}.py" for name in ("recall", "specificity", "precision", "npv", "capacity", "cost")]

TESTS = {
    PROMISE: ["models/test_operating_point.py", *EVERY, f"{FOLDER}/test_rule_in_out.py"],
    CONTRACT: [f"{FOLDER}/test_recall.py", f"{FOLDER}/test_every_group.py", f"{FOLDER}/test_rule_in_out.py"],
    POINT: ["models/test_operating_point.py", f"{FOLDER}/test_rule_in_out.py"],
    CONSERVATIVE: ["models/test_conservative.py"],
    CONTROL: ["models/test_change_control.py"],
    TURN: ["models/test_turn.py", "models/test_scorer.py"],
    WORDS: ["models/test_words.py"],
    PLAN: ["models/test_plan.py"],
}

MUTANTS = [
    Mutant(PROMISE, "half = (1 + self.confidence) / 2", "half = self.confidence", "risk not shared by two bounds"),
    Mutant(PROMISE, "alarmed = upper_bound(counts.alarms,", "alarmed = lower_bound(counts.alarms,", "false alarms bounded from below"),
    Mutant(PROMISE, '(upper_bound if self.figure == "flagged" else lower_bound)', "lower_bound", "the flagged among the sick bounded from below"),
    Mutant(PROMISE, "return lower_bound(counts.clears, counts.negatives", "return lower_bound(counts.hits, counts.positives", "recall certified for specificity"),
    Mutant(PROMISE, "return figure >= self.bound", "return figure > self.bound", "a promise just kept called broken"),
    Mutant(PROMISE, "else figure <= self.bound", "else figure < self.bound", "a cost just kept called broken"),
    Mutant(PROMISE, "if figure is None:\n            return False", "if figure is None:\n            return True", "what was not measured called kept"),
    Mutant(PROMISE, "return prevalence == cases if self.of_the_cases else", "return True if self.of_the_cases else", "a capacity promised elsewhere"),
    Mutant(PROMISE, "else self.prevalence in {None, prevalence}", "else True", "precision promised at any prevalence"),
    Mutant(PROMISE, "if (self.at_least is None) == (self.at_most is None):", "if self.at_least is None and self.at_most is None:", "two bounds at once"),
    Mutant(PROMISE, "return cleared / (cleared + missed) if", "return healthy / (healthy + missed) if", "the alarmed for the cleared"),
    Mutant(PROMISE, "prices.miss * missed + prices.false_alarm * healthy", "prices.miss * healthy + prices.false_alarm * missed", "prices exchanged"),
    Mutant(PROMISE, 'OF_THE_CLEARED: frozenset[Figure] = frozenset({"recall", "npv"})', 'OF_THE_CLEARED: frozenset[Figure] = frozenset({"npv"})', "recall looked at above the zone"),
    Mutant(CONTRACT, "cases = curve if promise.group is None else (groups or {})[promise.group]", "cases = curve", "a criterion's group forgotten"),
    Mutant(CONTRACT, "zone = cases.at(clear_below) if clear_below < threshold else None", "zone = None", "a criterion's zone forgotten"),
    Mutant(CONTRACT, "if promise.group is not None and promise.group not in (groups or {}):", "if promise.group and not groups:", "a group that is not known"),
    Mutant(CONTRACT, "low = max(2 * at_least - 1, 0.0)", "low = at_least", "region from the promise on"),
    Mutant(CONTRACT, 'span.low if self.best == "low" else span.high', "span.low", "always the lower end"),
    Mutant(CONTRACT, 'share_of(found, "confidence") if found else 0.95', "0.95", "a confidence in words forgotten"),
    Mutant(POINT, "if not self.promise.met_by(self.certified):", "if False:", "an uncertified point accepted"),
    Mutant(POINT, "if self.clear_below > self.threshold:", "if False:", "thresholds crossed"),
    Mutant(POINT, "if (self.cleared is None) == self.has_zone:", "if False:", "a zone without its counts"),
    Mutant(POINT, "threshold if cleared is None or promise.figure not in OF_THE_CLEARED else cleared", "threshold", "those cleared looked at above the zone"),
    Mutant(POINT, "stated = own if prevalence is None else prevalence", "stated = own", "precision stated at another prevalence"),
    Mutant(CONSERVATIVE, "rounded(low, ROUND_FLOOR), rounded(high, ROUND_CEILING)", "rounded(low, ROUND_CEILING), rounded(high, ROUND_FLOOR)", "an interval rounded inwards"),
    Mutant(CONSERVATIVE, 'case Precision():\n            update["prevalence"] = _share(contract, low)', 'case Precision():\n            update["prevalence"] = _share(contract, high)', "precision asked where it is easiest"),
    Mutant(CONSERVATIVE, 'case NPV():\n            update["prevalence"] = _share(contract, high)', 'case NPV():\n            update["prevalence"] = _share(contract, low)', "NPV asked where it is easiest"),
    Mutant(CONSERVATIVE, "if name_all or contract.prevalence is not None:", "if contract.prevalence is not None:", "a capacity left to other people"),
    Mutant(CONSERVATIVE, "if not 0 < share < 1:", "if not 0 <= share <= 1:", "a prevalence of nothing"),
    Mutant(CONSERVATIVE, "for end in ends]", "for end in ends[:1]]", "a cost asked at one end only"),
    Mutant(CONSERVATIVE, "spent.index(max(spent))", "spent.index(min(spent))", "the end with most to spare"),
    Mutant(CONTROL, "if not self.lowest <= value <= self.highest", "if not value <= self.highest", "no lower end"),
    Mutant(CONTROL, '(("threshold", threshold), ("clear_below", clear_below))', '(("threshold", threshold),)', "the lower threshold not looked at"),
    Mutant(CONTROL, "self.prevalences or (released_at, released_at)", "self.prevalences or (0.0, 1.0)", "any prevalence where none was foreseen"),
    Mutant(CONTROL, "clear_below=clear_below, groups=groups)", "clear_below=clear_below, groups={})", "the criteria of groups never met"),
    Mutant(CONTROL, "if prevalence != released_at and not low", "if not low", "the bundle's own prevalence refused"),
    Mutant(CONTROL, "enumerate(self.criteria)", "enumerate(self.criteria[:1])", "only the first criterion"),
    Mutant(TURN, "if None not in {named, setting.prevalence} and named != setting.prevalence:", "if False:", "two prevalences at once"),
    Mutant(TURN, "[each for each in mine if each.promise.holds_at(at, cases=manifest.curve.share)]", "mine", "promises of another prevalence"),
    Mutant(TURN, "lowest = special.logit(threshold * (1 - ROUNDING))", "lowest = special.logit(threshold)", "rounding of the probability forgotten"),
    Mutant(TURN, " - slack)", ")", "rounding of the logits forgotten"),
    Mutant(TURN, "prevalence=before, to=after", "prevalence=after, to=before", "moved the wrong way"),
    Mutant(TURN, "stated = point.prevalence or here", "stated = here", "a named point at another prevalence"),
    Mutant(TURN, "below = curve.at(clear_below) if clear_below < threshold else None", "below = None", "figures without the zone"),
    Mutant(TURN, 'return ("The bundle foresees no change after its release.",)', "return ()", "changes that nobody foresaw"),
    Mutant(TURN, "(own, own), None, ())", "(own, own), None, manifest.point.certificates)", "a threshold by hand with promises"),
    Mutant(TURN, "(each.promise.prevalence in {None, at} for each in mine)", "(each.promise.prevalence is not None for each in mine)", "rules mixed up"),
    Mutant(WORDS, "e{int(power or 0) - 2}", "e{int(power or 0) - 1}", "a per cent as a tenth"),
    Mutant(WORDS, "return value / whole", "return value", "50 per 1,000 as 50"),
    Mutant(PLAN, "each = math.sqrt(expected.assurance)", "each = expected.assurance", "two chances taken for one"),
    Mutant(PLAN, "math.ceil(positives * (1 - share) / share)", "math.ceil(positives * share / (1 - share))", "negatives at the share of positives"),
    Mutant(PLAN, "return high\n\n\ndef _spare", "return low\n\n\ndef _spare", "one mistake too few expected"),
]  # fmt: skip
