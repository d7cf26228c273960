// Asks the gateway. What goes wrong becomes a `GatewayError` with a sentence for the page.

const UNREACHABLE =
  "The page cannot reach its gateway any more. Make sure that nmt web still runs, and try again.";

export class GatewayError extends Error {}

export const askModel = () => answer(request("api/model"));

export const askVersions = () => answer(request("api/versions"));

/**
 * Asks for a translation.
 * @param {string} text
 * @param {?string} version null for the live one
 * @param {AbortSignal} signal
 */
export const askTranslation = (text, version, signal) =>
  answer(request("api/translate", { text, version }, signal));

/** Asks where the encoder looks in a text; see `askTranslation`. */
export const askSource = (text, version) => answer(request("api/source", { text, version }));

/** Asks for a picture; returns its file, and which fonts are missing for it, in words. */
export async function askPicture(format, title, matrix) {
  const reply = await checked(request("api/picture", { format, title, matrix }));
  return { file: await reply.blob(), missingFonts: reply.headers.get("Missing-Fonts") };
}

function request(path, body, signal) {
  const options = { signal, credentials: "omit" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  return fetch(path, options);
}

async function answer(asked) {
  const reply = await checked(asked);
  try {
    return await reply.json();
  } catch (error) {
    throw error.name === "AbortError" ? error : new GatewayError(UNREACHABLE);
  }
}

async function checked(asked) {
  let reply;
  try {
    reply = await asked;
  } catch (error) {
    throw error.name === "AbortError" ? error : new GatewayError(UNREACHABLE);
  }
  if (reply.ok) {
    return reply;
  }
  const complaint = await reply.json().catch(() => null);
  throw new GatewayError(complaint?.error ?? `The gateway refused the request (${reply.status}).`);
}
