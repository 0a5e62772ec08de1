"""Faults in what is counted and measured: curves, intervals, figures, calibration, net benefit, subgroups."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

CURVE, INTERVALS, FIGURES = "models/curve.py", "models/intervals.py", "models/figures.py"
BENEFIT, SUBGROUP, GROUPING = "models/net_benefit.py", "models/subgroup.py", "models/grouping.py"
CALIBRATION, BINS = "models/calibration.py", "models/calibration_curve.py"

TESTS = {
    CURVE: ["models/test_curve.py", "models/contracts/test_recall.py"],
    INTERVALS: ["models/test_intervals.py"],
    FIGURES: ["models/test_figures.py"],
    BENEFIT: ["models/test_net_benefit.py"],
    SUBGROUP: ["models/test_subgroup.py"],
    GROUPING: ["models/test_grouping.py"],
    CALIBRATION: ["models/test_calibration.py"],
    BINS: ["models/test_calibration_curve.py"],
}

MUTANTS = [
    Mutant(CURVE, 'np.float32(threshold), side="left"))\n        return Counts', 'np.float32(threshold), side="right"))\n        return Counts', "a row on the threshold not flagged"),
    Mutant(CURVE, 'dtype=np.float32), side="left")\n        return hits', 'dtype=np.float32), side="right")\n        return hits', "many rows on thresholds not flagged"),
    Mutant(CURVE, 'np.float32(threshold), side="left"))\n        return float', 'np.float32(threshold), side="right"))\n        return float', "settled above the score"),
    Mutant(CURVE, "(below < middle) & (middle <= at)", "(below <= middle) & (middle <= at)", "settled on the score below"),
    Mutant(CURVE, "scores = np.asarray(probabilities, dtype=np.float32)", "scores = np.asarray(probabilities, dtype=np.float64)", "thresholds the graph can not hold"),
    Mutant(CURVE, "not ((scores >= 0) & (scores <= 1)).all()", "((scores < 0) | (scores > 1)).any()", "NaN let through"),
    Mutant(CURVE, "np.cumsum(self.negatives[::-1], dtype=np.int64)[::-1]", "np.cumsum(self.negatives, dtype=np.int64)", "negatives counted from below"),
    Mutant(CURVE, "if any(low >= high", "if any(low > high", "a threshold twice"),
    Mutant(CURVE, "hits=math.floor(self.hits * times)", "hits=math.ceil(self.hits * times)", "rounded to the model's advantage"),
    Mutant(INTERVALS, "betaincinv(of, out_of - of + 1, 1 - confidence)", "betaincinv(of, out_of - of + 1, (1 - confidence) / 2)", "one-sided bound as two-sided"),
    Mutant(INTERVALS, "betaincinv(of + 1, out_of - of, confidence)", "betaincinv(np_max(of, 1), out_of - of + 1, confidence)".replace("np_max", "max"), "upper bound off by one case"),
    Mutant(INTERVALS, "special.ndtri(0.5 + 0.5 * confidence)", "special.ndtri(confidence)", "two-sided interval as one-sided"),
    Mutant(INTERVALS, "4 * out_of * share * (1 - share) + z**2)", "4 * out_of * share * (1 - share))", "Wald's width"),
    Mutant(INTERVALS, "return prevalence / (1 - prevalence)", "return (1 - prevalence) / prevalence", "odds upside down"),
    Mutant(INTERVALS, "side = (1 + confidence) / 2", "side = confidence", "two-sided limits as one-sided"),
    Mutant(INTERVALS, "(math.hypot(below, down), math.hypot(above, up))", "(below + down, above + up)", "widths added up"),
    Mutant(INTERVALS, "                math.hypot(below, up),\n                math.hypot(above, down),", "                math.hypot(below, down),\n                math.hypot(above, up),", "limits of a difference exchanged"),
    Mutant(INTERVALS, "above.value / below.value if of_healthy else None", "above.value / below.value if of_sick else None", "a ratio of nothing"),
    Mutant(INTERVALS, "1.0 if of == out_of else float(special", "1.0 if of > out_of else float(special", "no bound where all are flagged"),
    Mutant(FIGURES, "wilson(counts.hits, sick), wilson(below.clears, healthy)", "wilson(counts.hits, sick), wilson(counts.clears, healthy)", "the undecided healthy called cleared"),
    Mutant(FIGURES, "misses=below.misses, positives=sick,", "misses=counts.misses, positives=sick,", "NPV of the undecided too"),
    Mutant(FIGURES, "    _check_nested(counts, below)\n", "", "counts of other cases"),
    Mutant(FIGURES, "counts.negatives * threshold / (1 - threshold)", "counts.negatives * (1 - threshold) / threshold", "odds upside down"),
    Mutant(FIGURES, "sick_missed=of(below.misses,", "sick_missed=of(counts.misses,", "the undecided called missed"),
    Mutant(FIGURES, "recall_range=(recall, wilson(below.hits, sick))", "recall_range=(wilson(below.hits, sick), recall)", "a range upside down"),
    Mutant(FIGURES, "sick, healthy, rest = counts.positives, counts.negatives, 1 - prevalence", "sick, healthy, rest = counts.positives, counts.negatives, prevalence", "prevalence of the healthy"),
    Mutant(BENEFIT, "curve.at(_moved(threshold, prevalence, curve.prevalence))", "curve.at(threshold)", "thresholds of another prevalence"),
    Mutant(BENEFIT, "-(1 - prevalence) * threshold / (1 - threshold))", "-(1 - prevalence) * threshold)", "an alarm held to be worth its probability"),
    Mutant(BENEFIT, "if not 0 <= threshold < 1:", "if not 0 <= threshold <= 1:", "who would never act"),
    Mutant(BENEFIT, "min(10 * prevalence, 0.99)", "min(prevalence, 0.99)", "nothing beyond the usual risk"),
    Mutant(SUBGROUP, "if _fewest([group.curve]) < smallest", "if _fewest([group.curve]) <= smallest", "ten people held back"),
    Mutant(SUBGROUP, "            hidden.append(shown.pop(0))", "            shown.pop(0)", "a small group to be told by subtraction"),
    Mutant(SUBGROUP, "specificity=wilson(cleared.clears, cleared.negatives)", "specificity=wilson(curve.at(threshold).clears, cleared.negatives)", "the undecided healthy called cleared"),
    Mutant(GROUPING, "np.digitize(numbers, self.cuts)", "np.digitize(numbers, self.cuts, right=True)", "wrong side of a cut"),
    Mutant(GROUPING, "np.where(np.isnan(numbers), len(names) - 1,", "np.where(np.isnan(numbers), 0,", "an unknown age called young"),
    Mutant(CALIBRATION, "- self.sampling_log_ratio", "+ self.sampling_log_ratio", "sampling done twice, not undone"),
    Mutant(CALIBRATION, "- self.loss_log_ratio", "", "loss weights not undone"),
    Mutant(CALIBRATION, "logistic_line(undone, smooth, y)", "logistic_line(undone, y, y)", "targets not smoothed"),
    Mutant(CALIBRATION, "if slope <= 0:", "if False:", "a model the wrong way round accepted"),
    Mutant(CALIBRATION, "level - slope * centre / scale", "level", "intercept of the centred line"),
    Mutant(CALIBRATION, "special.logit(to) - special.logit(prevalence)", "special.logit(prevalence) - special.logit(to)", "shift the wrong way"),
    Mutant(CALIBRATION, '"prevalence": float(y.mean())', '"prevalence": self.prevalence', "prevalence of other people"),
    Mutant(CALIBRATION, "if not np.isfinite(x).all():", "if False:", "NaN fitted"),
    Mutant(BINS, "(2 * before + rows - 1) * bins // (2 * int(rows.sum()))", "before * bins // int(rows.sum())", "bins by the first of their people"),
    Mutant(BINS, "expected = float(scores @ (sick + healthy))", "expected = float(scores @ healthy)", "expected of the healthy alone"),
]  # fmt: skip
