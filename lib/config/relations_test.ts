import assert from "node:assert/strict";
import fc from "fast-check";
import type { Problem } from "./problem.ts";
import { findContradictions, type Neighbour } from "./relations.ts";

interface Facts {
  readonly after?: readonly string[];
  readonly renamedFrom?: string;
  readonly profile?: string;
}

function contradictions(services: Readonly<Record<string, Facts>>): string[] {
  const neighbours = Object.entries(services).map(([name, facts], index): Neighbour => ({
    name,
    profile: { path: facts.profile ?? `/p/${name}`, line: index },
    after: facts.after === undefined ? null : { line: index, texts: facts.after },
    renamedFrom: facts.renamedFrom === undefined ? null : { line: index, texts: [facts.renamedFrom] },
  }));
  const problems: Problem[] = [];
  findContradictions(neighbours, problems);
  return problems.map(({ line, key, why }) => `${line} ${key}: ${why}`);
}

Deno.test("relations: services in order, with profiles and names of their own", () => {
  assert.deepEqual(
    contradictions({
      web: { after: ["api", "db"], renamedFrom: "front" },
      api: { after: ["db"], renamedFrom: "back" },
      db: {},
    }),
    [],
  );
});

Deno.test("relations: a circle is told once, with all that are in it", () => {
  assert.deepEqual(
    contradictions({ x: { after: ["a"] }, a: { after: ["b"] }, b: { after: ["c"] }, c: { after: ["a"] } }),
    ["1 services.a.after: services wait for each other: a -> b -> c -> a"],
  );
  assert.deepEqual(contradictions({ a: { after: ["b"] }, b: { after: ["a"] }, c: { after: ["a", "b"] } }), [
    "0 services.a.after: services wait for each other: a -> b -> a",
  ]);
});

Deno.test("relations: of a long circle only the beginning is shown", () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `s${index}`);
  const services = Object.fromEntries(
    names.map((name, index) => [name, { after: [names[(index + 1) % names.length] ?? ""] }]),
  );
  const [found, ...more] = contradictions(services);
  assert.match(found ?? "", /s0 -> s1 -> .* -> s9 -> \.\.\. -> s0$/);
  assert.deepEqual(more, []);
});

Deno.test("relations: a profile has one service", () => {
  assert.deepEqual(contradictions({ a: { profile: "/p/x" }, b: {}, c: { profile: "/p/x" } }), [
    "2 services.c.profile: /p/x is the profile of services.a already",
  ]);
});

Deno.test("relations: a rename leads from a name that is gone, to one service", () => {
  assert.deepEqual(
    contradictions({
      a: { renamedFrom: "b" },
      b: {},
      c: { renamedFrom: "old" },
      d: { renamedFrom: "old" },
      e: { renamedFrom: "e" },
    }),
    [
      "0 services.a.renamed-from: there still is a service b",
      "3 services.d.renamed-from: services.c was renamed from old already",
      "4 services.e.renamed-from: it is the service's own name",
    ],
  );
});

Deno.test("relations: a circle is told exactly where there is one", () => {
  const services = fc.array(fc.array(fc.nat(7), { maxLength: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(services, (edges) => {
    const found = contradictions(Object.fromEntries(edges.map((targets, index) => [
      `s${index}`,
      {
        after: targets.filter((target) => target < edges.length && target !== index).map((one) => `s${one}`),
      },
    ])));
    // Whoever waits for nobody that is left goes, until nobody goes any more.
    let left = edges.map((_, index) => index);
    for (let before = -1; before !== left.length;) {
      before = left.length;
      const still = new Set(left);
      left = left.filter((index) => edges[index]?.some((target) => target !== index && still.has(target)));
    }
    assert.equal(found.length > 0, left.length > 0);
    for (const problem of found) {
      const [, circle = ""] = /each other: (.*)$/.exec(problem) ?? [];
      const names = circle.split(" -> ");
      assert.equal(names[0], names.at(-1));
      for (const [index, name] of names.slice(0, -1).entries()) {
        assert.ok(edges[Number(name.slice(1))]?.some((target) => `s${target}` === names[index + 1]));
      }
    }
  }));
});
