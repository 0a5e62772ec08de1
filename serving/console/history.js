/** Every change of the live point, newest first, with the way back. */

import { needs } from "./access.js";
import { find, make, show } from "./dom.js";
import { plainly } from "./reading.js";
import { moment, plain } from "./words.js";

/** Say that the history is shown to others. */
export const hideHistory = (...roles) => show(find("#history"), needs("To read who changed the point, when and why,", ...roles));

/** Show the history; `onBack` is called with the version that is to be gone back to. */
export function showHistory({ changes, verified, problems }, live, released, onBack) {
  const first = {
    version: 0,
    in_words: released,
    by: null,
    at: null,
    reason: "as released",
    ...(changes.length ? {} : at(live.turned)),
  };
  const rows = [...changes].reverse().concat(first);
  show(
    find("#history"),
    verified
      ? make(
          "p",
          { class: "hint" },
          "Checked: each entry carries the fingerprint of the one before it, and none is missing or altered.",
        )
      : make(
          "p",
          { class: "problem" },
          `The history does not verify: ${problems.join(" ")} Tell whoever runs this service.`,
        ),
    make(
      "div",
      { class: "scroll", role: "group", "aria-labelledby": "history-title", tabindex: "0" },
      make(
        "table",
        {},
        make("caption", { class: "hidden" }, "Changes of the live point, newest first"),
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            ["Version", "What", "By", "Why", ""].map((name) =>
              name ? make("th", { scope: "col" }, name) : make("td", { class: "no-print" }),
            ),
          ),
        ),
        make(
          "tbody",
          {},
          rows.map((change) => row(change, change.version === live.version, onBack)),
        ),
      ),
    ),
  );
}

const at = ({ threshold, clear_below, prevalence }) => ({ threshold, clear_below, prevalence });

function row(change, isLive, onBack) {
  const { version, in_words: words, threshold, prevalence, by, at: when, reason } = change;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, String(version), isLive && make("small", { class: "tag" }, "live")),
    make(
      "td",
      {},
      plainly(words),
      threshold !== undefined && make("small", {}, `from ${plain(threshold)} at prevalence ${plain(prevalence)}`),
    ),
    make(
      "td",
      {},
      by ?? "released with the bundle",
      when && make("small", {}, make("time", { datetime: when }, moment(when))),
    ),
    make("td", {}, reason),
    make(
      "td",
      { class: "no-print" },
      !isLive &&
        make(
          "button",
          { type: "button", "aria-label": `Go back to version ${version}`, onclick: () => onBack(change) },
          "Go back to this",
        ),
    ),
  );
}
