/** The four charts. Points come from the service; a chart has a text that says the same, and a table. */

import { find, make, show } from "./dom.js";
import { calibration, decision, precisionRecall, roc } from "./plots.js";

const PLOTS = [roc, precisionRecall, decision, calibration];
const drawn = new Map();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
let latest = null;

/** Draw all charts for what the service said. */
export function showCharts(seen) {
  latest = seen;
  for (const plot of PLOTS) {
    if (!drawn.has(plot)) drawn.set(plot, created(plot));
    const { chart, canvas, table, note } = drawn.get(plot);
    const told = plot.tell(seen);
    chart.data.datasets = plot.lines(seen).map(styled);
    Object.assign(chart.options, options(plot, seen));
    chart.update("none");
    canvas.setAttribute("aria-label", `${plot.title}. ${told.text}`);
    note.textContent = told.text;
    tabulate(table, plot.title, told.head, told.rows);
  }
}

function created(plot) {
  const canvas = make("canvas", { role: "img" });
  const table = make("table", {});
  const note = make("p", { class: "told", "aria-hidden": "true" });
  const scroll = make(
    "div",
    { class: "scroll", role: "group", "aria-label": `${plot.title}: numbers`, tabindex: "0" },
    table,
  );
  find("#charts").append(
    make(
      "figure",
      { class: "card chart", id: `chart-${plot.name}` },
      make(
        "figcaption",
        {},
        make("h3", {}, plot.title, " ", make("small", {}, `(${plot.term})`)),
        make("p", { class: "hint" }, plot.explains),
      ),
      make("div", { class: "canvas" }, canvas),
      note,
      make("details", {}, make("summary", {}, "The same in numbers"), scroll),
    ),
  );
  const chart = new window.Chart(canvas, { type: "scatter", data: { datasets: [] }, options: {} });
  return { chart, canvas, table, note };
}

function tabulate(table, title, head, rows) {
  show(
    table,
    make("caption", { class: "hidden" }, title),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        head.map((name) => make("th", { scope: "col" }, name)),
      ),
    ),
    make(
      "tbody",
      {},
      rows.map((row) =>
        make(
          "tr",
          {},
          row.map((cell, place) => (place ? make("td", {}, cell) : make("th", { scope: "row" }, cell))),
        ),
      ),
    ),
  );
}

// A marker on the edge is drawn whole.
const OVER = 14;

const STYLES = {
  curve: () => ({ showLine: true, pointRadius: 0, borderColor: colour("ink"), borderWidth: 2 }),
  dots: () => ({ clip: OVER, pointBackgroundColor: colour("ink"), borderColor: colour("ink") }),
  edge: () => ({ showLine: true, pointRadius: 0, borderColor: colour("line-strong"), borderWidth: 1 }),
  band: () => ({
    showLine: true,
    pointRadius: 0,
    borderColor: colour("line-strong"),
    borderWidth: 1,
    fill: "+1",
    backgroundColor: colour("band"),
  }),
  reference: () => ({
    showLine: true,
    pointRadius: 0,
    borderColor: colour("muted"),
    borderWidth: 1.5,
    borderDash: [5, 5],
  }),
  dotted: () => ({
    showLine: true,
    pointRadius: 0,
    borderColor: colour("muted"),
    borderWidth: 1.5,
    borderDash: [1, 4],
  }),
  bars: () => ({ showLine: true, pointRadius: 0, borderColor: colour("ink"), borderWidth: 1.5, spanGaps: false }),
  turned: () => ({
    clip: OVER,
    pointRadius: 7,
    pointBackgroundColor: colour("accent"),
    borderColor: colour("surface"),
    borderWidth: 2,
    order: -2,
  }),
  cleared: () => ({
    clip: OVER,
    pointRadius: 7,
    pointStyle: "triangle",
    pointBackgroundColor: colour("accent"),
    borderColor: colour("surface"),
    borderWidth: 2,
    order: -2,
  }),
  live: () => ({
    clip: OVER,
    pointRadius: 13,
    pointStyle: "rectRot",
    pointBackgroundColor: colour("live"),
    borderColor: colour("surface"),
    borderWidth: 2,
    order: -1,
  }),
};

const styled = ({ style, ...line }) => ({ pointHitRadius: 6, ...STYLES[style](), ...line });

function options(plot, seen) {
  const axes = plot.axes(seen);
  return {
    animation: false,
    maintainAspectRatio: false,
    layout: { padding: { right: 12, top: 8 } },
    scales: { x: axis(axes.x), y: axis(axes.y) },
    plugins: {
      legend: {
        display: plot.legend === true,
        position: "bottom",
        labels: {
          color: colour("ink"),
          usePointStyle: false,
          boxHeight: 0,
          boxWidth: 28,
          filter: (item) => !["", "Turned to", "Live now"].includes(item.text),
        },
      },
      tooltip: {
        displayColors: false,
        callbacks: {
          label: (item) => `${item.dataset.label}: ${axes.x.write(item.parsed.x)}, ${axes.y.write(item.parsed.y)}`,
        },
      },
    },
  };
}

function axis({ title, min, max, write, log, loose }) {
  return {
    type: log ? "logarithmic" : "linear",
    min,
    max,
    title: { display: true, text: title, color: colour("muted") },
    grid: { color: colour("line") },
    border: { color: colour("line-strong") },
    ticks: { color: colour("muted"), maxTicksLimit: 7, includeBounds: !loose, callback: write },
    // Of a scale that grows tenfold only the tens are marked.
    afterBuildTicks: (scale) =>
      log &&
      (scale.ticks = scale.ticks.filter(({ value }) => /^1e/.test(value.toExponential(9).replace(/\.0+e/, "e")))),
  };
}

const redraw = () => latest && showCharts(latest);
for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"]) {
  window.matchMedia(query).addEventListener("change", redraw);
}
// Paper is white: the dark colours give way before the page is laid out for it.
const paper = (printing) => {
  document.documentElement.classList.toggle("paper", printing);
  // On paper a chart is about half as wide.
  window.Chart.defaults.font.size = printing ? 17 : 12;
  redraw();
};
window.addEventListener("beforeprint", () => paper(true));
window.addEventListener("afterprint", () => paper(false));
