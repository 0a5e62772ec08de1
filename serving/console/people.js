/** Of so many people: the sentence, and the picture in which every figure is one of them. */

import { draw, find, make, show } from "./dom.js";
import { count, plain } from "./words.js";

const FIGURES = 1000;
const WIDE = 50;
const NARROW = 25;
// A number stays on the line of what it counts.
const KEPT = "\u00a0";
const CELL = { width: 14, height: 17 };

// In the order of the picture: the sick first. A solid figure is sick, a hollow one healthy; a tile says flagged.
const FATES = [
  { key: "sick_found", name: "sick and found", class: "found", solid: true, tile: true },
  { key: "sick_indeterminate", name: "sick, to be looked at again", class: "open-sick", solid: true, dashed: true },
  { key: "sick_missed", name: "sick and missed", class: "missed", solid: true },
  { key: "alarmed_in_vain", name: "healthy, alarmed in vain", class: "alarmed", tile: true },
  { key: "healthy_indeterminate", name: "healthy, to be looked at again", class: "open-healthy", dashed: true },
  { key: "cleared", name: "healthy and cleared", class: "cleared" },
];

/** Show what becomes of people at a point; answers with the sentence, to be spoken. */
export function showPeople(turned) {
  const counted = counts(turned);
  const sentence = becomes(turned);
  find("#people-sentence").textContent = sentence;
  find("#brief").textContent = sentence;
  find("#people-note").textContent = counted ? explained(counted.of) : "";
  if (counted) picture(counted.fates, drawn(counted.people), sentence, counted.people);
  else show(find("#people"));
  return sentence;
}

/** What becomes of people at a point, in one sentence. */
export function becomes(turned) {
  const counted = counts(turned);
  if (!counted)
    return "What becomes of people can not be said: there were no sick, or no healthy people to measure it on.";
  return told(counted.fates, counted.people, counted.of, turned.prevalence);
}

/** How many of how many people each fate has; null where it was not measured. */
function counts({ figures, threshold, clear_below: below }) {
  const fates = FATES.filter((fate) => below < threshold || !fate.dashed);
  const per1000 = fates.map((fate) => figures.per_1000[fate.key]);
  if (per1000.includes(null)) return null;
  const of = scale(per1000);
  return { fates, of, people: parts(per1000, of) };
}

/** Of how many people every group that exists has at least one. */
function scale(per1000) {
  const smallest = Math.min(...per1000.filter((number) => number > 0));
  return [1000, 10_000, 100_000].find((of) => (smallest * of) / 1000 >= 1) ?? 100_000;
}

/** Whole people that add up to `of`: the largest remainders are rounded up. */
function parts(shares, of) {
  const total = shares.reduce((sum, number) => sum + number, 0);
  const exact = shares.map((number) => (number / total) * of);
  const whole = exact.map(Math.floor);
  const left = of - whole.reduce((sum, number) => sum + number, 0);
  const order = exact.map((number, place) => place).sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]));
  for (const place of order.slice(0, left)) whole[place] += 1;
  return whole;
}

/** How many of the figures stand for each group; one that exists has at least one. */
function drawn(people) {
  const figures = parts(people, FIGURES);
  people.forEach((number, place) => {
    if (number > 0 && figures[place] === 0) {
      figures[place] = 1;
      figures[figures.indexOf(Math.max(...figures))] -= 1;
    }
  });
  return figures;
}

function told(fates, people, of, prevalence) {
  const n = Object.fromEntries(fates.map((fate, place) => [fate.key, people[place]]));
  const again = (n.sick_indeterminate ?? 0) + (n.healthy_indeterminate ?? 0);
  const open =
    "sick_indeterminate" in n
      ? `, ${count(again)}${KEPT}to be looked at again (${count(n.sick_indeterminate)} of them sick)`
      : "";
  return (
    `Of ${count(of)} people at prevalence ${plain(prevalence)}: ${count(n.sick_found)}${KEPT}sick found, ` +
    `${count(n.sick_missed)}${KEPT}sick missed, ${count(n.alarmed_in_vain)}${KEPT}alarmed in vain, ` +
    `${count(n.cleared)}${KEPT}cleared${open}.`
  );
}

function explained(of) {
  if (of === FIGURES) return "Each symbol is one person.";
  return (
    `Counted in ${count(of)} people, because in 1,000 one of the groups would be less than one person. ` +
    `Each symbol stands for ${count(of / FIGURES)} people; a smaller group still gets one symbol.`
  );
}

const narrow = window.matchMedia("(max-width: 40rem)");
let latest = null;

function picture(fates, figures, sentence, people) {
  latest = () => picture(fates, figures, sentence, people);
  const columns = narrow.matches ? NARROW : WIDE;
  const width = columns * CELL.width;
  const height = (FIGURES / columns) * CELL.height;
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `Picture: ${sentence}`,
    class: "crowd",
  });
  svg.append(draw("defs", {}, fates.map(symbol)));
  let place = 0;
  figures.forEach((number, fate) => {
    for (let i = 0; i < number; i += 1, place += 1) {
      const at = { x: (place % columns) * CELL.width, y: Math.floor(place / columns) * CELL.height };
      svg.append(draw("use", { href: `#person-${fates[fate].class}`, ...at, width: CELL.width, height: CELL.height }));
    }
  });
  show(find("#people"), svg, legend(fates, people));
}

narrow.addEventListener("change", () => latest?.());

function symbol(fate) {
  return draw("symbol", { id: `person-${fate.class}`, viewBox: "0 0 14 17" }, person(fate));
}

function person({ class: name, solid, tile, dashed }) {
  return draw(
    "g",
    { class: `person ${name}${solid ? " solid" : ""}` },
    (tile || dashed) &&
      draw("rect", { class: dashed ? "dashes" : "tile", x: 0.75, y: 0.75, width: 12.5, height: 15.5, rx: 2.5 }),
    draw("path", {
      class: "body",
      d: "M7 2.7a2.3 2.3 0 1 1 0 4.6a2.3 2.3 0 0 1 0-4.6zM3 14c0-3.6 1.5-5.4 4-5.4s4 1.8 4 5.4z",
    }),
  );
}

function legend(fates, people) {
  return make(
    "ul",
    { class: "legend" },
    fates.map((fate, place) =>
      make(
        "li",
        {},
        draw("svg", { viewBox: "0 0 14 17", "aria-hidden": "true" }, person(fate)),
        make("span", {}, make("b", {}, count(people[place])), ` ${fate.name}`),
      ),
    ),
    make("li", { class: "how" }, "Solid: sick. Hollow: healthy. In a frame: flagged."),
  );
}
