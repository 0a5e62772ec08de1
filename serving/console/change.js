/** The dialog in which a change of the live point is confirmed, with a reason. */

import { elsewise, may, myName, needs } from "./access.js";
import { Refused } from "./api.js";
import { find, invalid, make, show } from "./dom.js";
import { bounds, version } from "./live.js";
import { reasons } from "./reading.js";

let current = null;

/**
 * Ask for confirmation of `change`: its `title`, the `action` on its button, `summary()` as nodes,
 * `send(reason)`, `done(live)`, `newer()` that asks for the live point, `load(live)`, and the `live()` point.
 */
export function confirmChange(change) {
  current = change;
  find("#change-title").textContent = change.title;
  find("#confirm").textContent = change.action;
  show(find("#change-summary"), change.summary());
  invalid(find("#reason"), false);
  showWhoChanges();
  find("#change").showModal();
  find("#reason").focus();
}

/** Say as whom the change is made, or that whoever looks may make none. */
export function showWhoChanges() {
  find("#change-who").textContent = myName() ? `It stands in the history as by ${myName()}.` : "";
  if (!myName()) refuse(NOBODY);
  else show(find("#change-refusal"), !may("tune") && needs("To change the live point", "tune"));
}

const NOBODY =
  "This service knows nobody, since it has no access file: everybody on its machine may look, and nobody may change the live point.";

find("#cancel").onclick = () => find("#change").close();

find("#change form").onsubmit = async (event) => {
  event.preventDefault();
  const change = current;
  const reason = find("#reason");
  const empty = reason.value.trim() === "";
  invalid(reason, empty);
  if (empty) {
    refuse("Give a reason: whoever comes after you needs to know why. Nothing was changed.");
    reason.focus();
    return;
  }
  find("#confirm").disabled = true;
  try {
    const live = await change.send(reason.value.trim());
    find("#change").close();
    reason.value = "";
    change.done(live);
  } catch (error) {
    await explain(error, change);
  } finally {
    find("#confirm").disabled = false;
  }
};

async function explain(error, change) {
  if (!(error instanceof Refused)) {
    refuse(
      "The service did not answer, so it is not known whether the change arrived. Look at the history, then try again.",
    );
  } else if (error.status === 401) {
    refuse("You are not signed in any more. Nothing was changed.", said(error), again("Sign in again"));
  } else if (error.status === 403) {
    refuse(
      "You may look, but not change the live point. Nothing was changed. Ask somebody who has the role “tune”, or have it given to you.",
      said(error),
      myName() && again("Sign in as somebody else"),
    );
  } else if (error.status === 409) {
    await explainNewer(change);
  } else {
    refuse(
      "This change was refused, and nothing was changed. Cancel, turn to a point within what was foreseen, and try again.",
      said(error),
      make("p", {}, bounds(change.live().change_control)),
    );
  }
}

async function explainNewer(change) {
  let newer;
  try {
    newer = await change.newer();
  } catch {
    refuse(
      "Somebody else has changed the live point meanwhile, and the new one could not be had. Nothing was changed by you. Try again.",
    );
    return;
  }
  const load = make("button", { type: "button" }, `Load version ${newer.version}`);
  load.onclick = () => {
    change.load(newer);
    show(find("#change-summary"), change.summary());
    refuse(
      `Version ${newer.version} is loaded, and yours is still what you turned to. Compare once more, then confirm.`,
    );
    find("#confirm").focus();
  };
  refuse(
    make("b", {}, "Somebody else has changed the live point while you decided."),
    ` ${version(newer)} Nothing was changed by you.`,
    make("div", { class: "actions" }, load),
  );
  load.focus();
}

const again = (text) => make("div", { class: "actions" }, elsewise(text));

const said = (error) => make("p", {}, make("small", {}, `The service says: ${reasons(error)}`));

function refuse(...parts) {
  show(find("#change-refusal"), make("div", { class: "problem" }, parts.filter(Boolean)));
  find("#change-refusal").scrollIntoView({ block: "nearest" });
}
