const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/**
 * Reads a size as Nix prints it, e.g. `1144.41 MiB` or `2.0 KiB`.
 *
 * @returns The size in bytes, as exact as it was printed, or null where it is no size.
 */
export function parseSize(text: string): number | null {
  const found = /^([0-9]{1,15}(?:\.[0-9]{1,3})?) ?([KMGTPE]?i?B)$/.exec(text);
  const power = UNITS.findIndex((unit) => unit === found?.[2]);
  return found === null || power < 0 ? null : Math.round(Number(found[1]) * 1024 ** power);
}

/** A size for a human reader, e.g. `1.9 MiB`; the unit is the largest in which it is not less than 1. */
export function formatSize(bytes: number): string {
  let power = 0;
  // A size that would be rounded to 1024 of a unit is 1 of the next.
  while (power < UNITS.length - 1 && Math.round(bytes / 1024 ** power * 10) >= 10240) power += 1;
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`;
}
