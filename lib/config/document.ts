/** A configuration file, taken apart: the same for TOML and JSON. Lines are counted from 1. */
import type { Problem } from "./problem.ts";

/** A value, and where it begins. */
export type Node = Table | List | Scalar;

/** Keys with their values. */
export interface Table {
  readonly kind: "table";
  readonly line: number;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A key with its value. */
export interface Entry {
  /** Where the key stands. */
  readonly line: number;
  readonly node: Node;
}

/** Values in order. */
export interface List {
  readonly kind: "list";
  readonly line: number;
  readonly items: readonly Node[];
}

/** A single value. */
export interface Scalar {
  readonly kind: "scalar";
  readonly line: number;
  /** Null for what no setting is made of: dates, `nan`, `null`. */
  readonly value: string | number | boolean | null;
  /** What it is, for messages: `a text`. */
  readonly what: string;
}

/** What came of taking a file apart. */
export interface Document {
  /** Null where the syntax is wrong. */
  readonly root: Table | null;
  readonly problems: readonly Problem[];
}

/** Tables and lists in each other, and parts of a key, at most. No setting needs more than four. */
export const DEPTH_MAX = 20;

/** Makes a single value. */
export function scalar(line: number, value: string | number | boolean | null, what?: string): Scalar {
  if (typeof value === "number" && !Number.isFinite(value)) return scalar(line, null, "no finite number");
  return { kind: "scalar", line, value, what: what ?? KINDS[typeof value] ?? "nothing" };
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

/** The problem of a file whose syntax is wrong. */
export function syntaxProblem(line: number | null, why: string, next: string): Document {
  return { root: null, problems: [{ line, key: null, why, next }] };
}

/** What became of a parser that threw something else than an error of syntax. */
export function parserFailure(error: unknown): Document {
  // The parsers call themselves for what is nested, and spread long texts over the stack.
  if (!(error instanceof RangeError)) throw error;
  return syntaxProblem(
    null,
    "it is nested too deeply, or a text in it is too long",
    "Write it flatter, or shorter.",
  );
}
