/** The field for a photograph: chosen from a file, checked, shown, and read as base64. */

import { invalid, make, show } from "./dom.js";
import { capital, spaced } from "./words.js";

const KINDS = ["image/jpeg", "image/png"];
// No browser shows these, and few know their kind.
const UNSEEN = ["application/dicom", ".dcm", ".dicom"];
const ALL = "JPEG, PNG or DICOM";

/** A field as the form of patient.js takes it; `ready` waits until a chosen file is read. */
export function photograph(image, id) {
  const most = megabytes(image.most_bytes);
  const field = { column: image, rule: `choose a ${ALL} file` };
  let text;
  let reading = Promise.resolve();
  let address = null;

  const input = make("input", { id, type: "file", accept: [...KINDS, ...UNSEEN].join(), "aria-describedby": `${id}-hint ${id}-wrong` });
  const wrong = make("p", { id: `${id}-wrong`, class: "wrong", role: "alert" });
  const preview = make("div", { class: "preview" });

  input.onchange = () => {
    const [file] = input.files;
    const reason = file && refused(file, image.most_bytes);
    text = undefined;
    if (address) URL.revokeObjectURL(address);
    address = file && !reason ? URL.createObjectURL(file) : null;
    say(reason);
    show(preview, address && picture(address, file));
    reading = address ? read(file) : Promise.resolve();
  };

  function picture(source, file) {
    if (isUnseen(file)) return make("p", {}, `Chosen: ${file.name}, which only the model can look at.`);
    return make("img", { src: source, alt: `Chosen: ${file.name}`, onerror: ({ target }) => unseen(target) });
  }

  function unseen(shown) {
    // Another one was chosen meanwhile.
    if (shown.parentNode !== preview) return;
    text = undefined;
    show(preview);
    say("This file can not be shown: it is damaged, or no photograph.");
  }

  async function read(file) {
    try {
      const found = await inBase64(file);
      if (input.files[0] === file && preview.firstChild) text = found;
    } catch (error) {
      say(`This file can not be read: ${error.message}`);
    }
  }

  function say(reason) {
    wrong.textContent = reason ?? "";
    invalid(input, Boolean(reason));
  }

  field.node = make(
    "div",
    { class: "question" },
    make("label", { for: id }, capital(image.meaning || spaced(image.name))),
    input,
    make("p", { id: `${id}-hint`, class: "hint" }, `${ALL}, at most ${most}; it is sent to the model, and kept nowhere.`),
    wrong,
    preview,
  );
  field.read = () => text;
  field.ready = () => reading;
  return field;
}

function refused(file, most) {
  if (!KINDS.includes(file.type) && !isUnseen(file)) return `This is no ${ALL} file: ${file.name}.`;
  if (file.size > most) return `This file is too large: ${megabytes(file.size)}, where ${megabytes(most)} are the most.`;
  return file.size === 0 ? "This file is empty." : undefined;
}

function isUnseen(file) {
  return file.type === UNSEEN[0] || UNSEEN.some((ending) => file.name.toLowerCase().endsWith(ending));
}

const megabytes = (bytes) => `${(bytes / 1e6).toPrecision(2)} MB`;

function inBase64(file) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
  return promise;
}
