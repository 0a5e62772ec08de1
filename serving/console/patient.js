/** The form that tries one person: a field for each column and the photograph, made from the bundle's own schema. */

import { may, needs } from "./access.js";
import { find, invalid, make, show } from "./dom.js";
import { photograph } from "./photograph.js";
import { capital, figure, interval, percent, plain, spaced } from "./words.js";

// How a column is asked for, by its kind. A kind that is not here is one that this form cannot ask for.
const FIELDS = { Numeric: numeric, Binary: binary, Categorical: categorical };

/** Build the form; `onAsk` is called with the row that was entered. */
export function askPatient(facts, onAsk) {
  const form = find("#patient");
  if (!may("predict")) {
    show(form, needs("To ask the model", "predict"));
    return;
  }
  const fields = facts.columns.map((column, place) => {
    const field = FIELDS[column.kind];
    if (!field)
      return {
        node: make(
          "p",
          { class: "hint" },
          `${title(column)}: this page cannot ask for a column of the kind ${column.kind}.`,
        ),
      };
    return { column, ...field(column, `patient-${place}`) };
  });
  if (facts.image) fields.push(photograph(facts.image, "patient-image"));
  const missing = make("p", { id: "patient-missing", role: "alert" });
  show(
    form,
    make(
      "div",
      { class: "questions" },
      fields.map(({ node }) => node),
    ),
    make("div", { class: "actions" }, make("button", { type: "submit", class: "main" }, "Ask the model")),
    missing,
    make("div", { id: "patient-answer", role: "status" }),
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    await Promise.all(fields.map(({ ready }) => ready?.()));
    const bad = fields.filter(({ read }) => read?.() === undefined);
    for (const field of fields) {
      field.node.classList.toggle("bad", bad.includes(field));
      field.node.querySelectorAll("input").forEach((input) => invalid(input, bad.includes(field)));
    }
    show(
      missing,
      bad.map(({ column, rule }) =>
        make("span", {}, column ? `${title(column)}: ${rule}.` : "This page cannot ask for every column of this model."),
      ),
    );
    if (bad.length) bad[0].node.querySelector("input, select")?.focus();
    else onAsk(Object.fromEntries(fields.map(({ column, read }) => [column.name, read()])));
  };
}

/** Show what the service answered for the row, at `turned`. */
export function showAnswer(reply, facts, turned) {
  const [row] = reply.rows;
  const { name, meaning } = facts.target;
  show(
    find("#patient-answer"),
    make(
      "p",
      { class: `decision ${row.decision}` },
      make("span", { "aria-hidden": "true" }, { positive: "▲", negative: "○", indeterminate: "◇" }[row.decision]),
      ` ${DECISIONS[row.decision]} `,
      make("small", {}, `(${row.decision})`),
    ),
    make(
      "p",
      {},
      "Probability of being ",
      make("b", {}, spaced(name)),
      meaning && ` (${meaning})`,
      ": ",
      make("b", {}, percent(row.probability)),
      `, where ${plain(reply.prevalence)} of people are. ${against(row, turned)}`,
    ),
    make("p", {}, means(row, turned.figures)),
    row.symptoms &&
      make(
        "dl",
        {},
        facts.symptoms.flatMap((symptom) => [
          make("dt", {}, capital(spaced(symptom.name))),
          make("dd", {}, symptomValue(symptom, row.symptoms[symptom.name])),
        ]),
      ),
  );
}

/** Show why there is no answer. */
export function showNoAnswer(error) {
  const reasons = error.refusals?.length
    ? error.refusals.map(({ path, rule, got }) => `${path} ${rule}, got ${got}.`)
    : [error.message];
  show(find("#patient-answer"), make("p", { class: "problem" }, "The model did not answer: ", reasons.join(" ")));
}

function symptomValue({ scale, highest, unit }, value) {
  if (scale === "probability") return percent(value);
  return [figure(value), unit, (highest ?? null) !== null && `(of at most ${highest})`].filter(Boolean).join(" ");
}

const DECISIONS = { positive: "Flagged", negative: "Cleared", indeterminate: "Neither: to be looked at again" };

function against({ decision }, turned) {
  if (decision === "positive") return `That is at or above the threshold of ${plain(turned.threshold)}.`;
  if (decision === "negative") return `That is below ${plain(turned.clear_below)}.`;
  return `That lies between ${plain(turned.clear_below)} and ${plain(turned.threshold)}.`;
}

function means({ decision }, figures) {
  if (decision === "indeterminate") return "The model is sure enough neither to flag nor to clear this person.";
  const [who, share, what] =
    decision === "positive" ? ["flagged", figures.precision, "sick"] : ["cleared", figures.npv, "healthy"];
  if (share.value === null)
    return `Nobody of the people it was measured on was ${who} here, so nothing is known of them.`;
  return `Of all who are ${who} here, whatever their probability, ${percent(share.value)} (${interval(share)}) are really ${what}.`;
}

const title = (column) => capital(column.meaning || spaced(column.name));

const mayBeUnknown = (column) => column.missing === "impute";

function numeric(column, id) {
  const { low, high, unit, whole } = column;
  const range = `from ${figure(low)} to ${figure(high)}${unit ? ` ${unit}` : ""}`;
  const rule = `enter a ${whole ? "whole " : ""}number ${range}`;
  const input = make("input", {
    id,
    type: "number",
    min: low,
    max: high,
    step: whole ? 1 : "any",
    inputmode: "decimal",
    "aria-describedby": `${id}-hint`,
  });
  const node = make(
    "div",
    { class: "question" },
    make("label", { for: id }, title(column)),
    make("span", { class: "unit" }, input, unit && make("span", {}, unit)),
    make("p", { id: `${id}-hint`, class: "hint" }, capital(range), mayBeUnknown(column) ? "; empty if not known" : ""),
  );
  const read = () => {
    if (!input.validity.valid) return undefined;
    if (input.value === "") return mayBeUnknown(column) ? null : undefined;
    return Number(input.value);
  };
  return { node, read, rule };
}

function binary(column, id) {
  return choice(
    column,
    id,
    [
      ["yes", true],
      ["no", false],
    ],
    "choose yes or no",
  );
}

function categorical(column, id) {
  return choice(
    column,
    id,
    column.categories.map((kind) => [spaced(kind), kind]),
    `choose one of ${column.categories.map(spaced).join(", ")}`,
  );
}

function choice(column, id, kinds, rule) {
  const options = mayBeUnknown(column) ? [...kinds, ["not known", null]] : kinds;
  const node = make(
    "fieldset",
    { class: "question" },
    make("legend", {}, title(column)),
    make(
      "div",
      { class: "segments" },
      options.map(([text, kind], place) =>
        make(
          "label",
          {},
          make("input", { type: "radio", name: id, value: place, checked: kind === null }),
          make("span", {}, text),
        ),
      ),
    ),
  );
  const read = () => {
    const chosen = node.querySelector("input:checked");
    return chosen ? options[chosen.value][1] : undefined;
  };
  return { node, read, rule };
}
