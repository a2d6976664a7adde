/** Takes JSON apart. */
import { parse } from "@humanwhocodes/momoa";
import {
  DEPTH_MAX,
  type Document,
  type Entry,
  type Node,
  parserFailure,
  scalar,
  syntaxProblem,
} from "./document.ts";
import { dotted, type Problem } from "./problem.ts";

type JsonNode = ReturnType<typeof parse>["body"];

/** Takes a text in JSON apart. */
export function parseJson(text: string): Document {
  let body: JsonNode;
  try {
    ({ body } = parse(text));
  } catch (error) {
    return syntaxError(error);
  }
  const problems: Problem[] = [];
  const root = nodeOf(body, [], problems);
  if (root === null) {
    return syntaxProblem(null, "objects and arrays are nested too deeply", "Write it flatter.");
  }
  if (root.kind !== "table") {
    return syntaxProblem(
      root.line,
      `it is ${describe(root)} and no object`,
      'Begin with { "services": { ... } }.',
    );
  }
  return { root, problems };
}

function describe(node: Node): string {
  return node.kind === "scalar" ? node.what : "an array";
}

/** What the library's names for tokens stand for. */
const TOKENS: Readonly<Record<string, string>> = {
  ...{ LBrace: "'{'", RBrace: "'}'", LBracket: "'['", RBracket: "']'", Colon: "':'", Comma: "','" },
  String: "text",
};

function syntaxError(error: unknown): Document {
  // The library's errors are plain ones that have a place.
  if (!(error instanceof Error) || !("line" in error) || typeof error.line !== "number") {
    return parserFailure(error);
  }
  const what = error.message.replace(/ \([0-9]+:[0-9]+\)$/, "").replace(/\.$/, "")
    .replace(/token (\w+) found$/, (_, token: string) => `${TOKENS[token] ?? token.toLowerCase()} found`);
  return syntaxProblem(
    error.line,
    `it is no JSON: ${what.charAt(0).toLowerCase()}${what.slice(1)}`,
    "JSON has no comments, and no comma behind the last value.",
  );
}

/** The same in our terms; null where it is too deep. */
function nodeOf(node: JsonNode, path: readonly string[], problems: Problem[]): Node | null {
  const { line } = node.loc.start;
  if (path.length > DEPTH_MAX) return null;
  switch (node.type) {
    case "Object": {
      const entries = new Map<string, Entry>();
      for (const { name, value } of node.members) {
        const key = name.type === "String" ? name.value : name.name;
        const at = [...path, key];
        if (entries.has(key)) {
          problems.push({
            line: name.loc.start.line,
            key: dotted(at),
            why: "it is written twice",
            next: "Write it once.",
          });
          continue;
        }
        const made = nodeOf(value, at, problems);
        if (made === null) return null;
        entries.set(key, { line: name.loc.start.line, node: made });
      }
      return { kind: "table", line, entries };
    }
    case "Array": {
      const items: Node[] = [];
      for (const [index, { value }] of node.elements.entries()) {
        const made = nodeOf(value, [...path, String(index)], problems);
        if (made === null) return null;
        items.push(made);
      }
      return { kind: "list", line, items };
    }
    case "String":
    case "Number":
    case "Boolean":
      return scalar(line, node.value);
    case "Null":
      return scalar(line, null, "null");
    case "NaN":
    case "Infinity":
      // Not in JSON, only in what else the library reads.
      return scalar(line, null, "no finite number");
  }
}
