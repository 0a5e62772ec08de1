/** The slider: it stops at every place of the curve, and moves by one place at least. */

import { find } from "./dom.js";
import { nearest, placeOf, stops, TRACK } from "./positions.js";
import { percent, rule } from "./words.js";

let along = [0];
let place = 0;
let held = false;

/** Lay the places of a model's curve along the track. */
export function layOut(facts) {
  along = stops(facts);
}

/** Show the turned point, unless its place was chosen here, and the mark of the live one. */
export function showSlider(turned, live, facts, chosen) {
  const slider = find("#slider");
  find("#live-mark").style.setProperty("--at", along[placeOf(facts, live.turned.figures.counts)] / TRACK);
  // A place that was chosen stays: on a thinned curve the counts between two places may be nearer to the one before.
  if (!chosen) {
    place = placeOf(facts, turned.figures.counts);
    slider.value = along[place];
  }
  slider.setAttribute(
    "aria-valuetext",
    `${rule(turned)}; finds ${percent(turned.figures.recall.value)} of the sick,` +
      ` clears ${percent(turned.figures.specificity.value)} of the healthy`,
  );
}

/** Call `onPlace` with each place that is turned to. */
export function onSlide(onPlace) {
  const slider = find("#slider");
  slider.onpointerdown = () => (held = true);
  slider.onlostpointercapture = () => (held = false);
  slider.onchange = () => (slider.value = along[place]);
  slider.oninput = () => {
    const wanted = Number(slider.value);
    const near = nearest(along, wanted);
    // A key moves by one place at least, however far apart the stops lie; under a finger the knob stays where it is.
    const onward = held || near !== place ? near : place + Math.sign(wanted - along[place]);
    place = Math.min(Math.max(onward, 0), along.length - 1);
    if (!held) slider.value = along[place];
    onPlace(place);
  };
}
