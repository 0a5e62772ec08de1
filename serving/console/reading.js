/** What the service says in the words of a contract, as a person reads it. */

import { count, plain } from "./words.js";

const SHARE = String.raw`(0?\.\d+|[01])(?![\d.]*\d)`;
const NAMES = "recall|specificity|precision|NPV|flagged";
const SUBJECTS = { threshold: "The threshold", clear_below: "The lower threshold", prevalence: "The prevalence" };
const written = (share) => plain(Number(share));
const READ = [
  [/^([a-z_]+)(?:\.\w+)*: should/, (_, field) => `${SUBJECTS[field] ?? ""} should`.trim()],
  [/^should be kept: (.*): the cases carry /, "What has to be kept is $1; the cases carry only "],
  [new RegExp(`(?<=should be from |from .* to |got )${SHARE}`, "g"), written],
  [new RegExp(`\\b(${NAMES}) >= ${SHARE}`, "g"), (_, name, share) => `${name} of at least ${written(share)}`],
  [new RegExp(`\\b(${NAMES}) <= ${SHARE}`, "g"), (_, name, share) => `${name} at most ${written(share)}`],
  [new RegExp(`\\b(${NAMES}) ${SHARE}`, "g"), (_, name, share) => `${name} of ${written(share)}`],
  [new RegExp(`\\bat prevalence ${SHARE}`, "g"), (_, share) => `where ${written(share)} of people are sick`],
  [new RegExp(`,? with confidence ${SHARE}`, "g"), (_, share) => `, with ${written(share)} certainty`],
  [/\b(\d+) (more )?positives\b/g, (_, number, more = "") => `${count(Number(number))} ${more}sick people`],
  [/\b(\d+) (more )?negatives\b/g, (_, number, more = "") => `${count(Number(number))} ${more}healthy people`],
  [/Would do: (.*)\.$/, "It would take $1 with a known answer."],
  [/\.\.$/, "."],
];

/** Words of the service as they are read: shares as percentages, cases as people, no names of fields. */
export const plainly = (text) => READ.reduce((read, [from, to]) => read.replace(from, to), text);

/** Why the service refused, as it is read. */
export function reasons({ message, refusals = [] }) {
  const control = refusals.filter(({ path }) => path === "change_control");
  return control.length ? control.map(({ got }) => plainly(got)).join(" ") : plainly(message);
}
