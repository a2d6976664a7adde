/**
 * Runs the tests: `deno task test [SUITE...]`. The suites are `static`, `unit`, `lts`, `nix` and `systemd`; all of
 * them unless some are named. `lts` is `unit` on the long-term-support line of Deno. What a suite needs is installed or fetched first, as root.
 *
 * The last line is `N passed, N failed`. The exit status is 0 only if something passed and nothing failed.
 *
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { hailExecutable } from "../tests/support/executable.ts";
import { ensurePackages } from "./debian.ts";
import { repositoryModules } from "./layers.ts";
import { countTests, NOTHING, plus, type Tally } from "./tally.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** A test run that takes longer hangs, in milliseconds. */
const LIMIT = 30 * 60_000;

/** A test that leaves something open or under way fails. The long-term-support line looks for that by itself. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources"];

/** The newest version of the long-term-support line. */
const LTS_VERSION = "2.5.7";

const SUITES = ["static", "unit", "lts", "nix", "systemd"] as const;
type Suite = (typeof SUITES)[number];

/** What Debian must have for the suites that run on a real Nix or a real systemd. */
const PACKAGES: Readonly<Record<"nix" | "systemd", readonly string[]>> = {
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
    const ok = await run(Deno.execPath(), args);
    say(`static: ${name} ${ok ? "ok" : "FAILED"}`);
    tally = plus(tally, { passed: ok ? 1 : 0, failed: ok ? 0 : 1 });
  }
  return tally;
}

/** Runs `deno test` and counts from its report, for its own summary leaves out what broke before it began. */
async function denoTest(
  args: readonly string[],
  deno: readonly string[] = [Deno.execPath()],
  env: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  const report = await Deno.makeTempFile({ prefix: "hail-junit-" });
  const [program = "", ...before] = deno;
  try {
    const ok = await run(program, [...before, "test", "-A", `--junit-path=${report}`, ...args], env);
    const tally = countTests(await Deno.readTextFile(report));
    if (!ok && tally.failed === 0) return plus(tally, { passed: 0, failed: 1 });
    return tally;
  } finally {
    await Deno.remove(report);
  }
}

/** Runs the fast tests on the long-term-support line of Deno, which npm brings. */
function runLts(): Promise<Tally> {
  // This line trusts the certificates of the system only where it is told to.
  const env = { DENO_TLS_CA_STORE: "system" };
  return denoTest(["--quiet", "--no-check"], ["npx", "--yes", `deno@${LTS_VERSION}`], env);
}

/** Runs end-to-end tests on the compiled hail. */
async function runEndToEnd(suite: "nix" | "systemd", prepared: Promise<void>): Promise<Tally> {
  await prepared;
  await hailExecutable();
  try {
    return await denoTest([`tests/end_to_end/${suite}`]);
  } finally {
    // A run that was stopped leaves its containers behind.
    if (suite === "systemd") await run("scripts/stage", ["sweep"]);
  }
}

/** Installs and fetches what the suites need. It may go on while other suites run. */
async function prepare(suites: ReadonlySet<Suite>): Promise<void> {
  const wanted = (["nix", "systemd"] as const).filter((suite) => suites.has(suite));
  if (wanted.length === 0) return;
  if (Deno.uid() !== 0) throw new Error(`the suites ${wanted.join(" and ")} need root; the others do not`);
  await ensurePackages({
    packages: [...new Set(wanted.flatMap((suite) => PACKAGES[suite]))],
    purpose: "the end-to-end tests",
  });
  const fetched = [run("scripts/nixtrees", ["get"])];
  if (suites.has("systemd")) fetched.push(run("scripts/stage", ["image", "bookworm", "trixie", "sid"]));
  if ((await Promise.all(fetched)).includes(false)) {
    throw new Error("what the end-to-end tests need is missing");
  }
}

/** Runs a program with its output shown as it comes. The result tells whether it succeeded in time. */
async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const options: Deno.CommandOptions = {
    args: [...args],
    env: { ...env },
    cwd: REPOSITORY,
    stdin: "null",
  };
  const child = new Deno.Command(program, options).spawn();
  const timer = setTimeout(() => {
    say(
      `${relative(REPOSITORY, program)} ${args.join(" ")} is stopped: it has run for ${
        LIMIT / 60_000
      } minutes`,
    );
    child.kill("SIGKILL");
  }, LIMIT);
  const { success } = await child.status;
  clearTimeout(timer);
  return success;
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
  const runs: Record<Suite, () => Promise<Tally>> = {
    static: runStatic,
    // After the preparations, for those take all the processors, and some of these tests measure time.
    unit: () => prepared.catch(() => {}).then(() => denoTest(SANITIZERS)),
    lts: () => prepared.catch(() => {}).then(runLts),
    nix: () => runEndToEnd("nix", prepared),
    systemd: () => runEndToEnd("systemd", prepared),
  };
  let total = NOTHING;
  const summary: string[] = [];
  for (const suite of SUITES.filter((suite) => suites.has(suite))) {
    const start = performance.now();
    const tally = await runs[suite]().catch((error) => {
      say(`${suite}: ${error instanceof Error ? error.message : error}`);
      return { passed: 0, failed: 1 };
    });
    const seconds = Math.round((performance.now() - start) / 1000);
    summary.push(`${suite.padEnd(8)} ${tally.passed} passed, ${tally.failed} failed, ${seconds} s`);
    total = plus(total, tally);
  }
  say(["", ...summary, "", `${total.passed} passed, ${total.failed} failed`].join("\n"));
  return total.passed > 0 && total.failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
