// Talking to the workbench's own routes: JSON in and out, and errors that carry the server's sentence.

export class ApiError extends Error {
  // `status` is the HTTP status, 0 where the server could not be reached at all.
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

// GET a JSON value. `options.signal` aborts; an aborted call rejects with the usual AbortError.
export function getJson(url, options = {}) {
  return request(url, { ...options, method: "GET" }).then(read);
}

// POST a JSON body (or a Blob, as it is) and return the JSON answer, null where there is none.
export function post(url, body, options = {}) {
  return send("POST", url, body, options);
}

export function put(url, body, options = {}) {
  return send("PUT", url, body, options);
}

export function remove(url, options = {}) {
  return send("DELETE", url, undefined, options);
}

// GET bytes, as a Blob and as an ArrayBuffer.
export function getBlob(url, options = {}) {
  return request(url, { ...options, method: "GET" }).then((response) => response.blob());
}

export function getBytes(url, options = {}) {
  return request(url, { ...options, method: "GET" }).then((response) => response.arrayBuffer());
}

// `/api/...` with the query of `values`; undefined, null and "" are left out.
export function address(path, values = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") query.set(key, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export function isAbort(error) {
  return error?.name === "AbortError";
}

function send(method, url, body, options) {
  const headers = { ...options.headers };
  const raw = body instanceof Blob;
  if (body !== undefined && !raw) headers["Content-Type"] = "application/json";
  const content = body === undefined || raw ? body : JSON.stringify(body);
  return request(url, { ...options, method, headers, body: content }).then(read);
}

async function request(url, options) {
  const headers = options.method === "GET" ? options.headers : { "X-Workbench": "1", ...options.headers };
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options, headers });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("The workbench does not answer. If it was ended, start it again with workbench serve; trainings go on meanwhile.", 0);
  }
  if (!response.ok) throw new ApiError(await sentence(response), response.status);
  return response;
}

async function sentence(response) {
  try {
    const answer = await response.json();
    if (typeof answer.error === "string") return answer.error;
  } catch {
    // not JSON: a proxy's page, say
  }
  return `The workbench answered ${response.status}. Reload the page; if that does not help, see its log.`;
}

async function read(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}
