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

/** Ask the service at `path`, relative to this page. Throws Refused, Silent, or an AbortError. */
export async function ask(path, { method = "GET", body, token, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
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
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const points = () => ask("operating-points");

export const livePoint = (model) => ask(`operating-points/${model}`);

export const history = (model) => ask(`operating-points/${model}/history`);

export const preview = (model, setting, signal) =>
  ask(`operating-points/${model}/preview`, { method: "POST", body: setting, signal });

export const change = (model, body, token) => ask(`operating-points/${model}`, { method: "PUT", body, token });

export const rollBack = (model, body, token) =>
  ask(`operating-points/${model}/roll-back`, { method: "POST", body, token });

/** What the page draws; without a prevalence, at the model's own. */
export const facts = (model, prevalence, signal) =>
  ask(`models/${model}${prevalence === null ? "" : `?prevalence=${prevalence}`}`, { signal });

export const groups = (model, turned, signal) =>
  ask(
    `models/${model}/groups?threshold=${turned.threshold}&clear_below=${turned.clear_below}` +
      `&prevalence=${turned.prevalence}`,
    { signal },
  );

export const score = (model, rows, setting, token) =>
  ask(model, { method: "POST", body: { rows, ...setting }, token });
