/** What came of one piece of work. */
export interface Done<T> {
  readonly result: T;
  /** When it began and ended, by `performance.now()`. */
  readonly begun: number;
  readonly ended: number;
}

/**
 * Does pieces of work, so many at once, in the order in which they stand.
 *
 * @returns What came of each, in the same order.
 * @throws What a piece of work throws, once those that are under way have ended; no further one is begun then.
 */
export async function sideBySide<T>(
  width: number,
  pieces: readonly (() => Promise<T>)[],
): Promise<readonly Done<T>[]> {
  const done: Done<T>[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async () => {
    while (next < pieces.length && failures.length === 0) {
      const index = next++;
      const begun = performance.now();
      try {
        const result = await pieces[index]?.();
        if (result !== undefined) done[index] = { result, begun, ended: performance.now() };
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failures.length > 0) throw failures[0];
  return done;
}
