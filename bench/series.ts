/** Measurements of one thing, of which the middle counts: what else a machine does only ever makes them larger. */
export interface Series {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/**
 * Sums up measurements.
 *
 * @throws {RangeError} If there are none.
 */
export function series(values: readonly number[]): Series {
  const sorted = values.toSorted((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (min === undefined || max === undefined || low === undefined || high === undefined) {
    throw new RangeError("Cannot sum up an empty series");
  }
  return { median: (low + high) / 2, min, max, count: sorted.length };
}

/** `MEDIAN UNIT (MIN to MAX)`. */
export function showSeries({ median, min, max }: Series, unit: string, digits: number): string {
  return `${median.toFixed(digits)} ${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}
