import assert from "node:assert/strict";
import type { Document, Node } from "./document.ts";
import { parseToml } from "./toml.ts";

/** The same without lines. */
function plain(node: Node | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === "scalar") return node.value ?? node.what;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node)]));
}

function read(text: string): unknown {
  const { root, problems } = parseToml(text);
  assert.deepEqual(problems, []);
  return plain(root ?? undefined);
}

function problem({ root, problems }: Document): string {
  assert.equal(root, null);
  const [one, ...more] = problems;
  assert.ok(one !== undefined && more.length === 0 && one.next !== "");
  return `${one.line} ${one.why}`;
}

Deno.test("TOML: values, tables and dotted keys", () => {
  assert.deepEqual(
    read(`
      a = "text"
      b = 'it''
      c.d."e f" = [1, 2.5, [true]]
      [s.web]
      x = { y = 1, z.w = "v" }
      [s]
      own = """
many
lines"""
      [[list]]
      n = 1
      [list.sub]
      m = 2
      [[list]]
    `.replace("'it''", "'it'")),
    {
      a: "text",
      b: "it",
      c: { d: { "e f": [1, 2.5, [true]] } },
      s: { web: { x: { y: 1, z: { w: "v" } } }, own: "many\nlines" },
      list: [{ n: 1, sub: { m: 2 } }, {}],
    },
  );
  assert.deepEqual(read(""), {});
  assert.deepEqual(read("a = 1\r\n# comment\r\n[b]\r\nc = 2\r\n"), { a: 1, b: { c: 2 } });
});

Deno.test("TOML: what no setting is made of is told apart", () => {
  assert.deepEqual(read("a = 1979-05-27\nb = 07:32:00\nc = nan\nd = -inf\ne = 0x10"), {
    a: "a date or time",
    b: "a date or time",
    c: "no finite number",
    d: "no finite number",
    e: 16,
  });
});

Deno.test("TOML: keys stand where their line is", () => {
  const { root } = parseToml('a = 1\n\n[s.web]\nx = [\n  1,\n  2,\n]\ny.z = "v"\n');
  const lines: [string, number, number][] = [];
  const walk = (path: string, node: Node) => {
    if (node.kind !== "table") return;
    for (const [key, entry] of node.entries) {
      lines.push([`${path}${key}`, entry.line, entry.node.line]);
      walk(`${path}${key}.`, entry.node);
    }
  };
  assert.ok(root !== null);
  walk("", root);
  assert.deepEqual(lines, [
    ["a", 1, 1],
    ["s", 3, 3],
    ["s.web", 3, 3],
    ["s.web.x", 4, 4],
    ["s.web.y", 8, 8],
    ["s.web.y.z", 8, 8],
  ]);
  const x = root.entries.get("s")?.node;
  const web = x?.kind === "table" ? x.entries.get("web")?.node : undefined;
  const list = web?.kind === "table" ? web.entries.get("x")?.node : undefined;
  assert.deepEqual(list?.kind === "list" ? list.items.map(({ line }) => line) : [], [5, 6]);
});

Deno.test("TOML: names that mean something to JavaScript are names like any other", () => {
  const { root } = parseToml('__proto__.x = 1\nconstructor = "c"\n[toString]\nprototype = 2');
  assert.ok(root !== null);
  assert.deepEqual([...root.entries.keys()], ["__proto__", "constructor", "toString"]);
  assert.equal(Reflect.get({}, "x"), undefined);
});

for (
  const [text, says] of [
    ["a = 1\na = 2", /^2 the key or table a is written twice$/],
    ["[s.web]\n[s.web]", /^2 the key or table web is written twice$/],
    ['"a b" = 1\n"a b" = 2', /^2 a key or table is written twice$/],
    ["a =", /^1 it is no TOML: unspecified values are invalid/],
    ["\na = text", /^2 it is no TOML: unexpected character/],
    ["a = 1 b = 2", /^1 it is no TOML: must be a newline/],
    ["a = 1\rb = 2", /^1 it is no TOML: /],
    ['a = "\0"', /^1 it is no TOML: control characters/],
    ['a = "open', /^1 it is no TOML: unterminated string/],
    ["\ufeffa = 1", /^1 it is no TOML: /],
    ["services: {}", /^1 it is no TOML: /],
    [`a${".a".repeat(30)} = 1`, /^1 a key has too many parts/],
    [`\n[a${".a".repeat(30)}]`, /^2 a key has too many parts/],
    [`a = ${"[".repeat(30)}${"]".repeat(30)}`, /^1 .*nested too deeply/],
    [`a = ${"{a=".repeat(30)}1${"}".repeat(30)}`, /^1 .*nested too deeply/],
  ] as const
) {
  Deno.test(`TOML: wrong syntax has a line: ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.match(problem(parseToml(text)), says);
  });
}

const MEGABYTE = 1024 * 1024;
/** A parser needs the longer for what is deep. */
const DEEP = MEGABYTE / 4;

// A parser that calls itself, or looks at a text again and again, would not come to an end, or take hail with it.
for (
  const [what, text] of [
    ["open lists", `a=${"[".repeat(DEEP)}`],
    ["lists in lists", `a=${"[".repeat(DEEP / 2)}${"]".repeat(DEEP / 2)}`],
    ["open tables", `a=${"{a=".repeat(DEEP / 3)}`],
    ["a long number", `a=${"1".repeat(MEGABYTE - 2)}`],
    ["a deep header", `[a${".a".repeat(DEEP / 2)}]`],
    ["a deep key", `a${".a".repeat(DEEP / 2)}=1`],
  ] as const
) {
  Deno.test(`TOML: a lot of it is refused, and not more: ${what}`, () => {
    assert.match(problem(parseToml(text)), /too deeply|too many parts|too long|no TOML/);
  });
}

for (
  const [what, text] of [
    ["a long text", `a="${"x".repeat(MEGABYTE - 4)}"`],
    ["a comment", "#".repeat(MEGABYTE)],
    ["empty lines", "\n".repeat(MEGABYTE)],
    ["blanks", " ".repeat(MEGABYTE)],
    ["a long key", `${"k".repeat(MEGABYTE - 2)}=1`],
    ["keys", Array.from({ length: 80_000 }, (_, index) => `k${index}=1\n`).join("")],
  ] as const
) {
  Deno.test(`TOML: a megabyte of it is read or refused, but it ends: ${what}`, () => {
    const { root, problems } = parseToml(text);
    assert.equal(root === null, problems.length > 0);
  });
}

for (
  const [text, line] of [
    ["[services.a\nx = 1\n", 1],
    ["a = 1\nb =\n", 2],
    ["a = 1\nb =\n\n\nc = 2\n", 2],
    ["a = 1\nb =\n# c\n\n # d\nc = 2\n", 2],
    ["a = 1\n%b = 1\n", 2],
    ["a = [1,\n2\nb = 3\n", 3],
    ["a = 'x\nb = 1\n", 1],
  ] as const
) {
  Deno.test(`TOML: a mistake is told with the line that it is on: ${JSON.stringify(text)}`, () => {
    assert.equal(parseToml(text).problems[0]?.line, line);
  });
}
