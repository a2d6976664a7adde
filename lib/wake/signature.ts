import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What a signature vouches for. */
export interface Signed {
  /** In seconds since 1970, in decimal digits, as it was sent. */
  readonly timestamp: string;
  /** The name of the service. */
  readonly name: string;
  readonly body: Uint8Array;
}

/**
 * The signature of a request: HMAC-SHA256 over time stamp, line feed, name, line feed, body; in hexadecimal, lower case.
 *
 * The name is part of it, or a request that somebody has overheard would be good for every other service. Neither digits
 * nor names have line feeds, so there is one way to read it.
 */
export function signatureOf(secret: string, { timestamp, name, body }: Signed): string {
  return createHmac("sha256", secret).update(`${timestamp}\n${name}\n`).update(body).digest("hex");
}

/** Whether two texts are the same; how long that takes tells neither of them. */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

/** Of one length, whatever is compared. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
