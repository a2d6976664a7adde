import type { Generation } from "./generations.ts";
import type { StorePath } from "./store_path.ts";

/** How many old generations stay. What is null sets no bound; where both are null, nothing is ever removed. */
export interface Retention {
  /** The newest so many stay, the current one counted where it is among them. */
  readonly generations: number | null;
  /** Those that were made in the last so many days stay. */
  readonly days: number | null;
}

/** What is known when old generations are looked for. */
export interface RetentionFacts {
  readonly generations: readonly Generation[];
  /**
   * Store paths whose generations stay: those of the active version and of the one before it. Where the one before is not
   * known, the newest generation before the current one that has another path stands for it.
   */
  readonly keep: readonly StorePath[];
  /** Generations that another link leads to. */
  readonly pinned: ReadonlySet<number>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const DAY = 86_400_000;

/**
 * The numbers of the generations to remove, oldest first. Pure.
 *
 * A generation goes only if every bound that is set lets it go. Never the current one, one whose path is to be kept, or
 * one that is pinned; and none at all where the profile points at none of them, since then nobody knows what it is that
 * is in use. A generation that was made in the future, by a clock that was wrong then or is now, has no age: no number
 * of days lets it go.
 */
export function generationsToRemove(
  { generations, keep, pinned, now }: RetentionFacts,
  { generations: count, days }: Retention,
): number[] {
  if (count === null && days === null) return [];
  const current = generations.find(({ current }) => current);
  if (current === undefined) return [];
  const oldestFirst = generations.toSorted((one, other) => one.number - other.number);
  const before = keep.some((path) => path !== current.path)
    ? undefined
    : oldestFirst.findLast(({ number, path }) => number < current.number && path !== current.path);
  const beyond = count === null ? oldestFirst : oldestFirst.slice(0, Math.max(0, oldestFirst.length - count));
  return beyond
    .filter(({ madeAt }) => days === null || now - madeAt > days * DAY)
    .filter(({ current, path, number }) => !current && !keep.includes(path) && !pinned.has(number))
    .filter(({ number }) => number !== before?.number)
    .map(({ number }) => number);
}
