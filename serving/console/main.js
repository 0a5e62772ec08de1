/** The page: what is asked of the service, when, and where its answer is shown. */

import * as api from "./api.js";
import { offerApply, offerReturn } from "./applying.js";
import { showCharts } from "./charts.js";
import * as contract from "./contract.js";
import { find, make, show } from "./dom.js";
import { showFigures, showPromise, verdict } from "./figures.js";
import { showGroups, showSymptoms } from "./groups.js";
import { showHistory } from "./history.js";
import { notice, showLive, showNewer } from "./live.js";
import { askPatient, showAnswer, showNoAnswer } from "./patient.js";
import { showPeople } from "./people.js";
import { placeOf } from "./positions.js";
import { page, setting } from "./state.js";
import { watch } from "./watch.js";
import { asShare, capital, inPercent, percent, plain, promises, rule, spaced } from "./words.js";

const SETTLED_MS = 120;
const SPOKEN_MS = 700;

let timers = {};
let asking = new AbortController();

async function start() {
  try {
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
  find("#target").textContent = `It looks for: ${facts.target.meaning || spaced(facts.target.name)}.`;
  find("#contract").textContent = `Contract when it was released: ${facts.contract}.`;
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
  find("#slider").max = facts.curve.thresholds.length - 1;
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
  remember();
}

async function remember() {
  const { model, live } = page;
  const past = await api.history(model);
  if (page.live === live) showHistory(past, live, page.facts.contract, (change) => offerReturn(change, after));
}

/** Turn to the live point. */
function take() {
  const { operating_point: point } = page.live.setting;
  contract.settle(typeof point === "string" ? point : "");
  turn({ by: "setting", point }, page.live.setting.prevalence, 0);
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
  const slider = find("#slider");
  const trial = page.newer !== null || JSON.stringify(turned) !== JSON.stringify(live.turned);
  find("#live-mark").style.setProperty("--at", placeOf(facts, live.turned.figures.counts) / Math.max(slider.max, 1));
  find("#trial").textContent = trial ? "A trial, not live" : "The live point";
  find("#trial").classList.toggle("on", trial);
  // A place that was chosen stays: on a thinned curve the counts between two places may be nearer to the one before.
  if (page.asked.by !== "place") slider.value = placeOf(facts, turned.figures.counts);
  slider.setAttribute(
    "aria-valuetext",
    `${rule(turned)}; finds ${percent(turned.figures.recall.value)} of the sick, clears ${percent(turned.figures.specificity.value)} of the healthy`,
  );
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
  find(".results").classList.remove("stale");
  show(
    find("#forbidden"),
    page.allowed === false &&
      make(
        "p",
        { class: "warning" },
        make("b", {}, "You may look, but it could not be made live: "),
        page.refused_because.join(" "),
      ),
  );
  const promised = promises(turned).join(" ") || "Nothing is promised, only measured.";
  speak(`${verdict(turned)} ${sentence} ${promised}`);
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

function showRefusal(error) {
  find(".results").classList.add("stale");
  show(
    find("#refusal"),
    make(
      "div",
      { class: "problem" },
      make("b", {}, "This cannot be had: "),
      error.message,
      make("p", {}, "The figures shown are still those of the last point that could."),
    ),
  );
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

find("#slider").oninput = (event) => {
  contract.settle("");
  turn({ by: "place", at: Number(event.target.value) });
};

find("#threshold").oninput = (event) => {
  const value = asShare(event.target.value);
  contract.settle("");
  if (value !== null) turn({ by: "threshold", value });
};

find("#prevalence").oninput = (event) => {
  const prevalence = asShare(event.target.value);
  if (prevalence === null) return;
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
    notice(`Done. Version ${live.version} is live: it ${rule(live.turned)}.`);
  },
};

find("#apply").onclick = async () => {
  // What is confirmed is what is shown: the last turn is waited for.
  await page.quiet?.promise;
  if (page.refused) {
    find("#words").focus();
    speak(`This cannot be made live: ${page.refused.message}`);
  } else {
    offerApply(after);
  }
};

watch({
  onNewer: (newer) => {
    if (page.turned) render();
    showNewer(newer, {
      onCompare: () => {
        notice();
        adopt(newer);
      },
      onTake: () => open(page.model).catch(unfilled),
    });
  },
});
start();
