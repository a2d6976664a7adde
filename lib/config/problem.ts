/** What can be wrong with a configuration. */
import { Failure } from "../failure/failure.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/** Something that is wrong with a configuration file. */
export interface Problem {
  /** Where, counted from 1; null where it is the file as a whole. */
  readonly line: number | null;
  /** The key, with dots: `services.web.poll-period`; null where it is about none. */
  readonly key: string | null;
  /** What is wrong, in one clause. */
  readonly why: string;
  /** What to do, as one sentence. */
  readonly next: string;
}

/** More problems than that nobody reads. */
export const PROBLEMS_MAX = 200;
const HINTS_MAX = 30;

/** Whether it is still worth looking for what was meant, which takes its time in a file full of problems. */
export function mayHint(problems: readonly Problem[]): boolean {
  return problems.length < HINTS_MAX;
}

/** The longest part of a key that is repeated, in characters. */
const PART_MAX = 40;

/** A key as messages show it, with dots between its parts, without what may be a password. */
export function dotted(parts: readonly string[]): string {
  return parts.map((part) => {
    const short = withoutUserInfo(part).slice(0, PART_MAX);
    return /^[A-Za-z0-9_-]+$/.test(short) ? short : JSON.stringify(short);
  }).join(".");
}

/** A problem on one line: `FILE:LINE: KEY: WHY. NEXT`. */
export function problemLine(file: string, { line, key, why, next }: Problem): string {
  return `${line === null ? file : `${file}:${line}`}: ${key === null ? "" : `${key}: `}${why}. ${next}`;
}

/** The failure for a configuration that cannot be used: its first problem, and how many more there are. */
export function configFailure(file: string, problems: readonly Problem[]): Failure {
  const [first] = problems;
  if (first === undefined) throw new RangeError("no problem");
  const { line, key, why, next } = first;
  const more = problems.length - 1;
  return new Failure("usage", {
    what: line === null ? file : `${file}:${line}`,
    why: (key === null ? "" : `${key}: `) + why +
      (more === 0 ? "" : ` (and ${more} more ${more === 1 ? "problem" : "problems"})`),
    next: more === 0 ? next : `${next} \`hail config check\` tells of all.`,
  });
}
