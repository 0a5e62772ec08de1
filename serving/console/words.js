/** Numbers and facts as they are read. Nothing here is measured; it is only written down. */

const THIN = "\u202f";

/** A measured share as a percentage, with two digits of whichever is smaller, the share or what is left of it. */
export function percent(share) {
  if (share === null || share === undefined) return "not measured";
  return `${fixed(share, places(share))}${THIN}%`;
}

function places(share) {
  const least = Math.min(share, 1 - share) * 100;
  return least <= 0 ? 0 : Math.min(Math.max(1 - Math.floor(Math.log10(least)), 1), 8);
}

const fixed = (share, digits) =>
  (share * 100).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A share that somebody chose, such as a threshold or a promise, as a percentage: no digits that were not chosen. */
export const plain = (share) => `${inPercent(share, 3 + Math.max(nines(share), 0))}${THIN}%`;

/** How many nines 0.9987 begins with, less one: so many digits more than usual it takes to tell it from 1. */
const nines = (share) => (share > 0.5 && share < 1 ? Math.floor(-Math.log10(1 - share)) - 1 : 0);

/** A share as the number that stands in a field of percents: short, and the way back loses nothing. */
export const inPercent = (share, precision = 12) => String(Number((share * 100).toPrecision(precision)));

/** What stands in a field of percents as a share; null where there is no number. */
export function asShare(text) {
  return text.trim() === "" || Number.isNaN(Number(text)) ? null : Number((Number(text) / 100).toPrecision(15));
}

export const count = (number) => number.toLocaleString("en", { maximumFractionDigits: 0 });

/** A number with three digits that say something. */
export const figure = (number) =>
  number.toLocaleString("en", { maximumSignificantDigits: 3, minimumSignificantDigits: Math.abs(number) < 1 ? 1 : 2 });

/** "93.9 % to 95.9 %" */
export function interval({ low, high }) {
  const digits = Math.max(places(low), places(high));
  return `${fixed(low, digits)} to ${fixed(high, digits)}${THIN}%`;
}

/** A moment, in the one time that is the same on every desk. */
export function moment(text) {
  const at = new Date(text);
  const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  return `${day}, ${time} UTC`;
}

/** Whom a point flags, in words. */
export function rule(turned) {
  return turned.clear_below < turned.threshold
    ? `flags from a probability of ${plain(turned.threshold)}, clears below ${plain(turned.clear_below)}`
    : `flags from a probability of ${plain(turned.threshold)}`;
}

const PROMISES = {
  recall: ["of the sick are found (recall)", "of the sick are not cleared (recall)"],
  specificity: ["of the healthy are cleared (specificity)", "of the healthy are not flagged (specificity)"],
  precision: ["of the flagged are really sick (precision)"],
  npv: ["of the cleared are really healthy (NPV)"],
  flagged: ["of all people are flagged"],
};

/** All promises of a point, as sentences. */
export const promises = ({ certificates, threshold, clear_below: below }) =>
  certificates.map((certificate) => promise(certificate, below < threshold));

/** A certificate as a sentence; a figure that is no share is given in the service's words. */
function promise(certificate, zone) {
  const { figure: of, at_least: least, at_most: most, confidence, prevalence, group } = certificate;
  if (!PROMISES[of]) return `${capital(certificate.in_words)}.`;
  const [plainly, beside = plainly] = PROMISES[of];
  const bound = least === null ? `At most ${plain(most)}` : `At least ${plain(least)}`;
  const where = prevalence === null ? "" : ` where ${plain(prevalence)} of people are sick`;
  const among = group === null ? "" : `, in the group ${spaced(group)}`;
  return `${bound} ${zone ? beside : plainly}${where}${among}, with ${plain(confidence)} certainty.`;
}

/** How the certificate stands on its cases. */
export const proof = (certificate) =>
  `Tested on ${count(certificate.positives)} sick and ${count(certificate.negatives)} healthy people, who would carry` +
  ` a promise of ${PROMISES[certificate.figure] ? percent(certificate.certified) : figure(certificate.certified)}.`;

/** A name of a column or an endpoint as it is read: "age_60_and_above" is "age 60 and above". */
export const spaced = (name) => name.replaceAll("_", " ");

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
