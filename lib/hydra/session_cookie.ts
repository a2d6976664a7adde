/** The name of the cookie that ties requests to a session in Hydra's database. */
export const SESSION_COOKIE = "hydra_session";

// Hydra's values are hexadecimal; the characters are those of a token in RFC 9110, which no header needs quoted.
const VALUE = /^[0-9A-Za-z!#$%&'*+.^_`|~-]{1,4096}$/;

/**
 * Finds Hydra's session in the `Set-Cookie` headers of an answer. Its attributes do not matter: the cookie goes back
 * to the origin of the job URI only, and a session that has expired is replaced by Hydra.
 *
 * @param setCookies The values of `Set-Cookie`, in their order.
 * @returns The value of the last one that is usable, or `null`.
 */
export function sessionIn(setCookies: readonly string[]): string | null {
  for (const line of setCookies.toReversed()) {
    const [pair = ""] = line.split(";", 1);
    const cut = pair.indexOf("=");
    const value = pair.slice(cut + 1).trim();
    if (cut > 0 && pair.slice(0, cut).trim() === SESSION_COOKIE && VALUE.test(value)) return value;
  }
  return null;
}
