"""The page: a table a rule."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import stats

from benchmarks.certification.repeats import BEYOND_CHANCE, CERTIFIED, MAPIE, NAIVE, Result
from benchmarks.certification.world import World
from benchmarks.certification.worlds import FINE, SETTINGS, SICK, SICK_IN_GROUPS, TIED

Row = dict[str, str]

ABOUT = {
    "Recall": "An order statistic of the scores of the sick.",
    "Specificity": "An order statistic of the scores of the healthy.",
    "Precision": "Fixed-sequence testing, begun where about 30, 48, 77 ... of the cases are flagged; the hits among all"
    " flagged are bounded ([how](precision-bound.md)).",
    "Precision, with a guide": "The same from one beginning, the surest threshold of as many other cases.",
    "NPV": "As precision, mirrored, without a guide.",
    "Cost, truly a little too dear": "The prices alone set the threshold, and the cases test it once. Here the promise is"
    " false by a thousandth, so that every certificate is a broken promise: the hardest case.",
    "Cost, truly cheap enough": "Three tenths more than the true cost is allowed: here a certificate is right.",
    "Capacity": "An order statistic of the scores of all.",
    "Capacity at another prevalence": "The cases hold more of the sick than the people do; both flagged shares are bounded"
    " at half the risk each.",
    "RuleInOut": "A precision above and a recall below, at half the risk each; between them nothing is decided.",
    "Several": "A recall and a specificity at one threshold, at half the risk each, and then the fewest alarms.",
    "RecallInEveryGroup, groups differ": "Three groups, of a half, three tenths and a fifth of the people. The sick of the"
    " smallest score lowest, so its order statistic decides.",
    "RecallInEveryGroup, groups alike": "The same three groups, all of them alike: the lowest of three order statistics is"
    " low for all.",
}


def page(results: list[Result], repeats: int, seed: int) -> str:
    """What was simulated and what came out, as Markdown."""
    settings = [
        f"- One sick of {round(1 / one.prevalence):,}: distance {one.distance:g}, a miss costs {one.miss:,} alarms."
        for one in SETTINGS
    ]
    lines = [
        "# Are promises kept?",
        "",
        f"Each line below is {repeats:,} certifications, each on freshly drawn people (seed {seed}). Healthy people score",
        "N(0, 1), the sick N(distance, 1), so the true figures of every threshold follow from the normal law, without a",
        "sample. A promise is *broken* if the chosen threshold truly does less than was asked. With confidence 0.95",
        "that may happen in 5 % of the certifications, refused ones counted as not broken.",
        "",
        *settings,
        "",
        f"About {SICK} of the cases are sick, {SICK_IN_GROUPS} where groups are named. *Fine* scores are rounded down",
        f"to 1/{round(1 / FINE)}, *tied* ones to 1/{round(1 / TIED)}, so that many people share one. *Naive* is the common",
        "way: the best threshold whose figure, as measured on the same cases, is as asked. *Ideal* is the threshold of one",
        "who knows the truth. Figures are means over the repeats in which a threshold was found.",
        "",
        *_verdict(results),
        "",
        "![Broken promises of every rule, and false-positive rates at one promised recall](certification.svg)",
    ]
    for rule in dict.fromkeys(result.world.rule for result in results):
        found = [result for result in results if result.world.rule == rule]
        lines += ["", f"## {rule}", "", ABOUT[rule], "", *_table([_row(result) for result in found])]
        compared = [result for result in found if set(MAPIE) & set(result.outcomes)]
        if compared:
            yardstick = found[0].world.yardstick
            lines += [
                "",
                f"The {yardstick} beside that of MAPIE 1.6.0, fine scores:",
                "",
                *_table([_beside(result) for result in compared]),
            ]
    return "\n".join([*lines, "", *ENDING, ""])


ENDING = [
    "## How MAPIE was asked",
    "",
    "`mapie.risk_control.BinaryClassificationController` with the same cases, the same target and confidence 0.95: its",
    "default thresholds (0, 0.01 ... 0.99); a hand-made grid of 100 quantiles of the scores of all calibration cases, and",
    "one of those of the sick alone, each with its default correction (Bonferroni-Holm); for recall and specificity the",
    "grid of the sick also with `fixed_sequence`, its sharpest way. `found` is told where it is below 100 %, `broken` where",
    "it is above 0 %. It knows a precision only at the share of the sick among the cases, and no NPV, cost or groups.",
    "It is given cases that count several times; a test compares that with single cases.",
    "",
    "Made by `python -m benchmarks.certification`. It fails if a promise is broken more often than allowed, or a certified",
    "threshold does worse than one of MAPIE's on the same cases, beyond what chance explains (exact binomial test,",
    f"paired t test, at {BEYOND_CHANCE:g}).",
]


def _verdict(results: list[Result]) -> list[str]:
    worst = max(results, key=lambda result: result.broken(CERTIFIED) / result.repeats)
    unsound = sum(not result.sound for result in results)
    beside = [result.behind(way) for result in results for way in MAPIE if way in result.outcomes]
    return [
        f"Promises are broken more often than allowed in {unsound or 'none'} of {len(results)} lines; the most",
        f"is {worst.broken(CERTIFIED) / worst.repeats:.2%} ({worst.world.name}).",
        f"In {sum(beside) or 'none'} of {len(beside)} comparisons is a certified threshold worse than MAPIE's.",
    ]


def _row(result: Result) -> Row:
    world, broken, repeats = result.world, result.broken(CERTIFIED), result.repeats
    low, high = stats.binomtest(broken, repeats).proportion_ci(0.95, method="exact")
    return {
        "prevalence": world.odds,
        "scores": world.scores,
        "cases (sick)": f"{world.rows:,} ({round(world.rows * world.share):,})",
        "asked": asked(world),
        "found": f"{len(result.found(CERTIFIED)) / repeats:.1%}",
        "broken (95 % interval)": f"{broken / repeats:.2%} ({low:.2%} to {high:.2%})",
        "naive broken": f"{result.broken(NAIVE) / repeats:.1%}",
        f"{world.yardstick}: ideal": _digits(world)(result.ideal.worth if result.ideal else math.nan),
        "certified": _digits(world)(result.worth(CERTIFIED)),
        "naive": _digits(world)(result.worth(NAIVE)),
    }


def _beside(result: Result) -> Row:
    digits = _digits(result.world)
    row = {
        "prevalence": result.world.odds,
        "ideal": digits(result.ideal.worth if result.ideal else math.nan),
        "certified": f"**{digits(result.worth(CERTIFIED))}**",
    }
    for way in MAPIE:
        if way not in result.outcomes:
            continue
        found, broken = len(result.found(way)) / result.repeats, result.broken(way) / result.repeats
        told = [f"found {found:.1%}"] if found < 1 else []
        told += [f"broken {broken:.2%}"] if broken else []
        row[way] = digits(result.worth(way)) + (f" ({', '.join(told)})" if told else "")
    return row


def asked(world: World) -> str:
    """What is promised, without its confidence and the prevalence of the line."""
    promises = dict.fromkeys(
        promise.model_copy(update={"group": None, "prevalence": None, "costs": None}).worded(promise.bound, digits=5)
        for promise in world.contract.promises
    )
    return " and ".join(promises).replace(">=", "≥").replace("<=", "≤")


def _digits(world: World) -> Callable[[float], str]:
    """Shares of the sick with three decimals, small rates with three digits."""

    def written(number: float) -> str:
        if math.isnan(number):
            return "none"
        return f"{number:.3f}" if world.yardstick == "recall" else f"{number:#.3g}"

    return written


def _table(rows: list[Row]) -> list[str]:
    header = list(rows[0])
    return [
        f"| {' | '.join(header)} |",
        "|" + " --- |" * len(header),
        *(f"| {' | '.join(row.values())} |" for row in rows),
    ]
