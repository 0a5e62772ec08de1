/** Places on the curve, and where they lie on the track of the slider. */

export const TRACK = 1000;

/**
 * Where on the track, from 0 to TRACK, each place lies. Half of the way belongs to the places evenly, so that each can be
 * reached; half to the people who change sides from one to the next, so that there is room where it matters.
 */
export function stops({ curve: { hits, alarms }, certification: { positives, negatives } }) {
  const last = hits.length - 1;
  const spared = hits.map((hit, at) => 2 - hit / positives - alarms[at] / negatives);
  return hits.map((_, at) => (at === 0 ? 0 : Math.round(((at / last + spared[at] / spared[last]) / 2) * TRACK)));
}

/** The place whose stop is nearest to `value`. */
export function nearest(along, value) {
  const away = along.map((stop) => Math.abs(stop - value));
  return away.indexOf(Math.min(...away));
}

/** The threshold that flags from place `at` on: in the middle of the gap below it, so that no rounding moves a person. */
export function middle(thresholds, at) {
  return ((at === 0 ? 0 : thresholds[at - 1]) + thresholds[at]) / 2;
}

/** The place on the curve that flags as many people as these counts say, or comes nearest. */
export function placeOf({ curve: { hits, alarms } }, counts) {
  const wanted = counts.hits + counts.alarms;
  const away = hits.map((number, place) => Math.abs(number + alarms[place] - wanted));
  return away.indexOf(Math.min(...away));
}
