/**
 * Compiles hail into one executable, `dist/hail`: `deno task compile [OUTPUT]`.
 *
 * The modules are bundled into one JavaScript file, at first, which starts faster than many, needs no network to be
 * compiled, and can be compiled by another Deno than the one that runs this.
 *
 * @module
 */

import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ENVIRONMENT } from "../lib/agent/environment.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const DENORT = fileURLToPath(new URL("./denort", import.meta.url));

/** Where the executable is written to, unless another path is given. */
export const EXECUTABLE = resolve(REPOSITORY, "dist/hail");

/** No compilation takes that long, in milliseconds. */
const LEFTOVER_AGE = 3600_000;

/** What is fixed in the executable for good. */
const COMPILE_OPTIONS = [
  // What the bundle needs is in it, so nothing of the folder that it happens to be in counts.
  ...["--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check", "--quiet"],
  // The cache would be a file of a known name in the shared temporary folder, where another user could put one.
  "--no-code-cache",
  // hail waits nearly all the time: a young generation that stays small and no helper threads of V8's halve its memory
  // and cost no time (docs/performance.md).
  "--v8-flags=--single-threaded,--optimize-for-size",
  // Wanting a permission that is not there is a fault of hail: it must not wait for somebody to type an answer.
  "--no-prompt",
  // The datagram socket of the service manager, for sd_notify.
  "--unstable-net",
  // The job URI, the profile and the netrc file are known at run time only, so these three cannot be narrowed down.
  ...["--allow-net", "--allow-read", "--allow-write"],
  // Nix's commands, the profile's bin/activate, systemd's tools.
  "--allow-run",
  `--allow-env=${ENVIRONMENT.join(",")}`,
  "--allow-sys=hostname,uid,statfs,osUptime",
];

/**
 * Writes an executable.
 *
 * @param main The main module.
 * @param output Replaced at once and only by an executable that is whole.
 * @throws {Error} If bundling or compiling fails.
 */
export async function compile(
  main: string = resolve(REPOSITORY, "main.ts"),
  output = EXECUTABLE,
): Promise<void> {
  await Deno.mkdir(dirname(output), { recursive: true });
  await removeLeftovers(dirname(output));
  const folder = await Deno.makeTempDir({ dir: dirname(output), prefix: ".compile-" });
  try {
    // Names that say nothing of this machine: they become part of the executable.
    const bundle = `${folder}/hail.js`;
    const executable = `${folder}/hail`;
    await writeBundle(main, bundle);
    await writeExecutable(bundle, executable);
    await Deno.rename(executable, output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a compilation has left that was killed: each is as large as the executable. */
async function removeLeftovers(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (!entry.name.startsWith(".compile-") || !entry.isDirectory) continue;
    const path = `${folder}/${entry.name}`;
    const { mtime } = await Deno.stat(path);
    if (mtime !== null && Date.now() - mtime.getTime() > LEFTOVER_AGE) {
      await Deno.remove(path, { recursive: true });
    }
  }
}

async function writeBundle(main: string, bundle: string): Promise<void> {
  const bundled = await deno(["bundle", "--quiet", `--output=${bundle}`, main], dirname(main));
  if (!bundled.ok) throw new Error(`deno bundle: ${bundled.text}`);
  const text = nameOrigins(await Deno.readTextFile(bundle));
  for (
    const place of [
      dirname(main),
      REPOSITORY.replace(/\/$/, ""),
      Deno.env.get("HOME"),
      Deno.env.get("DENO_DIR"),
    ]
  ) {
    if (place !== undefined && place.length > 1 && text.includes(`${place}/`)) {
      throw new Error(`the bundle names the folder ${place} of this machine`);
    }
  }
  await Deno.writeTextFile(bundle, text);
}

/**
 * The bundler writes above each module where it found it, and, where a module is not begun before it is needed, as the name
 * of its function. For those of packages that is a path of this machine, of which only the package and its version are of
 * interest.
 */
function nameOrigins(text: string): string {
  return text
    .replace(/^\/\/ \S*\/npm\/[^/\s]+\/(\S+)$/gm, "// npm:$1")
    .replace(/^( +)"[^"\s]*\/npm\/[^/"\s]+\/([^"\s]+)"(\(.*\{)$/gm, '$1"npm:$2"$3');
}

async function writeExecutable(bundle: string, executable: string): Promise<void> {
  const args = ["compile", ...COMPILE_OPTIONS, `--output=${executable}`, bundle];
  const compiled = await deno(args, dirname(bundle));
  if (compiled.ok) return;
  if (!denortIsOutOfReach(compiled.text)) throw new Error(`deno compile: ${compiled.text}`);
  const version = (await capture(DENORT, ["--version"])).stdout.trim();
  say("************************************************************************");
  say(`WARNING: Deno ${Deno.version.deno} cannot download denort, on which an executable is built.`);
  say(`Falling back to Deno ${version} and its denort, both from npm. That is good enough for tests;`);
  say("a release is compiled where dl.deno.land can be reached.");
  say("************************************************************************");
  const denort = await capture(DENORT, []);
  if (!denort.ok) throw new Error(`scripts/denort: ${denort.stderr}`);
  // Deno 2.5 trusts only its own certificates unless told otherwise.
  const env = { DENORT_BIN: denort.stdout.trim(), DENO_TLS_CA_STORE: "system" };
  const fallback = await capture("npx", ["--yes", `deno@${version}`, ...args], { cwd: dirname(bundle), env });
  if (!fallback.ok) throw new Error(`deno@${version} compile: ${fallback.text}`);
}

/** Whether `deno compile` has failed for want of denort, and not for a fault of the program. */
function denortIsOutOfReach(text: string): boolean {
  return /error sending request for url \(https:\/\/dl\.deno\.land\/[^)]*\/denort-/.test(text);
}

interface Captured {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** All that it printed, to be shown in an error. */
  readonly text: string;
}

function deno(args: readonly string[], cwd: string): Promise<Captured> {
  return capture(Deno.execPath(), args, { cwd });
}

async function capture(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<Captured> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    ...options,
    args: [...args],
    env: { ...options.env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { ok: success, stdout: out, stderr: err, text: `${out}${err}`.trim() };
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`compile: ${text}\n`));
}

if (import.meta.main) {
  const output = resolve(Deno.args[0] ?? EXECUTABLE);
  await compile(undefined, output);
  const { size } = await Deno.stat(output);
  say(`wrote ${basename(output)}, ${(size / 1e6).toFixed(1)} MB`);
}
