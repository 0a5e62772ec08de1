/** What each chart shows: its lines, its axes, and the same in words and numbers. */

import { capital, count, figure, interval, percent, plain } from "./words.js";

const round = (share) => `${Number((share * 100).toPrecision(3))}\u202f%`;
const whole = { min: 0, max: 1, write: round };

/** The place of a point on the curve, as shares of the sick and of the healthy that are flagged. */
function flagged({ figures }) {
  const { hits, misses, alarms, clears } = figures.counts;
  return { caught: hits / (hits + misses), alarmed: alarms / (alarms + clears) };
}

/** The same for the lower threshold of a point that leaves some people open; null without such a zone. */
function notCleared({ threshold, clear_below: below, figures }) {
  if (below >= threshold) return null;
  const { hits, misses, alarms, clears } = figures.counts;
  return {
    caught: (hits + figures.indeterminate_sick) / (hits + misses),
    alarmed: (alarms + figures.indeterminate_healthy) / (alarms + clears),
  };
}

function curve({ curve: { hits, alarms, thresholds }, certification: { positives, negatives } }) {
  return thresholds.map((threshold, i) => ({ threshold, caught: hits[i] / positives, alarmed: alarms[i] / negatives }));
}

/** Precision where `prevalence` of the people are sick; null where nobody is flagged. */
function believed({ caught, alarmed }, prevalence) {
  const sick = prevalence * caught;
  const all = sick + (1 - prevalence) * alarmed;
  return all > 0 ? sick / all : null;
}

/** A dozen rows of many, evenly, with the first and the last. */
function dozen(rows) {
  const step = Math.max((rows.length - 1) / 11, 1);
  return rows.filter((_, i) => Math.round(Math.round(i / step) * step) === i);
}

function markers(turned, live, at) {
  const lower = notCleared(turned);
  return [
    { label: "Turned to", style: "turned", data: [at(flagged(turned))] },
    lower && { label: "Clears below", style: "cleared", data: [at(lower)] },
    { label: "Live now", style: "live", data: [at(flagged(live.turned))] },
  ].filter(Boolean);
}

/** What the turned and the live point do, or once what they do alike. */
const both = (where, turned, live) =>
  capital(where + (turned === live ? `the live point ${live}.` : `the turned point ${turned}; the live point ${live}.`));

export const roc = {
  name: "roc",
  title: "Sick found against alarms in vain",
  term: "ROC curve",
  explains:
    "Up: more of the sick found. Right: more of the healthy alarmed. The nearer to the top left corner, the better. A coin would lie on the dashed line.",
  axes: () => ({
    x: { ...whole, title: "of the healthy, flagged (false-positive rate)" },
    y: { ...whole, title: "of the sick, found (recall)" },
  }),
  lines({ facts, turned, live }) {
    const at = ({ caught, alarmed }) => ({ x: alarmed, y: caught });
    return [
      ...markers(turned, live, at),
      { label: "This model", style: "curve", data: [...curve(facts).map(at), { x: 0, y: 0 }] },
      {
        label: "A coin",
        style: "reference",
        data: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      },
    ];
  },
  tell({ facts, turned, live }) {
    const say = ({ caught, alarmed }) =>
      `finds ${percent(caught)} of the sick and flags ${percent(alarmed)} of the healthy`;
    const line = (point) => [plain(point.threshold), percent(point.alarmed), percent(point.caught)];
    return {
      text: both("", say(flagged(turned)), say(flagged(live.turned))),
      head: ["Threshold", "Healthy flagged", "Sick found"],
      rows: [["turned to", ...line(flagged(turned)).slice(1)], ...dozen(curve(facts)).map(line)],
    };
  },
};

export const precisionRecall = {
  name: "precision-recall",
  title: "How far a flag can be believed",
  term: "precision-recall curve",
  explains:
    "Right: more of the sick found. Up: more of the flagged really sick. The dashed line is what flagging at random would give.",
  axes: () => ({
    x: { ...whole, title: "of the sick, found (recall)" },
    y: { ...whole, title: "of the flagged, sick (precision)" },
  }),
  lines({ facts, turned, live }) {
    const at = (point) => ({ x: point.caught, y: believed(point, turned.prevalence) });
    return [
      ...markers(turned, live, at),
      { label: "This model", style: "curve", data: curve(facts).map(at) },
      {
        label: "At random",
        style: "reference",
        data: [
          { x: 0, y: turned.prevalence },
          { x: 1, y: turned.prevalence },
        ],
      },
    ];
  },
  tell({ facts, turned, live }) {
    const say = (point) =>
      `finds ${percent(point.caught)} of the sick, and ${percent(believed(point, turned.prevalence))} of its flags are right`;
    const line = (point) => [
      plain(point.threshold),
      percent(point.caught),
      percent(believed(point, turned.prevalence)),
    ];
    return {
      text: both(`At prevalence ${plain(turned.prevalence)} `, say(flagged(turned)), say(flagged(live.turned))),
      head: ["Threshold", "Sick found", "Flags that are right"],
      rows: [["turned to", ...line(flagged(turned)).slice(1)], ...dozen(curve(facts)).map(line)],
    };
  },
};

export const decision = {
  name: "decision",
  title: "Is it worth using?",
  term: "decision curve, net benefit",
  explains:
    "Net benefit: the sick who are found, less a price for each alarm in vain. Left: a miss is much worse than an alarm, so the price is low; right: it is high. The model is worth using where its line is above both others, flagging everybody and nobody. Grey: 95 % interval.",
  legend: true,
  axes({
    turned,
    live,
    facts: {
      decision_curve: { thresholds, model },
    },
  }) {
    const most = Math.max(...model);
    return {
      x: {
        title: "threshold",
        min:
          Math.min(...[turned, live.turned].map((point) => point.threshold), ...thresholds.filter((x) => x > 0)) / 1.5,
        max: Math.min(thresholds.at(-1), 1),
        write: round,
        log: true,
      },
      y: { title: "net benefit (sick found per person)", min: -most / 4, max: most * 1.15, loose: true, write: figure },
    };
  },
  lines({ facts, turned, live }) {
    const { thresholds, model, low, high, all } = facts.decision_curve;
    // A threshold of 0 has no place on a scale that grows tenfold.
    const line = (values) => thresholds.map((x, i) => ({ x, y: values[i] })).filter(({ x }) => x > 0);
    const at = (point) => [{ x: point.threshold, y: point.figures.net_benefit }];
    return [
      { label: "Turned to", style: "turned", data: at(turned) },
      live.turned.prevalence === turned.prevalence && { label: "Live now", style: "live", data: at(live.turned) },
      { label: "This model", style: "curve", data: line(model) },
      { label: "Flag everybody", style: "reference", data: line(all) },
      { label: "Flag nobody", style: "dotted", data: line(all.map(() => 0)) },
      { label: "", style: "band", data: line(low) },
      { label: "", style: "edge", data: line(high) },
    ].filter(Boolean);
  },
  tell({ facts, turned, live }) {
    const { thresholds, model, low, high, all } = facts.decision_curve;
    const worth = (point) => `has a net benefit of ${figure(point.figures.net_benefit ?? 0)}`;
    const where = `At prevalence ${plain(facts.prevalence)} `;
    const apart = live.turned.prevalence !== turned.prevalence;
    const rows = thresholds.map((threshold, i) => [
      plain(threshold),
      figure(model[i]),
      `${figure(low[i])} to ${figure(high[i])}`,
      figure(all[i]),
    ]);
    return {
      text: apart
        ? `${where}the turned point ${worth(turned)}; the live point is stated at another prevalence and is not shown here.`
        : both(where, worth(turned), worth(live.turned)),
      head: ["Threshold", "This model", "95 % interval", "Flag everybody"],
      rows: dozen(rows),
    };
  },
};

export const calibration = {
  name: "calibration",
  title: "Do the probabilities come true?",
  term: "calibration",
  explains:
    "Among people who were told 10 %, 10 in 100 should turn out sick: then a dot lies on the dashed line. The bigger a dot, the more people; the bars are 95 % intervals. Both scales grow tenfold from mark to mark, and on the lowest line nobody was sick.",
  axes({ facts }) {
    const least = lowest(facts.calibration.bins);
    return {
      x: { title: "probability told", min: least, max: 1, write: round, log: true },
      y: { title: "really sick", min: least, max: 1, write: round, log: true },
    };
  },
  lines({
    facts: {
      calibration: { bins },
    },
  }) {
    const least = lowest(bins);
    const most = Math.max(...bins.map((bin) => bin.rows));
    const at = (bin, y) => ({ x: bin.expected, y: y === null ? Number.NaN : Math.max(y, least) });
    return [
      {
        label: "Really sick",
        style: "dots",
        data: bins.map((bin) => at(bin, bin.observed.value)),
        pointRadius: bins.map((bin) => 1.5 + 6 * Math.sqrt(bin.rows / most)),
      },
      {
        label: "95 % interval",
        style: "bars",
        data: bins.flatMap((bin) => [at(bin, bin.observed.low), at(bin, bin.observed.high), at(bin, null)]),
      },
      {
        label: "As told",
        style: "reference",
        data: [
          { x: least, y: least },
          { x: 1, y: 1 },
        ],
      },
    ];
  },
  tell({
    facts: {
      calibration: { bins, slope, observed_over_expected: ratio },
    },
  }) {
    const line = slope === null ? "" : ` The slope is ${figure(slope)}, where 1 is best: below it probabilities are too extreme, above it not extreme enough.`;
    return {
      text: `In all, ${figure(ratio)} times as many were sick as foretold (observed over expected, 1 is best).${line}`,
      head: ["Told", "Really sick", "95 % interval", "People"],
      rows: bins.map((bin) => [
        percent(bin.expected),
        percent(bin.observed.value),
        interval(bin.observed),
        count(bin.rows),
      ]),
    };
  },
};

/** Where the scales of the calibration begin: a power of ten below whatever is shown, as a zero has no place on them. */
function lowest(bins) {
  const shown = bins.flatMap((bin) => [bin.expected, bin.observed.value]).filter((share) => share > 0);
  return 10 ** Math.floor(Math.log10(Math.min(...shown)));
}
