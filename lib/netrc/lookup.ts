import type { Netrc, NetrcEntry, NetrcValue } from "./parse.ts";
import { NetrcSyntaxError } from "./syntax_error.ts";

/** A user and a password for HTTP Basic authentication (RFC 7617). Either may be empty. */
export interface Credentials {
  readonly login: string;
  readonly password: string;
}

/**
 * The credentials that a netrc has for a host.
 *
 * If there are entries for the host, the first of them with a login or a password counts, and `default` does
 * not: a machine with neither is how a host is left without credentials. Otherwise the first such `default`
 * counts, wherever it stands. What an entry lacks is empty.
 *
 * @param host The host name of a URI; an IPv6 address with or without brackets. Upper and lower case are the
 * same.
 * @returns `null` if there are none.
 * @throws {NetrcSyntaxError} If the login or the password has a control character in it, or the login a
 * colon: HTTP Basic authentication cannot carry them. Other entries may have them.
 */
export function credentialsFor(netrc: Netrc, host: string): Credentials | null {
  const wanted = normalised(host);
  const ofHost = netrc.entries.filter(({ machine }) => machine !== null && normalised(machine) === wanted);
  const candidates = ofHost.length > 0 ? ofHost : netrc.entries.filter(({ machine }) => machine === null);
  const entry = candidates.find(saysSomething);
  if (entry === undefined) return null;
  const login = usable(entry.login, "login");
  if (entry.login !== null && login.includes(":")) {
    throw new NetrcSyntaxError(entry.login, "the login has a colon in it, which HTTP cannot carry");
  }
  return { login, password: usable(entry.password, "password") };
}

function saysSomething({ login, password }: NetrcEntry): boolean {
  return login !== null || password !== null;
}

function usable(value: NetrcValue | null, what: string): string {
  if (value === null) return "";
  if (/[\0-\x1f\x7f]/.test(value.text)) {
    throw new NetrcSyntaxError(value, `the ${what} has a control character in it, which HTTP cannot carry`);
  }
  return value.text;
}

function normalised(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (!bare.includes(":")) return bare;
  // An IPv6 address has many spellings; a URI's host name has one of them.
  return URL.parse(`http://[${bare}]/`)?.hostname ?? bare;
}
