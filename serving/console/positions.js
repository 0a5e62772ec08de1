/** Places on the curve: the slider goes over them evenly, however close together the probabilities lie. */

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
