/** Making the turned point live, and going back to an earlier one: what is confirmed, and what is sent. */

import * as api from "./api.js";
import { confirmChange } from "./change.js";
import { make } from "./dom.js";
import { becomes } from "./people.js";
import { plainly } from "./reading.js";
import { page } from "./state.js";
import { capital, promises, rule } from "./words.js";

/** Offer to make the turned point live; `after` says what is to be done with the live point that comes of it. */
export function offerApply(after) {
  const { model, turned, answered } = page;
  confirm(after, {
    title: "Make this the live point?",
    action: "Make it live",
    to: () => meaning(turned),
    send: (reason) => api.change(model, { ...answered, reason, ...decidedOn() }),
  });
}

/** Offer to go back to the point of a change in the history. */
export function offerReturn({ version, in_words: words }, after) {
  const { model } = page;
  confirm(after, {
    title: `Go back to version ${version}?`,
    action: `Go back to version ${version}`,
    to: () => [`${capital(plainly(words))}. It becomes a new version, with the setting of version ${version}.`],
    send: (reason) => api.rollBack(model, { to: version, reason, ...decidedOn() }),
  });
}

/** What a decision was made on: where another version or another bundle is live by then, it is refused. */
function decidedOn() {
  return { version: page.live.version, bundle: page.facts.bundle };
}

function confirm(after, { title, action, to, send }) {
  confirmChange({
    title,
    action,
    send,
    ...after,
    live: () => page.live,
    newer: () => api.livePoint(page.model),
    summary: () => [
      make(
        "dl",
        {},
        make("dt", {}, `Live now (version ${page.live.version})`),
        make("dd", {}, meaning(page.live.turned)),
        make("dt", {}, "From now on"),
        make("dd", {}, to()),
      ),
    ],
  });
}

const meaning = (turned) => [
  `${capital(rule(turned))}. `,
  promises(turned).join(" ") || "Nothing is promised.",
  make("br"),
  becomes(turned),
];
