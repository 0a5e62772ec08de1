from __future__ import annotations

from collections.abc import Sequence

from benchmarks.site_prevalence.estimating import BEYOND_CHANCE, LEAST, SIZES, Result
from benchmarks.site_prevalence.retuning import ROWS, SCALE, SICK, Retuned
from benchmarks.site_prevalence.weeks import SITE_ROWS, Week

GUIDE = [
    "# A site of its own",
    "",
    "A bundle is certified on the people it was made with. Another site has other people, another share of them is sick,",
    "and its devices and forms may move the scores. `fulcrum tune` makes a new operating point for it without training:",
    "network and calibration stay as they are.",
    "",
    "- **With labels** the contract is certified anew on the site's own rows. The old cases only tell a precision where to",
    "  look. It is refused if the rows do not carry it, with how many more would do.",
    "- **Without labels** the scores tell how many are sick, with an interval, and what the released point does there is",
    "  shown. With `--out` the bundle's contract is certified again on its own cases, at the end of that interval at which",
    "  it asks most. If the people differ by more than their prevalence, it says so and writes nothing.",
    "",
    "Either way the old bundle stays where it is. The new one is the next version beside it, with the old ones in its",
    "history, and the differences are shown. A file that the bundle was made of is refused: it certifies nothing twice.",
    "",
]  # fmt: skip

METHOD = [
    "## How many are sick, without labels",
    "",
    "The sick are taken to look as they do among the certification cases, and so are the healthy; only the mix is another.",
    "A logistic line through the certification cases makes likelihood ratios of the scores. The EM iteration of Saerens,",
    "Latinne & Decaestecker (2002) finds the likeliest share; Fulcrum takes Newton's steps to the same place. EM believes",
    "the line, so its share is off where the line is, and no number of rows mends that. Fulcrum takes it only to weigh the",
    "scores, and compares their weighted mean with those of the sick and of the healthy certification cases, whose labels",
    "are known (the ratio estimator of Vaz, Izbicki & Stern, 2019). The interval is that of 1,000 resamples of the rows and",
    "of the certification cases, corrected for bias and widened for few cases as Student's t is.",
    "",
]  # fmt: skip


def page(
    holds: Sequence[Result],
    differs: Sequence[Result],
    weeks: Sequence[Week],
    retuned: Sequence[Retuned],
    *,
    transcript: Sequence[str],
    repeats: int,
    seed: int,
) -> str:
    """The guide, and what was measured, as Markdown."""
    typed = ["```console", *transcript[:-1], "```", ""] if transcript else []
    about = [
        f"These are {SITE_ROWS:,} real tests of the second week of April 2020, a week after those that the shipped bundle was",
        "tested on. Without labels it is told that these people differ by more than their prevalence; below it",
        "shows that this is true.",
        "",
    ]  # fmt: skip
    return "\n".join(
        [
            *GUIDE,
            *typed,
            *(about if transcript else ["The COVID-19 tests can not be had here, so nothing real is shown.", ""]),
            *METHOD,
            *_held(holds, repeats, seed),
            *_different(differs),
            *(_weekly(weeks) if weeks else []),
            *_labelled(retuned),
            "Made by `python -m benchmarks.site_prevalence`, which fails if an interval holds the truth in fewer than",
            f"{LEAST:.0%} of the sites of a row, if EM and Newton's steps part, or if a promise is broken more often than",
            f"allowed, each beyond what chance explains (exact binomial test at {BEYOND_CHANCE:g}).",
            "",
        ]
    )


def _held(results: Sequence[Result], repeats: int, seed: int) -> list[str]:
    sizes = ", ".join(f"{size:,}" for size in SIZES)
    return [
        "### Where only the mix is another",
        "",
        f"{repeats * len(SIZES):,} sites a row (seed {seed}), a third each of {sizes} rows, each with certification cases of",
        "its own. Healthy people score N(0, 1), the sick N(2, 1), for which a logistic line is right, or N(2, 1.5), for",
        "which it is not. *Refused*: the scores do not tell that anybody is sick. *Holds*: the 95 % interval holds the true",
        "share, where there is an answer, with a Clopper-Pearson interval. *EM alone*: the likeliest share with an interval",
        "of the rows only. *Flagged*: the share of people above the threshold, taken for the prevalence.",
        "",
        "| certified on | sick score | prevalence | refused | holds | | median | width | trusted | EM alone holds | flagged |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_row, results),
        "",
        f"EM and Newton's steps end in the same place: they part by {max(one.apart for one in results):.1g} at most.",
        "",
        "![How often intervals hold the truth, and April week by week](site.svg)",
        "",
    ]  # fmt: skip


def _row(result: Result) -> str:
    site, (low, high), (middle, width) = result.sites[0], result.interval, result.median
    refused = 1 - len(result.answered) / len(result.told)
    held = result.held / max(len(result.answered), 1)
    return (
        f"| {site.sick:,} sick, {site.healthy:,} healthy | N(2, {site.spread:g}) | {result.name.partition('|')[0]} "
        f"| {refused:.0%} | {held:.1%} | {low:.1%} to {high:.1%} | {middle:.4f} | {width:.4f} | {result.trusted:.0%} "
        f"| {result.covered('em'):.0%} | {result.covered('flagged'):.0%} |"
    )


def _different(results: Sequence[Result]) -> list[str]:
    site = results[0].sites[0]
    return [
        "### Where the people differ by more",
        "",
        f"Sites of {site.rows:,} rows, certified on {site.sick:,} sick and {site.healthy:,} healthy. *Not trusted*: no mix of",
        "certification cases has such scores, by chance in fewer than 1 in 100. The fewer are sick, the less anybody",
        "can see that they look otherwise. Half of the sick looking healthy is the same as half of them not being there:",
        "no scores tell that, and the estimate counts the other half. Only labels would.",
        "",
        "| what is different | prevalence | median estimate | holds the truth | not trusted | refused |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {result.name.partition('|')[0]} | {result.prevalence:.0%} | {result.median[0]:.4f} "
            f"| {result.held / max(len(result.answered), 1):.0%} | {1 - result.trusted:.0%} "
            f"| {1 - len(result.answered) / len(result.told):.0%} |"
            for result in results
        ),
        "",
    ]  # fmt: skip


def _weekly(weeks: Sequence[Week]) -> list[str]:
    return [
        "### COVID-19 tests, week by week",
        "",
        "The shipped bundles were certified on tests up to 31 March 2020. In April other people came to be tested, and fewer",
        "of the infected named a symptom or a contact: recall of the released screen falls. So the sick look",
        "otherwise, the estimate is off, and it says so.",
        "",
        "| bundle | days of April | rows | truly sick | estimate | by chance | trusted | recall of the released point |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {week.bundle} | {week.days[0]} to {week.days[1]} | {week.rows:,} | {week.share:.4f} "
            f"| {week.found or 'refused'} | {'-' if week.found is None else f'{week.found.fit:.2g}'} "
            f"| {'yes' if week.found and week.found.trusted else 'no'} | {week.recall} |"
            for week in weeks
        ),
        "",
    ]  # fmt: skip


def _labelled(retuned: Sequence[Retuned]) -> list[str]:
    return [
        "## With labels: certified on the site's own rows",
        "",
        f"A bundle is used where its logits arrive as {SCALE:g} times themselves, moved down by 1.5 (recall) or up by 1",
        f"(precision). The released point no longer keeps its promise there. At {len(retuned[0].reached):,} sites, {ROWS:,} rows",
        f"each, of whom {SICK:.0%} are sick, it is tuned, and what the new point truly does is known.",
        "",
        "| contract | released point, truly | tuned | broken | 95 % interval | allowed | truly, in the middle |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *map(_tuned, retuned),
        "",
    ]  # fmt: skip


def _tuned(one: Retuned) -> str:
    low, high = one.interval
    middle = sorted(one.certified)[len(one.certified) // 2] if one.certified else float("nan")
    return (
        f"| {one.contract} | {one.before:.3f} | {len(one.certified) / len(one.reached):.1%} of sites "
        f"| {one.broken / len(one.reached):.2%} | {low:.2%} to {high:.2%} | {1 - one.contract.confidence:.0%} "
        f"| {middle:.3f} |"
    )
