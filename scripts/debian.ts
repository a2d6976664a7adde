/**
 * Packages of Debian that the tests and the demo need.
 *
 * @module
 */

/** Installs what is missing of some packages. */
export interface PackageNeed {
  readonly packages: readonly string[];
  /** What they are needed for, as the end of a sentence: `the demo`. */
  readonly purpose: string;
}

/** Time for apt to wait for another apt, in seconds. */
const LOCK_TIMEOUT = 300;

let listsUpdated = false;

/**
 * Installs those of the packages that are not installed, with apt-get and as root, and says so on standard error.
 *
 * @throws {Error} If packages are missing and this is not root, or not a Debian; it names the command to run.
 * @throws {Error} If apt-get fails.
 */
export async function ensurePackages(need: PackageNeed): Promise<void> {
  const missing = await missingPackages(need.packages);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (!(await exists("/usr/bin/apt-get"))) {
    throw new Error(
      `${need.purpose} needs what Debian has in the packages ${missing.join(", ")}; install them first`,
    );
  }
  if (Deno.uid() !== 0) {
    throw new Error(`${need.purpose} needs packages that are missing. As root, run: ${command}`);
  }
  say(`installing ${missing.join(", ")} for ${need.purpose} (${command})`);
  if (!listsUpdated) await aptGet(["update"]);
  listsUpdated = true;
  await aptGet(["install", "--yes", "--no-install-recommends", ...missing]);
}

/** Those of the packages that are not installed. */
async function missingPackages(packages: readonly string[]): Promise<string[]> {
  if (!(await exists("/usr/bin/dpkg-query"))) return [...packages];
  const { stdout } = await new Deno.Command("/usr/bin/dpkg-query", {
    args: ["--show", "--showformat=${Package} ${db:Status-Status}\n", ...packages],
    stdin: "null",
    stderr: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return packages.filter((name) => !lines.includes(`${name} installed`));
}

async function aptGet(args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command("/usr/bin/apt-get", {
    args: ["--quiet=2", "--option", `DPkg::Lock::Timeout=${LOCK_TIMEOUT}`, ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (code === 0) return;
  const decoder = new TextDecoder();
  const end = `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim().split("\n").slice(-20).join("\n");
  throw new Error(`apt-get ${args.join(" ")}: exit status ${code}\n${end}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`hail: ${text}\n`));
}
