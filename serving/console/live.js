/** What is live now, who set it and why, and that somebody else has changed it. */

import { find, make, show } from "./dom.js";
import { plainly } from "./reading.js";
import { moment, plain, promises, rule, capital } from "./words.js";

export function showLive(live, facts) {
  const { turned } = live;
  show(
    find("#live-facts"),
    make(
      "p",
      { class: "verdict" },
      `${capital(rule(turned))}, `,
      make("small", {}, `where ${plain(turned.prevalence)} of people are sick`),
    ),
    turned.certificates.length
      ? promises(turned).map((text) => make("p", {}, text))
      : make("p", {}, "Nothing is promised for it, only measured."),
    make("p", { class: "hint" }, version(live)),
  );
  find("#bounds").textContent = bounds(live.change_control);
  find("#identity").textContent =
    `Model ${live.model}, bundle ${live.bundle.slice(0, 12)}, live version ${live.version}.${facts.intended_use ? ` Intended use: ${facts.intended_use}` : ""}`;
}

/** Which version, by whom and why. */
export function version({ version: number, changed }) {
  if (changed === null) return `Version ${number}: as released; nobody has changed it.`;
  if (changed.by === null)
    return `Version ${number}, set on ${moment(changed.at)}. Who set it and why is shown to the roles “audit” and “tune”.`;
  return `Version ${number}, set by ${changed.by} on ${moment(changed.at)}: “${changed.reason}”.`;
}

/** What change control allows, in words. */
export function bounds(control) {
  if (control === null) return "This model was released without any change foreseen: its live point stays.";
  const { lowest, highest, criteria, prevalence_low: low, prevalence_high: high } = control;
  const prevalence = low === null ? "no other prevalence" : `prevalences from ${plain(low)} to ${plain(high)}`;
  const kept = criteria.length ? `, as long as ${criteria.map(plainly).join(" and ")}` : "";
  const thresholds = lowest === 0 && highest === 1 ? "any threshold" : `thresholds from ${plain(lowest)} to ${plain(highest)}`;
  return `What may be made live was foreseen when it was released: ${thresholds}, ${prevalence}${kept}.`;
}

/** Say that somebody else has changed the live point, and offer what can be done about it. */
export function showNewer(newer, { onCompare, onTake }) {
  show(
    find("#notices"),
    make(
      "div",
      { class: "notice" },
      make(
        "p",
        {},
        make("b", {}, "Somebody else has changed the live point. "),
        `${version(newer)} It now ${rule(newer.turned)}. What you have turned here is untouched.`,
      ),
      make(
        "div",
        { class: "actions" },
        make("button", { type: "button", onclick: onCompare }, `Compare mine with version ${newer.version}`),
        make("button", { type: "button", onclick: onTake }, `Take version ${newer.version} instead of mine`),
      ),
    ),
  );
}

/** Say one thing above everything else; nothing takes it away again. A person may, where it is `done` with. */
export function notice(text = null, problem = false, done = false) {
  const close = done && make("button", { type: "button", onclick: () => notice() }, "Close");
  show(
    find("#notices"),
    text !== null && make("div", { class: problem ? "notice problem" : "notice said" }, make("p", {}, text), close),
  );
}

// What stays in sight when the page moves is not hidden behind it.
new ResizeObserver(([{ target }]) =>
  document.documentElement.style.setProperty("--notices", `${target.offsetHeight}px`),
).observe(find("#notices"));
