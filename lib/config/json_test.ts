import assert from "node:assert/strict";
import { parseJson } from "./json.ts";

function problems(text: string): string[] {
  return parseJson(text).problems.map(({ line, key, why }) => `${line} ${key}: ${why}`);
}

Deno.test("JSON: values with the lines of their keys", () => {
  const { root, problems } = parseJson('{\n"a": "t",\n"s": {"web": {\n"b": [1,\n2.5, true]}}\n}');
  assert.deepEqual(problems, []);
  assert.deepEqual(root, {
    kind: "table",
    line: 1,
    entries: new Map([
      ["a", { line: 2, node: { kind: "scalar", line: 2, value: "t", what: "a text" } }],
      ["s", {
        line: 3,
        node: {
          kind: "table",
          line: 3,
          entries: new Map([["web", {
            line: 3,
            node: {
              kind: "table",
              line: 3,
              entries: new Map([["b", {
                line: 4,
                node: {
                  kind: "list",
                  line: 4,
                  items: [
                    { kind: "scalar", line: 4, value: 1, what: "a number" },
                    { kind: "scalar", line: 5, value: 2.5, what: "a number" },
                    { kind: "scalar", line: 5, value: true, what: "true or false" },
                  ],
                },
              }]]),
            },
          }]]),
        },
      }],
    ]),
  });
});

Deno.test("JSON: what no setting is made of is told apart", () => {
  const { root } = parseJson('{"a": null, "b": 1e999}');
  const whats = [...root?.entries.values() ?? []].map(({ node }) => node.kind === "scalar" && node.what);
  assert.deepEqual(whats, ["null", "no finite number"]);
});

Deno.test("JSON: every key that is written twice is told of", () => {
  assert.deepEqual(problems('{"a": 1,\n"a": 2, "s": {"w x": {"b": 1,\n"b": 1}},\n"a": 3}'), [
    "2 a: it is written twice",
    '3 s."w x".b: it is written twice',
    "4 a: it is written twice",
  ]);
});

Deno.test("JSON: names that mean something to JavaScript are names like any other", () => {
  const { root } = parseJson('{"__proto__": {"x": 1}, "constructor": 1}');
  assert.deepEqual([...root?.entries.keys() ?? []], ["__proto__", "constructor"]);
  assert.equal(Reflect.get({}, "x"), undefined);
});

const MEGABYTE = 1024 * 1024;

for (
  const [text, says] of [
    ["", /^1 null: it is no JSON: unexpected end of input found$/],
    ["{} x", /^1 null: it is no JSON: /],
    ['{"a": 1,\n}', /^2 null: it is no JSON: unexpected '}' found$/],
    ['{"a": 1} // x', /^1 null: it is no JSON: /],
    ['{"a": NaN}', /^1 null: it is no JSON: /],
    ["{'a': 1}", /^1 null: it is no JSON: /],
    ["{a: 1}", /^1 null: it is no JSON: /],
    ["[]", /^1 null: it is an array and no object$/],
    ['"text"', /^1 null: it is a text and no object$/],
    ["null", /^1 null: it is null and no object$/],
    [`${'{"a":'.repeat(30)}1${"}".repeat(30)}`, /nested too deeply/],
    ["[".repeat(MEGABYTE), /nested too deeply/],
    ['{"a":'.repeat(MEGABYTE / 5), /nested too deeply/],
    [`{"a":${"[".repeat(MEGABYTE / 2 - 4)}${"]".repeat(MEGABYTE / 2 - 4)}}`, /nested too deeply/],
  ] as const
) {
  Deno.test(`JSON: wrong syntax has a line: ${JSON.stringify(text.slice(0, 30))}`, () => {
    const found = parseJson(text);
    assert.equal(found.root, null);
    assert.match(problems(text).join("\n"), says);
  });
}
