/** What a point does and promises: a table of figures beside those of the live point, and the promises in words. */

import { find, make, show } from "./dom.js";
import { count, figure, interval, percent, plain, promises, proof } from "./words.js";

const shareOf = (estimate) => [
  percent(estimate.value),
  interval(estimate),
  estimate.of === null ? null : `${count(estimate.of)} of ${count(estimate.out_of)}`,
];

function ratioOf(ratio) {
  if (ratio.value === null) return ["without bound", `at least ${figure(ratio.low)}`, null];
  return [
    `× ${figure(ratio.value)}`,
    `${figure(ratio.low)} to ${ratio.high === null ? "no bound" : figure(ratio.high)}`,
    null,
  ];
}

const ROWS = [
  ["Of the sick, found", "recall, sensitivity", (figures) => shareOf(figures.recall)],
  ["Of the healthy, cleared", "specificity", (figures) => shareOf(figures.specificity)],
  ["Of the flagged, really sick", "precision, PPV", (figures) => shareOf(figures.precision)],
  ["Of the cleared, really healthy", "NPV", (figures) => shareOf(figures.npv)],
  ["Of all people, flagged", "alert rate", (figures) => shareOf(figures.flagged)],
  ["A flag multiplies the odds of being sick by", "LR+", (figures) => ratioOf(figures.likelihood_ratio_positive)],
  ["No flag multiplies the odds of being sick by", "LR−", (figures) => ratioOf(figures.likelihood_ratio_negative)],
  [
    "Sick found per person, less a price for alarms",
    "net benefit",
    (figures) => [figures.net_benefit?.toFixed(4) ?? "not measured", null, null],
  ],
];

const OPEN = [
  ["Of the sick, neither flagged nor cleared", "indeterminate", (figures) => shareOf(figures.indeterminate_sick_share)],
  [
    "Of the healthy, neither flagged nor cleared",
    "indeterminate",
    (figures) => shareOf(figures.indeterminate_healthy_share),
  ],
];

/** Both points side by side; where they are the same, one. */
export function showFigures(turned, live, facts) {
  const same = JSON.stringify(turned) === JSON.stringify(live.turned);
  const columns = same
    ? [["Live now", turned]]
    : [
        ["Turned to", turned],
        ["Live now", live.turned],
      ];
  const zone = columns.some(([, point]) => point.clear_below < point.threshold);
  show(
    find("#figures"),
    make("caption", { class: "hidden" }, "Figures of the point with 95 % intervals"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Figure"), columns.map(head))),
    make(
      "tbody",
      {},
      (zone ? ROWS.toSpliced(2, 0, ...OPEN) : ROWS).map(([name, term, read]) => row(name, term, read, columns)),
    ),
  );
  const { rows, positives, negatives } = facts.certification;
  find("#figures-note").textContent =
    `Measured on ${count(rows)} people with a known answer: ${count(positives)} sick, ${count(negatives)} healthy. ` +
    `Below each figure its 95 % interval, and the people it was counted on.` +
    later(facts.evidence);
}

function later(evidence) {
  if (!evidence) return "";
  const {
    rows,
    kept,
    area_under_curve: area,
    area_interval: [low, high],
  } = evidence;
  return (
    ` Afterwards the released point was tried on ${count(rows)} other people: its promise was ${kept ? "kept" : "NOT kept"}` +
    ` (area under the ROC curve ${area.toFixed(3)}, ${low.toFixed(3)} to ${high.toFixed(3)}).`
  );
}

const head = ([name, point]) =>
  make("th", { scope: "col" }, name, make("small", {}, `at prevalence ${plain(point.prevalence)}`));

function row(name, term, read, columns) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name, " ", make("small", {}, `(${term})`)),
    columns.map(([, point]) => {
      const [value, range, cases] = read(point.figures);
      return make("td", {}, make("b", {}, value), range && make("small", {}, range), cases && make("small", {}, cases));
    }),
  );
}

/** What is promised at the turned point, and what of the live promises is given up. */
export function showPromise(turned, live) {
  const { certificates: kept } = turned;
  const idle = useless(turned.figures.counts);
  const lost = kept.length ? [] : promises(live.turned);
  show(
    find("#promise"),
    kept.length
      ? make(
          "ul",
          { class: "promises" },
          promises(turned).map((text, place) => make("li", {}, text, make("small", {}, proof(kept[place])))),
        )
      : make(
          "p",
          { class: "nothing" },
          make("b", {}, "Nothing is promised for this threshold, only measured."),
          " ",
          why(turned),
        ),
    idle && make("p", { class: "lost" }, idle),
    lost.length > 0 && make("p", { class: "lost" }, "The live point promises, and this one gives up: ", lost.join(" ")),
  );
}

/** What to say of a point at which the model makes no difference between people; null if it makes one. */
function useless({ hits, misses, alarms, clears }) {
  if (misses + clears === 0) return "It flags everybody, so the model tells nothing here: the same is had without it.";
  if (hits + alarms === 0) return "It flags nobody, so the model tells nothing here: the same is had without it.";
  return null;
}

function why(turned) {
  if (turned.contract !== null)
    return `“${turned.contract}” chooses a threshold, and says nothing about how often it is right.`;
  return (
    "It was chosen by hand, by looking at these very figures. So they may look a little better here than they will turn" +
    " out. To have a promise, say what you need as a contract."
  );
}

/** The point in one line, as it stands above the picture. */
export function verdict(turned) {
  const from = plain(turned.threshold);
  return turned.clear_below < turned.threshold
    ? `Flags whoever has a probability of ${from} or more, clears whoever is below ${plain(turned.clear_below)}, and leaves those between open.`
    : `Flags whoever has a probability of ${from} or more, and clears the rest.`;
}
