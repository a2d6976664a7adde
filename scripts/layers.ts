/**
 * Checks that imports point one way: which folder may import which, no circles, and each package in its place.
 * `deno run -A scripts/layers.ts` prints what is wrong; its exit status is 1 if anything is.
 *
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** What every module of `lib/` may import. */
const GROUND = ["lib/failure/", "lib/time/", "lib/report/"];
/** An adapter knows what it is asked for, but not who asks. */
const PORTS = ["type lib/deployment/ports.ts", "lib/nix/store_path.ts"];

/**
 * What the modules of a folder may import besides each other: folders, single files, or the types of a file. The lowest
 * layer comes first. A folder of `lib/` that is missing here may not exist.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "lib/failure/": [],
  "lib/time/": ["lib/failure/"],
  "lib/report/": ["lib/failure/"],
  // How people write things down, and what they may have meant.
  "lib/text/": GROUND,
  // The domain: of the world outside it knows the store path, and no more.
  "lib/deployment/": [...GROUND, "type lib/nix/store_path.ts"],
  "lib/process/": GROUND,
  "lib/netrc/": GROUND,
  "lib/hydra/": [...GROUND, ...PORTS, "type lib/gates/evaluations.ts"],
  "lib/nix/": [...GROUND, ...PORTS, "lib/process/"],
  "lib/systemd/": [...GROUND, ...PORTS, "lib/process/"],
  "lib/activation/": [...GROUND, ...PORTS, "lib/process/", "lib/systemd/unit_state.ts"],
  "lib/health/": [...GROUND, ...PORTS, "lib/text/", "lib/process/", "lib/systemd/unit_state.ts"],
  "lib/gates/": [...GROUND, ...PORTS, "type lib/deployment/record.ts", "lib/text/", "lib/process/"],
  // What hail is told: values that every other room reads.
  "lib/settings/": [
    ...GROUND,
    ...["lib/text/", "lib/gates/", "lib/health/", "lib/hydra/", "lib/nix/"],
    ...["lib/journal/state_folder.ts", "type lib/deployment/decision.ts"],
  ],
  // The file that an agent is told by.
  "lib/config/": [...GROUND, "lib/text/", "lib/settings/", "lib/netrc/secret_file.ts"],
  // The word from outside that there is something new.
  "lib/wake/": [...GROUND, "lib/netrc/secret_file.ts"],
  // It keeps the domain's record, so it knows its shape.
  "lib/journal/": [
    ...GROUND,
    ...PORTS,
    ...["lib/deployment/record.ts", "lib/deployment/machine.ts", "type lib/deployment/build.ts"],
    "lib/netrc/secret_file.ts",
  ],
  "lib/control/": [
    ...GROUND,
    "lib/nix/store_path.ts",
    ...["type lib/deployment/operator.ts", "type lib/deployment/record.ts"],
  ],
  "lib/agent/": [
    ...GROUND,
    ...[
      "lib/deployment/",
      "lib/process/",
      "lib/netrc/",
      "lib/hydra/",
      "lib/nix/",
      "lib/activation/",
      "lib/systemd/",
      "lib/health/",
      "lib/gates/",
      "lib/journal/",
      "lib/control/",
      "lib/settings/",
      "lib/wake/",
    ],
  ],
  "lib/cli/": [
    ...GROUND,
    "lib/agent/",
    ...["lib/process/", "lib/netrc/", "lib/hydra/", "lib/nix/", "lib/systemd/"],
    ...["lib/deployment/", "lib/health/", "lib/gates/", "lib/journal/", "lib/control/"],
    ...["lib/text/", "lib/settings/", "lib/config/", "lib/wake/"],
    // The version.
    "deno.json",
  ],
  "main.ts": [...GROUND, "lib/cli/"],
};

/** Outside of the product everything may be imported, but for tests. */
const OUTSIDE = ["tests/", "scripts/", "bench/"];

/** Where a package may be used. Tests may use any. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@internationalized/date": ["lib/gates/"],
  "@logtape/logtape": ["lib/report/"],
  "@humanwhocodes/momoa": ["lib/config/json.ts"],
  "toml-eslint-parser": ["lib/config/toml.ts"],
  "commander": ["lib/cli/"],
  "@bomb.sh/tab": ["lib/cli/"],
  "valibot": ["lib/hydra/", "lib/journal/", "lib/control/", "lib/settings/", "lib/wake/"],
  "fast-check": [],
};

/** One import of a module. */
export interface Import {
  /** The path of the other module in the repository, or the name of a package. */
  readonly target: string;
  readonly kind: "module" | "package";
  /** Whether nothing of it is left when the program runs. */
  readonly typeOnly: boolean;
}

/** The imports of each module, by its path in the repository. */
export type Graph = ReadonlyMap<string, readonly Import[]>;

/** Says what is wrong with the imports, one sentence each. */
export function findProblems(graph: Graph): string[] {
  const problems: string[] = [];
  for (const [module, imports] of graph) {
    if (folderOf(module) === null) {
      problems.push(`${module}: its folder is not in the table of scripts/layers.ts`);
    }
    for (const { target, kind, typeOnly } of imports) {
      const allowed = kind === "package" ? mayUse(module, target) : mayImport(module, target, typeOnly);
      if (!allowed) problems.push(`${module} must not import ${target}`);
    }
  }
  return [...problems, ...findCircles(graph).map((circle) => `a circle: ${circle.join(" -> ")}`)];
}

function mayImport(module: string, target: string, typeOnly: boolean): boolean {
  if (isTest(target)) return false;
  if (isOutside(module)) return true;
  const folder = folderOf(module);
  if (folder === null) return true; // A problem of its own, told once.
  // A unit test stands in the folder that it tests, and may use what all tests share.
  if (isTest(module) && target.startsWith("tests/")) return true;
  return [folder, ...LAYERS[folder] ?? []].some((entry) => {
    if (entry.startsWith("type ")) return typeOnly && entry === `type ${target}`;
    return entry.endsWith("/") ? target.startsWith(entry) : target === entry;
  });
}

function mayUse(module: string, name: string): boolean {
  return isTest(module) || isOutside(module) ||
    (PACKAGES[name] ?? []).some((folder) => module.startsWith(folder));
}

function isTest(module: string): boolean {
  return module.endsWith("_test.ts");
}

function isOutside(module: string): boolean {
  return OUTSIDE.some((folder) => module.startsWith(folder));
}

/** The entry of the table, or the folder outside of it, that a module belongs to. */
function folderOf(module: string): string | null {
  const entries = [...Object.keys(LAYERS), ...OUTSIDE, "deno.json"];
  return entries.find((entry) => entry.endsWith("/") ? module.startsWith(entry) : module === entry) ?? null;
}

/** Each circle once, beginning with the module that comes first in it. Imports of types count, too. */
function findCircles(graph: Graph): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (module: string, path: readonly string[]) => {
    const start = path.indexOf(module);
    if (start >= 0) circles.push([...path.slice(start), module]);
    if (start >= 0 || done.has(module)) return;
    for (const { target, kind } of graph.get(module) ?? []) {
      if (kind === "module") visit(target, [...path, module]);
    }
    done.add(module);
  };
  for (const module of graph.keys()) visit(module, []);
  return circles;
}

/** Every module of the repository, by its path. */
export async function repositoryModules(): Promise<string[]> {
  const modules: string[] = [];
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(REPOSITORY + folder)) {
      if (entry.isDirectory) await walk(`${folder}${entry.name}/`);
      else if (entry.name.endsWith(".ts")) modules.push(`${folder}${entry.name}`);
    }
  };
  for (const folder of ["lib/", "tests/", "scripts/", "bench/"]) await walk(folder);
  return ["main.ts", ...modules.toSorted()];
}

/** The parts of the answer of `deno info --json` that are used here. */
interface ModuleInfo {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/** Asks Deno for the imports of all modules at once, by a module that imports them all. */
async function readGraph(): Promise<Graph> {
  const modules = await repositoryModules();
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const imports = modules.map((module) =>
      `import ${JSON.stringify(pathToFileURL(REPOSITORY + module).href)};\n`
    );
    await Deno.writeTextFile(entry, imports.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${REPOSITORY}deno.json`, entry],
      stdin: "null",
    }).output();
    if (!success) throw new Error(`deno info: ${new TextDecoder().decode(stderr)}`);
    const info: ModuleInfo = JSON.parse(new TextDecoder().decode(stdout));
    return toGraph(info, pathToFileURL(entry).href);
  } finally {
    await Deno.remove(entry);
  }
}

function toGraph(info: ModuleInfo, entry: string): Graph {
  const graph = new Map<string, Import[]>();
  for (const { specifier, error, dependencies } of info.modules) {
    if (!specifier.startsWith("file:") || specifier === entry) continue;
    if (error !== undefined) throw new Error(error);
    const imports = (dependencies ?? []).flatMap(({ code, type }) => {
      const target = toTarget(code?.specifier ?? type?.specifier ?? "");
      return target === null ? [] : [{ ...target, typeOnly: code === undefined }];
    });
    graph.set(relative(REPOSITORY, fileURLToPath(specifier)), imports);
  }
  return graph;
}

/** What a resolved specifier is to this check; null for what is built in. */
function toTarget(specifier: string): Pick<Import, "target" | "kind"> | null {
  if (specifier.startsWith("node:")) return null;
  if (specifier.startsWith("file:")) {
    return { target: relative(REPOSITORY, fileURLToPath(specifier)), kind: "module" };
  }
  const name = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)/.exec(specifier)?.[1];
  return { target: name ?? specifier, kind: "package" };
}

if (import.meta.main) {
  const problems = findProblems(await readGraph());
  for (const problem of problems) Deno.stderr.writeSync(new TextEncoder().encode(`layers: ${problem}\n`));
  if (problems.length > 0) Deno.exit(1);
}
