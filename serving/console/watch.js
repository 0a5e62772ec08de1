/** Looking every few seconds, while the page is seen, whether somebody else has changed the live point. */

import { livePoint, Refused } from "./api.js";
import { notice } from "./live.js";
import { page } from "./state.js";

const POLL_MS = 3000;
let timer = null;
let silent = false;

/** Begin to look; `onNewer` is told of a live point that is new here, once. */
export function watch({ onNewer }) {
  const poll = async () => {
    clearTimeout(timer);
    if (document.visibilityState !== "visible") return;
    await look(onNewer).then(heard, unheard);
    timer = setTimeout(poll, POLL_MS);
  };
  document.addEventListener("visibilitychange", poll);
  poll();
}

async function look(onNewer) {
  if (!page.live) return;
  const { model, live } = page;
  const now = await livePoint(model);
  const known = page.newer ?? live;
  if (page.model !== model || page.live !== live || (now.version === known.version && now.bundle === known.bundle))
    return;
  page.newer = now;
  onNewer(now);
}

function unheard(error) {
  // Who is not known any more is told so where they can sign in again.
  if (error instanceof Refused && error.status === 401) return;
  if (!silent) notice("The service does not answer just now. What is shown here was true when it last did.", true);
  silent = true;
}

function heard() {
  if (silent) notice();
  silent = false;
}
