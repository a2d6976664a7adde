// The only form of an HTTP date that a sender may use today: RFC 9110, section 5.6.7.
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

const DAY = 24 * 60 * 60 * 1000;

/**
 * How long a server asks to be left alone: `Retry-After` of RFC 9110, section 10.2.3, in seconds or as a date.
 *
 * A date is compared with the server's own `Date`, so that the clocks need not agree; without one it is ignored.
 *
 * @returns Milliseconds, at most a day, or `undefined` if nothing that makes sense is said.
 */
export function retryAfter(headers: { get(name: string): string | null }): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,12}$/.test(text)) return Math.min(Number(text) * 1000, DAY);
  const wait = httpDate(text) - httpDate(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), DAY);
}

function httpDate(text: string): number {
  return HTTP_DATE.test(text) ? Date.parse(text) : NaN;
}
