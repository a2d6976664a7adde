import assert from "node:assert/strict";
import { findProblems, type Import } from "../../scripts/layers.ts";

function modules(imports: Readonly<Record<string, readonly string[]>>): Map<string, Import[]> {
  return new Map(
    Object.entries(imports).map(([module, targets]) => [module, targets.map(toImport)]),
  );
}

/** `type X` imports the types of X; `npm X` the package X. */
function toImport(text: string): Import {
  const [kind, name] = text.includes(" ") ? text.split(" ") : ["module", text];
  return { target: name ?? "", kind: kind === "npm" ? "package" : "module", typeOnly: kind === "type" };
}

Deno.test("layers: imports downwards and within a folder are in order", () => {
  const graph = modules({
    "main.ts": ["lib/cli/hail.ts"],
    "lib/cli/hail.ts": ["lib/agent/loop.ts", "npm commander", "deno.json"],
    "deno.json": [],
    "lib/agent/loop.ts": ["lib/deployment/deployer.ts", "lib/nix/nix.ts"],
    "lib/deployment/deployer.ts": ["lib/deployment/ports.ts", "type lib/nix/store_path.ts"],
    "lib/deployment/ports.ts": ["lib/failure/failure.ts"],
    "lib/nix/nix.ts": ["type lib/deployment/ports.ts"],
    "lib/nix/store_path.ts": [],
    "lib/nix/nix_test.ts": ["lib/nix/nix.ts", "tests/support/command.ts", "npm fast-check"],
    "tests/support/command.ts": ["lib/agent/loop.ts"],
  });
  assert.deepEqual(findProblems(graph), []);
});

for (
  const [what, module, target] of [
    ["upwards", "lib/failure/failure.ts", "lib/time/clock.ts"],
    ["of an adapter by the domain", "lib/deployment/deployer.ts", "lib/nix/nix.ts"],
    ["of an adapter's code where types are allowed", "lib/nix/nix.ts", "lib/deployment/ports.ts"],
    ["of the command line", "lib/agent/loop.ts", "lib/cli/parse.ts"],
    ["of the agent by main.ts", "main.ts", "lib/agent/loop.ts"],
    ["of tests by the product", "lib/nix/nix.ts", "tests/support/stage.ts"],
    ["of scripts by the product", "lib/cli/hail.ts", "scripts/compile.ts"],
    ["of a test by a test", "tests/a_test.ts", "lib/nix/nix_test.ts"],
    ["of a package out of its place", "lib/agent/loop.ts", "npm valibot"],
    ["of a package for tests by the product", "lib/hydra/client.ts", "npm fast-check"],
    ["of a package that nobody knows", "lib/cli/hail.ts", "npm left-pad"],
  ] as const
) {
  Deno.test(`layers: an import ${what} is a problem`, () => {
    const name = target.replace(/^npm /, "");
    assert.deepEqual(findProblems(modules({ [module]: [target] })), [`${module} must not import ${name}`]);
  });
}

Deno.test("layers: a folder that the table lacks is a problem", () => {
  const problems = findProblems(modules({ "lib/helpers/all.ts": ["lib/failure/failure.ts"] }));
  assert.deepEqual(problems, ["lib/helpers/all.ts: its folder is not in the table of scripts/layers.ts"]);
});

Deno.test("layers: a circle is told once, also one of types", () => {
  const graph = modules({
    "lib/nix/a.ts": ["lib/nix/b.ts"],
    "lib/nix/b.ts": ["type lib/nix/c.ts"],
    "lib/nix/c.ts": ["lib/nix/a.ts", "lib/nix/d.ts"],
    "lib/nix/d.ts": [],
  });
  assert.deepEqual(findProblems(graph), [
    "a circle: lib/nix/a.ts -> lib/nix/b.ts -> lib/nix/c.ts -> lib/nix/a.ts",
  ]);
});
