/** The turned point in each group of people, and the further heads of the model. */

import { find, make, show } from "./dom.js";
import { capital, count, interval, percent, spaced } from "./words.js";

/** Show the table of `groups` as measured at the turned point; nothing where the bundle has none. */
export function showGroups(groups, facts) {
  find("#groups-section").hidden = groups.length === 0;
  const kinds = Object.fromEntries(facts.columns.map((column) => [column.name, column.kind]));
  show(
    find("#groups"),
    make("caption", { class: "hidden" }, "Recall and specificity in each group"),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        ["Group", "People", "Of the sick, found (recall)", "Of the healthy, cleared (specificity)"].map((name) =>
          make("th", { scope: "col" }, name),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      groups.map((group) => row(group, kinds[group.column])),
    ),
  );
  find("#groups-note").textContent = groups.some((group) => group.suppressed)
    ? "Where a group is too small, figures are left out: they would say little, and could point at single people."
    : "Groups differ by chance too: compare the intervals, not the figures alone.";
}

function row(group, kind) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, `${capital(spaced(group.column))}: ${value(group.value, kind)}`),
    group.suppressed
      ? make("td", { colspan: 3, class: "few" }, "left out: too few people")
      : [
          make("td", {}, make("b", {}, count(group.rows)), make("small", {}, `${count(group.positives)} sick`)),
          cell(group.recall, EVERYBODY[`${group.recall.value}, ${group.specificity.value}`]),
          cell(group.specificity),
        ],
  );
}

// What a group is told where the model tells none of its people apart.
const EVERYBODY = { "1, 0": "everybody is flagged", "0, 1": "nobody is flagged" };

const cell = (estimate, told) =>
  make(
    "td",
    {},
    make("b", {}, percent(estimate.value)),
    make("small", {}, interval(estimate)),
    told && make("small", {}, told),
  );

const value = (told, kind) => (kind === "Binary" ? ({ 0: "no", 1: "yes" }[told] ?? told) : spaced(told));

/** Show what the further heads of the model say; nothing where it has none. */
export function showSymptoms(symptoms) {
  find("#symptoms-section").hidden = symptoms.length === 0;
  show(
    find("#symptoms"),
    symptoms.flatMap(({ name, meaning, unit }) => [
      make("dt", {}, capital(spaced(name)), unit && make("small", {}, ` in ${unit}`)),
      make("dd", {}, meaning || "The bundle does not say what it means."),
    ]),
  );
}
