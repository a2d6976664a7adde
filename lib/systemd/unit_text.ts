/**
 * The mark of ownership in a unit file: a section that systemd ignores, since its name begins with `X-`
 * (systemd.unit(5)).
 */
const SECTION = "X-Hail";

/** The largest unit file, in bytes. hail's own have about two thousand. */
export const UNIT_LIMIT = 256 * 1024;

/** The namespace that a unit file, or a pending mark, belongs to; null if none claims it. */
export function namespaceOf(text: string): string | null {
  let section = "";
  for (const line of text.split("\n")) {
    const header = /^\[(.*)\]\s*$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    else if (section === SECTION) {
      const value = /^Namespace=(.*)$/.exec(line)?.[1];
      if (value !== undefined) return value;
    }
  }
  return null;
}

/** What a pending mark says: whose work is unfinished. */
export function pendingMark(namespace: string): string {
  return `[${SECTION}]\nNamespace=${namespace}\n`;
}
