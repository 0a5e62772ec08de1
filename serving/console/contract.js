/** The contract form: what a person needs, as the words that the service understands. */

import { find, make, show } from "./dom.js";
import { plainly } from "./reading.js";
import { asShare, inPercent } from "./words.js";

const share = (label, term, value) => ({ label, term, value, unit: "%", read: asShare });
const number = (label, term, value, unit) => ({ label, term, value, unit, read: Number });

// `here` is the prevalence of the page, which stands in the contract where its promise depends on it.
const KINDS = {
  recall: {
    name: "enough of the sick found (recall)",
    fields: [share("Of the sick, find at least", "recall", 95)],
    words: ([least]) => `recall >= ${least}`,
  },
  specificity: {
    name: "enough healthy cleared (specificity)",
    fields: [share("Of the healthy, clear at least", "specificity", 90)],
    words: ([least]) => `specificity >= ${least}`,
  },
  precision: {
    name: "flags to be believed (precision)",
    fields: [share("Of the flagged, really sick at least", "precision, PPV", 80)],
    words: ([least], here) => `precision >= ${least} at prevalence ${here}`,
    local: true,
  },
  npv: {
    name: "an all-clear to be believed (NPV)",
    fields: [share("Of the cleared, really healthy at least", "NPV", 99)],
    words: ([least], here) => `NPV >= ${least} at prevalence ${here}`,
    local: true,
  },
  cost: {
    name: "misses weighed with alarms (cost)",
    fields: [number("Missing one sick person is as bad as", "cost of a miss", 50, "alarms in vain")],
    words: ([alarms], here) => `miss costs ${alarms} alarms at prevalence ${here}`,
    local: true,
  },
  capacity: {
    name: "few enough flags (capacity)",
    fields: [number("Flag at most", "capacity", 200, "of 1,000 people")],
    words: ([most], here) => `flagged <= ${most} per 1000 at prevalence ${here}`,
    local: true,
  },
  zone: {
    name: "the doubtful left open (two limits)",
    fields: [
      share("Of the healthy, not flagged at least", "rule in: specificity", 95),
      share("Of the sick, not cleared at least", "rule out: recall", 95),
    ],
    words: ([within, out]) => `rule in specificity >= ${within}, rule out recall >= ${out}`,
  },
};

const BY_HAND = "hand";
const OWN_WORDS = "own";
// The point that every bundle carries, and that is live until somebody changes it.
const RELEASED = "point:default";

/** Fill the list of what can be needed: nothing, a point of the bundle, or a contract. */
export function offer(points, { onHand, onPoint, onWords, onLocal }) {
  const options = [
    make("option", { value: BY_HAND }, "nothing, I turn by hand"),
    ...points.map((point) =>
      make("option", { value: `point:${point.name}` }, `“${point.name}”: ${plainly(point.in_words)}`),
    ),
    make("option", { value: OWN_WORDS }, "what I wrote below"),
    ...Object.entries(KINDS).map(([kind, { name }]) => make("option", { value: kind }, name)),
  ];
  const kind = find("#kind");
  show(kind, options);
  show(find("#kind-fields"));
  kind.onchange = () => {
    show(
      find("#kind-fields"),
      (KINDS[kind.value]?.fields ?? []).map((field, place) => input(field, place, compose)),
    );
    if (kind.value === BY_HAND) onHand();
    else if (kind.value.startsWith("point:")) onPoint(kind.value.slice("point:".length));
    else if (kind.value === OWN_WORDS) find("#words").focus();
    else compose();
  };
  const compose = () => {
    const asked = KINDS[kind.value] ? composed(KINDS[kind.value].local ? onLocal() : null) : null;
    if (asked !== null) onWords(asked);
  };
}

/** The words of the chosen contract, or null where none is chosen or a number is missing. */
function composed(here) {
  const kind = KINDS[find("#kind").value];
  const values = [...find("#kind-fields").querySelectorAll("input")].map((field, place) =>
    field.value === "" || !field.validity.valid ? null : kind.fields[place].read(field.value),
  );
  return !kind || values.includes(null) ? null : kind.words(values, here);
}

/** The same contract where another share is sick; null if the words would not change with it. */
export const recomposed = (here) => (KINDS[find("#kind").value]?.local ? composed(here) : null);

/** Show that no contract of the form is asked for: `words`, if any, were typed or were live, or it is `released`. */
export function settle(words, released = false) {
  find("#kind").value = words === "" ? (released ? RELEASED : BY_HAND) : OWN_WORDS;
  show(find("#kind-fields"));
  find("#words").value = words;
}

/** A prevalence short enough to stand in words. */
export const rounded = (prevalence) => asShare(inPercent(prevalence, 3));

function input({ label, term, value, unit }, place, compose) {
  const id = `kind-field-${place}`;
  const field = make("input", {
    id,
    type: "number",
    step: "any",
    min: 0,
    max: unit === "%" && 100,
    value,
    inputmode: "decimal",
    oninput: compose,
  });
  return make(
    "div",
    { class: "field" },
    make("label", { for: id }, label, " ", make("small", {}, `(${term})`)),
    make("span", { class: "unit" }, field, make("span", {}, unit)),
  );
}
