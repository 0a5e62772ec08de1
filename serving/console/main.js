/** The page: what is asked of the service, when, and where its answer is shown. */

import { begin, may } from "./access.js";
import * as api from "./api.js";
import { offerApply, offerReturn } from "./applying.js";
import { showCharts } from "./charts.js";
import * as contract from "./contract.js";
import { showWhoChanges } from "./change.js";
import { find, invalid, make, show } from "./dom.js";
import { showFigures, showPromise, verdict } from "./figures.js";
import { showGroups, showSymptoms } from "./groups.js";
import { hideHistory, showHistory } from "./history.js";
import { notice, showLive, showNewer } from "./live.js";
import { askPatient, showAnswer, showNoAnswer } from "./patient.js";
import { showPeople } from "./people.js";
import { plainly, reasons } from "./reading.js";
import { layOut, onSlide, showSlider } from "./slider.js";
import { page, setting } from "./state.js";
import { watch } from "./watch.js";
import { asShare, capital, inPercent, promises, rule, spaced } from "./words.js";

const SETTLED_MS = 120;
const SPOKEN_MS = 700;

let timers = {};
let asking = new AbortController();

async function start() {
  try {
    await begin(somebodyElse);
    find("#main").setAttribute("aria-busy", "true");
    const { models } = await api.points();
    chooser(models);
    const wanted = models.find((live) => `#${live.endpoint}` === window.location.hash) ?? models[0];
    await open(wanted.endpoint);
  } catch (error) {
    unfilled(error);
  }
}

const unfilled = (error) => notice(`This page could not be filled: ${error.message} Reload it to try again.`, true);

function chooser(models) {
  show(
    find("#models"),
    models.map(({ endpoint }) => {
      const input = make("input", {
        type: "radio",
        name: "model",
        value: endpoint,
        onchange: () => open(endpoint).catch(unfilled),
      });
      return make("label", {}, input, make("span", {}, capital(spaced(endpoint))));
    }),
  );
}

/** Show a model at its live point. */
async function open(model) {
  find("#main").setAttribute("aria-busy", "true");
  clearTimeout(timers.settle);
  asking.abort();
  const live = await api.livePoint(model);
  const facts = await api.facts(model, live.setting.prevalence);
  Object.assign(page, { model, facts, turned: null, row: null, newer: null });
  window.history.replaceState(null, "", `#${model}`);
  find(`#models input[value="${CSS.escape(model)}"]`).checked = true;
  find("#purpose").textContent = facts.purpose;
  find("#target").textContent =
    `It looks for: ${facts.target.meaning || spaced(facts.target.name)}.` +
    ` Asked of it when it was released: ${plainly(facts.contract)}.`;
  contract.offer(facts.points, {
    onHand: () => {
      contract.settle("");
      turn({ by: "threshold", value: page.turned.threshold });
    },
    onPoint: (name) => turn({ by: "point", name }),
    onWords: (words) => {
      find("#words").value = words;
      turn({ by: "words", words });
    },
    onLocal: () => {
      page.prevalence ??= contract.rounded(page.turned.prevalence);
      return page.prevalence;
    },
  });
  layOut(facts);
  showSymptoms(facts.symptoms);
  askPatient(facts, tryPatient);
  notice();
  adopt(live);
  take();
  find("#main").setAttribute("aria-busy", "false");
}

/** Hold `live` for the live point; what was turned stays. */
function adopt(live) {
  Object.assign(page, { live, newer: null });
  showLive(live, page.facts);
  if (page.turned) render();
  remember().catch(({ message }) =>
    show(find("#history"), make("p", { class: "problem" }, `The history could not be had: ${message}`)),
  );
}

/** Somebody else has signed in: what was turned stays, and what they may see and do is asked for anew. */
async function somebodyElse() {
  const { model, facts } = page;
  if (find("#change").open) showWhoChanges();
  if (!facts) return;
  try {
    const live = await api.livePoint(model);
    if (page.model !== model) return;
    askPatient(facts, tryPatient);
    page.row = null;
    adopt(live);
    if (page.refused) turn(page.asked, page.prevalence, 0);
  } catch (error) {
    unfilled(error);
  }
}

const READERS = ["audit", "tune"];

async function remember() {
  const { model, live } = page;
  if (!may(...READERS)) {
    hideHistory(...READERS);
    return;
  }
  const past = await api.history(model);
  if (page.live === live) showHistory(past, live, page.facts.contract, (change) => offerReturn(change, after));
}

/** Turn to the live point. */
function take() {
  const { operating_point: point } = page.live.setting;
  contract.settle(typeof point === "string" ? point : "", point === null);
  turn({ by: "setting", point }, page.live.setting.prevalence, 0);
}

/** What was entered is no share: nothing is asked, and the last figures stay. */
function refuse(field, text) {
  clearTimeout(timers.settle);
  asking.abort();
  invalid(field, true);
  page.refused = new Error(text);
  showRefusal(page.refused);
  page.quiet?.resolve();
  page.quiet = null;
}

/** Ask for another setting; the answer is shown once turning has stopped. */
function turn(asked, prevalence = page.prevalence, wait = SETTLED_MS) {
  page.quiet ??= Promise.withResolvers();
  Object.assign(page, { asked, prevalence });
  clearTimeout(timers.settle);
  asking.abort();
  timers.settle = setTimeout(settle, wait);
}

async function settle() {
  asking = new AbortController();
  const { signal } = asking;
  const { model } = page;
  try {
    // The curve first: where on it a place lies depends on the prevalence.
    const stated = page.prevalence ?? page.live.turned.prevalence;
    if (page.facts.prevalence !== stated) page.facts = await api.facts(model, stated, signal);
    const answered = setting();
    const answer = await api.preview(model, answered, signal);
    const { groups } = await api.groups(model, answer.turned, signal);
    Object.assign(page, { ...answer, answered, groups, refused: null });
    render();
    if (page.row) await tryPatient(page.row);
  } catch (error) {
    if (signal.aborted) return;
    page.refused = error;
    showRefusal(error);
  }
  page.quiet?.resolve();
  page.quiet = null;
}

function render() {
  const { turned, live, facts, groups } = page;
  const trial = page.newer !== null || JSON.stringify(turned) !== JSON.stringify(live.turned);
  find("#trial").textContent = trial ? "A trial, not live" : "The live point";
  if (trial && page.allowed === false) find("#trial").append(", and outside what was foreseen");
  find("#trial").classList.toggle("on", trial);
  showSlider(turned, live, facts, page.asked.by === "place");
  writeFields();
  find("#verdict").textContent = verdict(turned);
  const sentence = showPeople(turned);
  showPromise(turned, live);
  showFigures(turned, live, facts);
  showCharts({ turned, live, facts });
  showGroups(groups, facts);
  find("#zone-key").textContent =
    turned.clear_below < turned.threshold ? " A triangle ▲ shows below which people are cleared." : "";
  show(find("#refusal"));
  for (const id of ["#threshold", "#prevalence", "#words"]) invalid(find(id), false);
  find(".results").classList.remove("stale");
  show(
    find("#forbidden"),
    page.allowed === false &&
      make(
        "p",
        { class: "warning" },
        make("b", {}, "You may look, but it could not be made live: "),
        page.refused_because.map(plainly).join(" "),
      ),
  );
  const promised = promises(turned).join(" ") || "Nothing is promised, only measured.";
  speak(`${verdict(turned)} ${sentence} ${promised} ${find("#forbidden").textContent}`.trim());
}

/** Write what is in force into the number fields, save where a person is writing. */
function writeFields() {
  for (const [selector, share] of [
    ["#threshold", page.turned.threshold],
    ["#prevalence", page.turned.prevalence],
  ]) {
    const field = find(selector);
    if (document.activeElement !== field) field.value = inPercent(share, 5);
  }
}

function speak(text) {
  clearTimeout(timers.speak);
  timers.speak = setTimeout(() => (find("#spoken").textContent = text), SPOKEN_MS);
}

const UNREAD = "should be a contract in words";
const EXAMPLES =
  "Write, for example, “recall of at least 95 %” or “precision of at least 90 % at prevalence 1 %”, or choose above.";

function showRefusal(error) {
  const unread = error.refusals?.find(({ rule: wanted }) => wanted.startsWith(UNREAD));
  invalid(find("#words"), Boolean(error.refusals && find("#words").value));
  find(".results").classList.add("stale");
  show(
    find("#refusal"),
    make(
      "div",
      { class: "problem" },
      make("b", {}, unread ? "These words are not understood: " : "This cannot be had: "),
      unread ? `${unread.got}. ${EXAMPLES}` : reasons(error),
      make("p", {}, "The figures shown are still those of the last point that could."),
    ),
  );
  // On a low screen it stands below what is seen.
  find("#refusal").scrollIntoView({ block: "nearest" });
}

async function tryPatient(row) {
  page.row = row;
  const { model, facts, turned } = page;
  try {
    const reply = await api.score(model, [row], page.answered);
    if (page.row === row && page.turned === turned) showAnswer(reply, facts, turned);
  } catch (error) {
    showNoAnswer(error);
  }
}

onSlide((at) => {
  contract.settle("");
  turn({ by: "place", at });
});

find("#threshold").oninput = ({ target }) => {
  const value = asShare(target.value);
  contract.settle("");
  if (value === null) return;
  if (value < 0 || value > 1) refuse(target, "“Flag from” takes a probability: from 0 to 100 %.");
  else turn({ by: "threshold", value });
};

find("#prevalence").oninput = ({ target }) => {
  const prevalence = asShare(target.value);
  if (prevalence === null) return;
  if (prevalence <= 0 || prevalence >= 1) {
    refuse(target, "“Sick here” takes a share of all people: above 0 and below 100 %.");
    return;
  }
  const words = contract.recomposed(prevalence);
  if (words !== null) find("#words").value = words;
  turn(words === null ? page.asked : { by: "words", words }, prevalence);
};

find("#words").onchange = (event) => {
  const words = event.target.value.trim();
  contract.settle(words);
  if (words !== "") turn({ by: "words", words });
};

// A field shows again what is in force when a person leaves it.
for (const id of ["#threshold", "#prevalence"]) {
  find(id).onblur = () => page.refused === null && writeFields();
}

find("#reset").onclick = take;
find("#print").onclick = () => window.print();

/** What the dialog does with a live point: one of somebody else is compared with, one's own is turned to. */
const after = {
  load: (live) => {
    notice();
    adopt(live);
  },
  done: (live) => {
    adopt(live);
    take();
    notice(`Done. Version ${live.version} is live: it ${rule(live.turned)}.`, false, true);
  },
};

find("#apply").onclick = async () => {
  // What is confirmed is what is shown: the last turn is waited for.
  await page.quiet?.promise;
  if (page.refused) {
    find("#words").focus();
    find("#refusal").scrollIntoView({ block: "nearest" });
    speak(`This cannot be made live: ${reasons(page.refused)}`);
  } else {
    offerApply(after);
  }
};

watch({
  onNewer: (newer) => {
    if (page.turned) render();
    showNewer(newer, {
      onCompare: () => {
        // Of another bundle nothing that is drawn holds any more.
        if (newer.bundle !== page.facts.bundle) return open(page.model).catch(unfilled);
        notice();
        adopt(newer);
      },
      onTake: () => open(page.model).catch(unfilled),
    });
  },
});
start();
