/**
 * Runs the tests: `deno task test [SUITE...]`. The suites are `static`, `unit`, `lts`, `nix` and `systemd`; all of
 * them unless some are named. `lts` is `unit` on the long-term-support line of Deno. What a suite needs is installed or
 * fetched first, as root.
 *
 * Files of tests run side by side, in processes of their own, since some of them change what all of a process shares, such
 * as its environment. What a process says is shown when it has ended.
 *
 * What failed is named once more at the end. The last line is `N passed, N failed`. The exit status is 0 only if something
 * passed and nothing failed.
 *
 * @module
 */

import { hailExecutable } from "../tests/support/executable.ts";
import { ensurePackages } from "./debian.ts";
import { repositoryModules } from "./layers.ts";
import { runProgram, runQuietly } from "./run_program.ts";
import { sideBySide } from "./side_by_side.ts";
import { inGroups, testFiles } from "./test_files.ts";
import { countTests, fault, NOTHING, plus, type Tally } from "./tally.ts";

/**
 * How many processes run tests at once, on two processors: fast tests wait for more than half of their time; of the end-to-end tests
 * some measure time, and start many programs themselves.
 */
const AT_ONCE = { fast: 5, endToEnd: 2 };

/** How many files of fast tests share a process, which takes a while to start. */
const FAST_FILES = 16;

/** A test that leaves something open or under way fails. The long-term-support line looks for that by itself. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources"];

/** The newest version of the long-term-support line. */
const LTS_VERSION = "2.5.7";

const END_TO_END = ["nix", "systemd"] as const;
type EndToEnd = (typeof END_TO_END)[number];
const SUITES = ["static", "unit", "lts", ...END_TO_END] as const;
type Suite = (typeof SUITES)[number];

/** What came of a suite. */
interface Outcome {
  readonly suite: Suite;
  readonly tally: Tally;
  readonly milliseconds: number;
}

/** What Debian must have for the suites that run on a real Nix or a real systemd. */
const PACKAGES: Readonly<Record<EndToEnd, readonly string[]>> = {
  nix: ["zstd", "patchelf", "libfaketime", "ca-certificates", "python3"],
  systemd: ["systemd-container", "mmdebstrap", "zstd", "patchelf", "iproute2", "ca-certificates"],
};

async function runStatic(): Promise<Tally> {
  const modules = await repositoryModules();
  const gates: Record<string, string[]> = {
    "fmt": ["fmt", "--check"],
    "lint": ["lint"],
    "check": ["check", ...modules],
    "layers": ["run", "-A", "scripts/layers.ts"],
  };
  let tally = NOTHING;
  for (const [name, args] of Object.entries(gates)) {
    const ok = await runProgram(Deno.execPath(), args);
    say(`static: ${name} ${ok ? "ok" : "FAILED"}`);
    tally = plus(tally, ok ? { ...NOTHING, passed: 1 } : fault(`deno ${args.join(" ")}`));
  }
  return tally;
}

/** How `deno test` is run. */
interface TestRun {
  readonly files: readonly string[];
  /** @default This Deno. */
  readonly deno?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `deno test` and counts from its report, for its own summary leaves out what broke before it began. */
async function denoTest({ files, deno = Deno.execPath(), args = [], env = {} }: TestRun): Promise<Tally> {
  const report = await Deno.makeTempFile({ prefix: "hail-junit-" });
  try {
    // The types are the business of `static`.
    const words = ["test", "-A", "--quiet", "--no-check", `--junit-path=${report}`, ...args, ...files];
    const ok = await runQuietly(deno, words, env);
    const tally = countTests(await Deno.readTextFile(report));
    return ok || tally.failed > 0 ? tally : plus(tally, fault(`deno test ${files.join(" ")}`));
  } finally {
    await Deno.remove(report);
  }
}

/** Runs groups of files side by side, each in a process of its own. The result tells of each when it began and ended. */
async function runGroups(width: number, groups: readonly string[][], how: Omit<TestRun, "files"> = {}) {
  const done = await sideBySide(width, groups.map((files) => () => denoTest({ files, ...how })));
  for (const [index, { result }] of done.entries()) {
    if (result.failed > 0) say(`FAILED, in one of these: ${groups[index]?.join(" ")}`);
  }
  return done;
}

async function runFast(how: Omit<TestRun, "files">): Promise<Tally> {
  const done = await runGroups(AT_ONCE.fast, inGroups((await testFiles()).fast, FAST_FILES), how);
  return done.map(({ result }) => result).reduce(plus, NOTHING);
}

/** Runs the fast tests on the long-term-support line of Deno, which npm brings. */
async function runLts(): Promise<Tally> {
  const { success, stdout } = await new Deno.Command("npx", {
    args: ["--yes", `deno@${LTS_VERSION}`, "eval", "console.log(Deno.execPath())"],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Deno ${LTS_VERSION} is not to be had from npm`);
  // This line trusts the certificates of the system only where it is told to.
  const env = { DENO_TLS_CA_STORE: "system" };
  return await runFast({ deno: new TextDecoder().decode(stdout).trim(), env });
}

/** Runs end-to-end tests on the compiled hail. */
async function runEndToEnd(
  suites: readonly EndToEnd[],
  prepared: Promise<void>,
): Promise<readonly Outcome[]> {
  await prepared;
  await hailExecutable();
  const files = await testFiles();
  const groups = inGroups(suites.flatMap((suite) => files[suite]), 1);
  try {
    const done = await runGroups(AT_ONCE.endToEnd, groups);
    return suites.map((suite) => {
      const own = done.filter((_, index) => files[suite].includes(groups[index]?.[0] ?? ""));
      return {
        suite,
        tally: own.map(({ result }) => result).reduce(plus, NOTHING),
        milliseconds: Math.max(...own.map(({ ended }) => ended)) - Math.min(...own.map(({ begun }) => begun)),
      };
    });
  } finally {
    // A run that was stopped leaves its containers behind.
    if (suites.includes("systemd")) await runProgram("scripts/stage", ["sweep"]);
  }
}

/** Installs and fetches what the suites need. It may go on while other suites run. */
async function prepare(suites: ReadonlySet<Suite>): Promise<void> {
  const wanted = END_TO_END.filter((suite) => suites.has(suite));
  if (wanted.length === 0) return;
  if (Deno.uid() !== 0) throw new Error(`the suites ${wanted.join(" and ")} need root; the others do not`);
  await ensurePackages({
    packages: [...new Set(wanted.flatMap((suite) => PACKAGES[suite]))],
    purpose: "the end-to-end tests",
  });
  const fetched = [runProgram("scripts/nixtrees", ["get"])];
  if (suites.has("systemd")) {
    fetched.push(runProgram("scripts/stage", ["image", "bookworm", "trixie", "sid"]));
  }
  if ((await Promise.all(fetched)).includes(false)) {
    throw new Error("what the end-to-end tests need is missing");
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function isSuite(name: string): name is Suite {
  return (SUITES as readonly string[]).includes(name);
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((name) => !isSuite(name));
  if (unknown !== undefined) {
    say(`unknown suite '${unknown}'; there are ${SUITES.join(", ")}`);
    return 2;
  }
  const suites = new Set<Suite>(args.length === 0 ? SUITES : args.filter(isSuite));
  const prepared = prepare(suites);
  // Whoever waits for it will see the failure; until then it must not end this process.
  prepared.catch(() => {});
  // After the preparations, for those take all the processors, and some of these tests measure time.
  const fast: readonly [suite: Suite, work: () => Promise<Tally>][] = [
    ["static", runStatic],
    ["unit", () => prepared.catch(() => {}).then(() => runFast({ args: SANITIZERS }))],
    ["lts", () => prepared.catch(() => {}).then(runLts)],
  ];
  const outcomes: Outcome[] = [];
  for (const [suite, work] of fast) {
    if (!suites.has(suite)) continue;
    const begun = performance.now();
    const tally = await work().catch((error) => broken(suite, error));
    outcomes.push({ suite, tally, milliseconds: performance.now() - begun });
  }
  const endToEnd = END_TO_END.filter((suite) => suites.has(suite));
  if (endToEnd.length > 0) {
    outcomes.push(
      ...await runEndToEnd(endToEnd, prepared).catch((error) =>
        endToEnd.map((suite) => ({ suite, tally: broken(suite, error), milliseconds: 0 }))
      ),
    );
  }
  const summary = outcomes.map(({ suite, tally: { passed, failed }, milliseconds }) =>
    `${suite.padEnd(8)} ${passed} passed, ${failed} failed, ${Math.round(milliseconds / 1000)} s`
  );
  const total = outcomes.map(({ tally }) => tally).reduce(plus, NOTHING);
  say(
    [
      "",
      ...total.faults.map((text) => `FAILED ${text}\n`),
      ...summary,
      "",
      `${total.passed} passed, ${total.failed} failed`,
    ].join("\n"),
  );
  return total.passed > 0 && total.failed === 0 ? 0 : 1;
}

/** A suite that could not run. */
function broken(suite: Suite, error: unknown): Tally {
  return fault(`${suite}: ${error instanceof Error ? error.message : error}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
