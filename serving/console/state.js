/** What the page knows and asks for. */

import { middle } from "./positions.js";

/**
 * `asked` is {by: "setting", point}, {by: "place", at}, {by: "threshold", value}, {by: "words", words} or {by: "point", name};
 * `prevalence` is null where the model's own is meant. `turned` is the service's last answer, `answered` the setting
 * that it answers, `refused` why there is none to the last one, `quiet` what waits until turning has stopped; `newer` is
 * a live point that somebody else has made and that is not yet looked at here.
 */
export const page = {
  model: null,
  live: null,
  facts: null,
  asked: null,
  prevalence: null,
  turned: null,
  answered: null,
  quiet: null,
  allowed: null,
  refused_because: [],
  groups: [],
  refused: null,
  newer: null,
  row: null,
};

/** What is asked for, as the service takes it. */
export function setting() {
  const { asked, facts, prevalence } = page;
  const point = {
    setting: () => asked.point,
    place: () => middle(facts.curve.thresholds, asked.at),
    threshold: () => asked.value,
    words: () => asked.words,
    point: () => asked.name,
  }[asked.by]();
  return { operating_point: point, prevalence };
}
