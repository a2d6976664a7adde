/** Takes TOML apart. */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import {
  DEPTH_MAX,
  type Document,
  parserFailure,
  type Scalar,
  scalar,
  syntaxProblem,
  type Table,
} from "./document.ts";
import { dotted } from "./problem.ts";

/** What is being filled; at the end it is a {@linkcode Table}. */
type Draft = DraftTable | DraftList | Scalar;

interface DraftTable {
  readonly kind: "table";
  readonly line: number;
  readonly entries: Map<string, { readonly line: number; readonly node: Draft }>;
}

interface DraftList {
  readonly kind: "list";
  readonly line: number;
  readonly items: Draft[];
}

/** Takes a text in TOML 1.0 apart. */
export function parseToml(text: string): Document {
  try {
    return { root: build(parseTOML(text, { tomlVersion: "1.0.0" })), problems: [] };
  } catch (error) {
    if (error instanceof TooDeep) {
      return syntaxProblem(
        error.line,
        "a key has too many parts, or tables are nested too deeply",
        "Write it flatter.",
      );
    }
    if (!(error instanceof ParseError)) return parserFailure(error);
    const why = error.message === DUPLICATE
      ? duplicate(text, error.index)
      : `it is no TOML: ${lowered(error.message)}`;
    return syntaxProblem(lineOf(error, text), why, hint(why));
  }
}

/** Where the mistake is: where the library has stopped, unless that is behind a line that has no end, or no value. */
function lineOf({ message, lineNumber, index }: ParseError, text: string): number {
  const before = text.slice(0, index).replace(/(\s*\n[ \t]*#[^\n]*)*\s*$/, "");
  const isUnfinished = index >= text.length || before.endsWith("=") || message.endsWith("on the same line");
  return isUnfinished ? Math.max(before.split("\n").length, 1) : lineNumber;
}

/** What the library says of a key that is there twice, of which it tells only where it stands. */
const DUPLICATE = "Defining a key multiple times is invalid";

function duplicate(text: string, index: number): string {
  const [key] = /^[A-Za-z0-9_-]{1,100}/.exec(text.slice(index, index + 100)) ?? [];
  return key === undefined
    ? "a key or table is written twice"
    : `the key or table ${dotted([key])} is written twice`;
}

function hint(why: string): string {
  return why.endsWith("twice")
    ? "Write it once."
    : 'Texts stand in quotes, KEY = "VALUE"; a table begins with a line [services.NAME].';
}

function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

class TooDeep extends Error {
  readonly line: number;

  constructor(line: number) {
    super("too deep");
    this.line = line;
  }
}

function build({ body: [top] }: AST.TOMLProgram): Table {
  const root = newTable(1);
  for (const item of top.body) {
    if (item.type === "TOMLKeyValue") put(root, item, 0);
    else {
      const table = tableAt(root, item.resolvedKey, item.loc.start.line);
      for (const pair of item.body) put(table, pair, item.resolvedKey.length);
    }
  }
  return root;
}

/** Puts a pair of key and value into a table that lies so deep. */
function put(table: DraftTable, { key, value }: AST.TOMLKeyValue, depth: number) {
  const { line } = key.loc.start;
  const path = key.keys.map((part) => part.type === "TOMLBare" ? part.name : part.value);
  const last = path.pop() ?? "";
  tableAt(table, path, line).entries.set(last, { line, node: nodeOf(value, depth + path.length + 1) });
}

/** The table at a path, made where it is missing. A number is a place in a list. */
function tableAt(root: DraftTable, path: readonly (string | number)[], line: number): DraftTable {
  if (path.length > DEPTH_MAX) throw new TooDeep(line);
  let node: Draft = root;
  for (const [index, part] of path.entries()) {
    node = childOf(node, part, typeof path[index + 1] === "number" ? newList(line) : newTable(line));
  }
  return node.kind === "table" ? node : impossible();
}

/** What lies in a table or list under a key or number; `made`, where nothing does. */
function childOf(node: Draft, part: string | number, made: DraftTable | DraftList): Draft {
  if (node.kind === "list" && typeof part === "number") return node.items[part] ??= made;
  if (node.kind !== "table" || typeof part === "number") return impossible();
  const found = node.entries.get(part);
  if (found === undefined) node.entries.set(part, { line: made.line, node: made });
  return found?.node ?? made;
}

/** The library has seen to it that no path leads through something else. */
function impossible(): never {
  throw new TypeError("a path in TOML does not lead to a table");
}

function nodeOf(node: AST.TOMLContentNode, depth: number): Draft {
  const { line } = node.loc.start;
  if (depth > DEPTH_MAX) throw new TooDeep(line);
  switch (node.type) {
    case "TOMLArray":
      return { kind: "list", line, items: node.elements.map((element) => nodeOf(element, depth + 1)) };
    case "TOMLInlineTable": {
      const table = newTable(line);
      for (const pair of node.body) put(table, pair, depth);
      return table;
    }
    case "TOMLValue":
      return node.value instanceof Date ? scalar(line, null, "a date or time") : scalar(line, node.value);
  }
}

function newTable(line: number): DraftTable {
  return { kind: "table", line, entries: new Map() };
}

function newList(line: number): DraftList {
  return { kind: "list", line, items: [] };
}
