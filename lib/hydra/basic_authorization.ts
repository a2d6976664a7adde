import { Failure } from "../failure/failure.ts";
import type { JobUri } from "./job_uri.ts";

/** A login and its password, as a netrc entry has them. */
export interface BasicCredentials {
  readonly login: string;
  readonly password: string;
}

/**
 * The value of `Authorization` for HTTP Basic (RFC 7617), in UTF-8.
 *
 * @throws {Failure} `netrc-unusable` if the login has a colon: everything behind it would be taken for the password.
 */
export function basicAuthorization(jobUri: JobUri, { login, password }: BasicCredentials): string {
  if (login.includes(":")) {
    throw new Failure("netrc-unusable", {
      what: `the netrc entry for ${new URL(jobUri.origin).hostname}`,
      why: "its login has a colon in it, which HTTP Basic cannot carry",
      next: "Use a login without a colon.",
    });
  }
  const bytes = new TextEncoder().encode(`${login}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}
