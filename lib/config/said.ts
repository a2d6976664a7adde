/** What a configuration file says of settings: found, checked for its form, and turned into the texts of a command line. */
import { Failure } from "../failure/failure.ts";
import { withoutUserInfo } from "../report/user_info.ts";
import { shown } from "../text/values.ts";
import { closest } from "../text/closest.ts";
import type { Where } from "../settings/notation.ts";
import type { Place, Setting } from "../settings/setting.ts";
import { AGENT_SETTINGS, keysOf, SERVICE_SETTINGS } from "../settings/table.ts";
import type { Entry, Node, Table } from "./document.ts";
import { dotted, mayHint, type Problem } from "./problem.ts";

/** What a file says of one setting. */
export interface Statement {
  /** Where its key stands. */
  readonly line: number;
  readonly texts: readonly string[];
}

/** What a table of a file says of its settings, by key. What is wrong in it is missing. */
export type Statements = ReadonlyMap<string, Statement>;

/** The key that holds the services. */
export const SERVICES = "services";

/** The key that names the schema of a document, for editors. */
export const SCHEMA = "$schema";

/** Every setting that a file can have, by its key. */
const SETTINGS: ReadonlyMap<string, Setting<unknown>> = new Map<string, Setting<unknown>>([
  ...keysOf(SERVICE_SETTINGS).map((key) => [key, SERVICE_SETTINGS[key]] as const),
  ...keysOf(AGENT_SETTINGS).map((key) => [key, AGENT_SETTINGS[key]] as const),
]);

/** The settings that may stand in a table of a file. */
export interface Scope {
  readonly settings: ReadonlyMap<string, Setting<unknown>>;
  /** Keys that are no settings, and are read by somebody else. */
  readonly others: readonly string[];
  /** Why a setting of elsewhere may not stand here, and where it is to go. */
  readonly misplaced: Pick<Problem, "why" | "next">;
}

function settingsAt(...places: readonly Place[]): ReadonlyMap<string, Setting<unknown>> {
  return new Map(
    [...SETTINGS].filter(([, setting]) => setting.places.some((place) => places.includes(place))),
  );
}

/** The top of a file. */
export const TOP: Scope = {
  settings: settingsAt("defaults", "agent"),
  others: [SERVICES, SCHEMA],
  misplaced: {
    why: "it is a setting of one service",
    next: `Write it in ${SERVICES}.NAME.`,
  },
};

/** The table of a service. */
export const SERVICE: Scope = {
  settings: settingsAt("service"),
  others: [],
  misplaced: {
    why: "it is no setting of a service, but of the agent as a whole",
    next:
      `Write it at the top: in TOML above the first line [${SERVICES}.NAME], in JSON beside "${SERVICES}".`,
  },
};

/**
 * Reads a table of settings.
 *
 * @param path The keys that lead to it.
 * @param problems Takes what is wrong.
 */
export function readStatements(
  { entries }: Table,
  path: readonly string[],
  scope: Scope,
  where: Where,
  problems: Problem[],
): Statements {
  const statements = new Map<string, Statement>();
  for (const [key, entry] of entries) {
    if (scope.others.includes(key)) continue;
    const at = [...path, key];
    const setting = scope.settings.get(key);
    if (setting === undefined) problems.push(unknownKey(key, at, entry.line, scope, mayHint(problems)));
    else {
      const texts = readEntry(setting, entry, at, where, problems);
      if (texts !== null) statements.set(key, { line: entry.line, texts });
    }
  }
  return statements;
}

function unknownKey(
  key: string,
  at: readonly string[],
  line: number,
  scope: Scope,
  hint: boolean,
): Problem {
  if (SETTINGS.has(key)) return { line, key: dotted(at), ...scope.misplaced };
  const known = hint ? [...scope.settings.keys(), ...scope.others] : [];
  const meant = closest(key, known) ?? underscored(key, known);
  return {
    line,
    key: dotted(at),
    why: "there is no such key",
    next: meant === null
      ? "docs/configuration.md, or `hail config schema`, has all keys."
      : `Did you mean ${meant}?`,
  };
}

/** Other programs write their keys with underscores, or with capitals. */
function underscored(key: string, known: readonly string[]): string | null {
  const dashed = key.replace(/_/g, "-").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return closest(dashed, known);
}

/** The texts that an entry says; null where something is wrong with it. */
function readEntry(
  setting: Setting<unknown>,
  { node, line }: Entry,
  at: readonly string[],
  where: Where,
  problems: Problem[],
): readonly string[] | null {
  const refuse = (why: string, next: string, place = line) =>
    problems.push({ line: place, key: dotted(at), why, next });
  const nodes = setting.form === "list" && node.kind === "list" ? node.items : [node];
  const texts: string[] = [];
  let good = true;
  for (const one of nodes) {
    const text = textOf(setting, one);
    const place = one === node ? line : one.line;
    if (text === null) {
      refuse(`${expected(setting)} is expected here, not ${describe(one)}`, howTo(setting), place);
      good = false;
    } else if (setting.form === "list" && !readable(setting, [text], where, place, refuse)) good = false;
    else texts.push(text);
  }
  return good && readable(setting, texts, where, line, refuse) ? texts : null;
}

function readable(
  setting: Setting<unknown>,
  texts: readonly string[],
  where: Where,
  line: number,
  refuse: (why: string, next: string, line: number) => void,
): boolean {
  try {
    setting.read(texts, where);
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Not every reader expects a URI.
    refuse(withoutUserInfo(error.message), error.next, line);
    return false;
  }
}

/** A value as the text that it would be on the command line; null where it is of another type. */
function textOf({ form, notation }: Setting<unknown>, node: Node): string | null {
  if (node.kind !== "scalar") return null;
  const { value } = node;
  if (form === "flag") return typeof value === "boolean" ? String(value) : null;
  if (typeof value === "number") return notation.bareNumber ? String(value) : null;
  return typeof value === "string" ? value : null;
}

function expected({ form, notation }: Setting<unknown>): string {
  if (form === "flag") return "true or false";
  const one = notation.bareNumber ? "a text or a number" : "a text";
  return form === "list" ? `${one}, or a list of such,` : one;
}

function howTo({ form, notation }: Setting<unknown>): string {
  if (form === "flag") return "Write true or false, without quotes.";
  return `Write ${notation.written}${notation.bareNumber ? "" : ", in quotes"}.`;
}

function describe(node: Node): string {
  if (node.kind === "table") return "a table";
  if (node.kind === "list") return "a list";
  if (typeof node.value === "string") return `the text ${shown(node.value.slice(0, 40))}`;
  return node.value === null ? node.what : `${node.what === "a number" ? "the number " : ""}${node.value}`;
}
