/** Who looks at the page: one token for every request, in the memory of this tab alone. */

import * as api from "./api.js";
import { find, invalid, make, show } from "./dom.js";

let who = null;
let entered = () => {};
let opened = () => {};

/** Whether whoever looks has one of these roles, or the service knows nobody and asks for none. */
export const may = (...roles) => !who.known || roles.some((role) => who.roles.includes(role));

/** The name of whoever looks; null where the service knows nobody. */
export const myName = () => who.name;

/** Wait until somebody is there who may look; later, `onSomebodyElse` is called when another one has signed in. */
export async function begin(onSomebodyElse) {
  try {
    adopt(await api.who());
  } catch (error) {
    if (!(error instanceof api.Refused)) throw error;
    close(error);
    await new Promise((resolve) => (opened = resolve));
  }
  entered = onSomebodyElse;
  api.whenUnknown(tell);
}

/** A sentence that a role is needed, and the way to sign in with another token. */
export function needs(what, ...roles) {
  const wanted = roles.map((role) => `“${role}”`).join(" or ");
  const have = who.roles.length ? `you have ${listed(who.roles)}` : "you have none";
  return make(
    "div",
    { class: "notice needs" },
    make("p", {}, `${what} takes the role ${wanted}; ${have}.`),
    make("div", { class: "actions" }, elsewise("Sign in as somebody else")),
  );
}

/** A button that asks for another token. */
export const elsewise = (text, main = false) =>
  make("button", { type: "button", class: main && "main", onclick: ask }, text);

const listed = (roles) => roles.map((role) => `“${role}”`).join(" and ");

/** Take somebody for who looks, and say so. */
function adopt(found) {
  if (found.known && found.roles.length === 0)
    throw new Error(`${found.name} is known here, but has no role. Ask whoever runs this service for one.`);
  who = found;
  document.body.classList.remove("closed");
  find("#door").hidden = true;
  show(
    find("#account"),
    who.known && [
      make("span", {}, make("b", {}, who.name), make("small", {}, ` ${who.roles.join(", ")}`)),
      make("button", { type: "button", onclick: () => window.location.reload() }, "Sign out"),
    ],
  );
}

/** Show a door in place of the page. */
function close(error) {
  const here = error.status === 401;
  document.body.classList.add("closed");
  find("#main").setAttribute("aria-busy", "false");
  find("#door").hidden = false;
  find("#door-text").textContent = here
    ? "This service answers people whom it knows. Whoever runs it gives out the tokens."
    : error.message;
  show(find("#door-actions"), here && elsewise("Sign in …", true));
  if (here) ask();
}

/** A token that was good is so no longer: it has expired, or was taken back. */
function tell(error) {
  show(
    find("#notices"),
    make(
      "div",
      { class: "notice problem" },
      make("p", {}, make("b", {}, "You are not signed in any more. "), "What you have turned to is still here."),
      make("p", {}, make("small", {}, `The service says: ${error.message}`)),
      make("div", { class: "actions" }, elsewise("Sign in again")),
    ),
  );
}

function ask() {
  refuse();
  find("#sign-in").showModal();
  find("#token").focus();
}

find("#sign-in-cancel").onclick = () => find("#sign-in").close();

find("#sign-in form").onsubmit = async (event) => {
  event.preventDefault();
  const token = find("#token").value.trim().replace(/^bearer\s+/i, "");
  if (!/^[!-~]+$/.test(token)) {
    refuse(token ? "A token is letters, digits and signs, without blanks." : "Paste your token, or have one given to you.");
    return;
  }
  find("#sign-in-confirm").disabled = true;
  try {
    adopt(await api.who(token));
    api.use(token);
    find("#token").value = "";
    find("#sign-in").close();
    if (find("#notices .problem")) show(find("#notices"));
    opened();
    entered();
  } catch (error) {
    refuse(explained(error), error instanceof api.Refused && `The service says: ${error.message}`);
  } finally {
    find("#sign-in-confirm").disabled = false;
  }
};

function explained(error) {
  if (error.status === 401) return "The token is not known, or holds no longer. Check it for a typing mistake, or ask for another one.";
  return error instanceof api.Refused ? "The service does not let you in." : error.message;
}

function refuse(text, said) {
  invalid(find("#token"), Boolean(text));
  show(
    find("#sign-in-refusal"),
    text && make("div", { class: "problem" }, text, said && make("p", {}, make("small", {}, said))),
  );
  if (text) find("#token").focus();
}
