/** The service understood, and said no. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error ?? `The service answered with status ${status}.`);
    this.status = status;
    this.refusals = body.refusals ?? [];
  }
}

/** The service did not answer. */
export class Silent extends Error {}

// With which everything is asked; nothing else keeps it.
let token = "";
let unknown = () => {};

/** Call `tell` with the refusal when the token is known no longer. */
export const whenUnknown = (tell) => (unknown = tell);

/** Ask the service at `path`, relative to this page. Throws Refused, Silent, or an AbortError. */
export async function ask(path, { method = "GET", body, signal, by = token } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (by) headers.Authorization = `Bearer ${by}`;
  let response;
  try {
    response = await fetch(path, { method, headers, signal, cache: "no-store", body: body && JSON.stringify(body) });
  } catch (error) {
    throw signal?.aborted ? error : new Silent("The service does not answer.");
  }
  const answer = await response.json().catch((error) => {
    if (signal?.aborted) throw error;
    return {};
  });
  if (response.ok) return answer;
  const refused = new Refused(response.status, answer);
  if (refused.status === 401 && by === token) unknown(refused);
  throw refused;
}

/** Ask everything with this token from now on. */
export const use = (other) => (token = other);

/** Whom the token, or another one, names, and what they may do. */
export const who = (by) => ask("who", { by });

export const points = () => ask("operating-points");

export const livePoint = (model) => ask(`operating-points/${model}`);

export const history = (model) => ask(`operating-points/${model}/history`);

export const preview = (model, setting, signal) =>
  ask(`operating-points/${model}/preview`, { method: "POST", body: setting, signal });

export const change = (model, body) => ask(`operating-points/${model}`, { method: "PUT", body });

export const rollBack = (model, body) => ask(`operating-points/${model}/roll-back`, { method: "POST", body });

/** What the page draws; without a prevalence, at the model's own. */
export const facts = (model, prevalence, signal) =>
  ask(`models/${model}${prevalence === null ? "" : `?prevalence=${prevalence}`}`, { signal });

export const groups = (model, turned, signal) =>
  ask(
    `models/${model}/groups?threshold=${turned.threshold}&clear_below=${turned.clear_below}` +
      `&prevalence=${turned.prevalence}`,
    { signal },
  );

export const score = (model, rows, setting) => ask(model, { method: "POST", body: { rows, ...setting } });
