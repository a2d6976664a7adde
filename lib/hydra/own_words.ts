import { sanitise } from "../report/sanitise.ts";

/** How much of what Hydra says is shown, in characters. */
const WORDS_LIMIT = 300;

/** Stands for text that is not shown. */
export const WITHHELD = "(not shown: it repeats the credentials)";

/**
 * Finds Hydra's own words in the body of an answer: the text of `{"error": "..."}`.
 *
 * @returns The text as it is, from the network, or `null` if the body has none.
 */
export function errorIn(body: Uint8Array | null): string | null {
  // Nearly always there is none; an error that is thrown and caught costs more than the rest of a poll's decisions.
  if (body === null || body[0] !== 0x7b) return null;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof json !== "object" || json === null || !("error" in json)) return null;
    return typeof json.error === "string" && json.error.trim() !== "" ? json.error : null;
  } catch {
    return null;
  }
}

/**
 * Makes text from the other side fit for an error or an event: without control characters and a full stop at its end, at
 * most 300 characters, and withheld as a whole if one of the secrets stands in it, also percent-encoded.
 *
 * @param text What the other side said.
 * @param secrets What must not be seen. Empty texts are ignored.
 */
export function quotable(text: string, secrets: readonly string[]): string {
  // It stands within a sentence, which has a full stop of its own.
  return holdsSecret(text, secrets) ? WITHHELD : sanitise(text, WORDS_LIMIT).trim().replace(/(?<!\.)\.$/, "");
}

/** Whether one of the secrets stands in the text: as it is, percent-encoded, or with controls or spaces between. */
export function holdsSecret(text: string, secrets: readonly string[]): boolean {
  const decoded = percentDecoded(text);
  const bare = squeezed(text);
  return secrets.some((secret) => {
    if (secret === "") return false;
    const bareSecret = squeezed(secret);
    return text.includes(secret) || decoded.includes(secret) ||
      (bareSecret !== "" && bare.includes(bareSecret));
  });
}

/** What is left to see once control characters are taken out, without its spaces. */
function squeezed(text: string): string {
  return sanitise(text).replace(/\s/g, "");
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
