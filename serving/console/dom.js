/** The element that `selector` finds. */
export const find = (selector) => document.querySelector(selector);

/** A new element. Attributes that are false, null or undefined are left out; functions listen, as in {onclick: f}. */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for a part of a drawing. */
export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** Put `children` in the place of what `parent` holds. */
export function show(parent, ...children) {
  parent.replaceChildren(...children.flat().filter(present));
}

/** Mark a field, for eye and ear, as holding what cannot be taken. */
export function invalid(field, is) {
  if (is) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (present(value)) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter(present));
  return element;
}

const present = (value) => value !== false && value !== null && value !== undefined;
