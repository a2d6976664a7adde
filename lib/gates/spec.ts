/** Gates as the settings have them. */
import { readClause } from "../text/clause.ts";
import { type GateSpec, KINDS, readTarget } from "./kinds.ts";

export type { GateSpec } from "./kinds.ts";

const GRAMMAR = {
  what: "gate",
  noun: "gate",
  noTarget: "nothing stands behind its kind",
  kinds: KINDS,
  keys: [],
  flags: [],
};

/**
 * Reads a gate: `KIND TARGET [KEY=VALUE...]`, words between blanks, as a health check is written. What depends on the kind
 * is in `docs/gates.md`.
 *
 * @throws {Failure} `usage` for whatever is wrong with it.
 */
export function parseGate(text: string): GateSpec {
  return readClause(text, GRAMMAR, ({ kind, target, values }) => readTarget(kind, target, values));
}
