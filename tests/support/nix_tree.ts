import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandOptions, type CommandResult, run, RunningCommand } from "./command.ts";
import { type Nix, nixConf, type NixSettings } from "./nix.ts";

/** The releases of Debian whose Nix is tested, oldest first: Nix 2.8, 2.26 and 2.34. */
export const NIX_SUITES = ["bookworm", "trixie", "sid"] as const;

/** One of {@linkcode NIX_SUITES}. */
export type NixSuite = (typeof NIX_SUITES)[number];

const SCRIPT = fileURLToPath(new URL("../../scripts/nixtrees", import.meta.url));
/** Time to download and unpack a Nix at first, in milliseconds. */
const GET_LIMIT = 300_000;

/**
 * One of the three versions of Nix with a private `/nix`, as told in `scripts/nixtrees`. Needs root.
 *
 * Programs see the host as it is, but for `/nix`. They share nothing else, and may run at the same time.
 */
export class NixTree implements Nix, AsyncDisposable {
  readonly #bin: string;

  private constructor(readonly suite: NixSuite, readonly folder: string, bin: string) {
    this.#bin = bin;
  }

  /** Makes a tree with an empty store. `await using` deletes it. */
  static async make(suite: NixSuite, settings: NixSettings = {}): Promise<NixTree> {
    const bin = (await run([SCRIPT, "bin", suite], { limit: GET_LIMIT })).stdout.trim();
    const folder = await Deno.makeTempDir({ prefix: `hail-nix-${suite}-` });
    const tree = new NixTree(suite, folder, bin);
    for (const name of ["nix", "etc", "home", "tmp"]) await Deno.mkdir(`${folder}/${name}`);
    await tree.configure(settings);
    return tree;
  }

  /** Writes a new `nix.conf`. */
  async configure(settings: NixSettings): Promise<void> {
    const netrc = `${this.folder}/etc/netrc`;
    await Deno.writeTextFile(netrc, settings.netrc ?? "", { mode: 0o600 });
    await Deno.writeTextFile(`${this.folder}/etc/nix.conf`, nixConf(settings, netrc));
  }

  /** The path from outside of something below `/nix`. */
  outside(path: string): string {
    if (!path.startsWith("/nix/")) throw new TypeError(`Cannot find a path outside of /nix: '${path}'`);
    return this.folder + path;
  }

  /** The environment of the programs: nothing of it comes from the test. */
  get env(): Readonly<Record<string, string>> {
    return {
      PATH: `${this.#bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: `${this.folder}/home`,
      TMPDIR: `${this.folder}/tmp`,
      LANG: "C.UTF-8",
      NIX_CONF_DIR: `${this.folder}/etc`,
      // As in the script: Nix 2.8 looks there for its build hook.
      NIX_LIBEXEC_DIR: `${dirname(this.#bin)}/usr/libexec`,
    };
  }

  /** Runs a program to its end. */
  run(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const { env, ...others } = options;
    return run(this.#in(command, env), others);
  }

  /** Starts a program that runs beside the test; its pid is that of the program itself. */
  start(command: readonly string[], options: Pick<CommandOptions, "env" | "stdin"> = {}): RunningCommand {
    const { env, ...others } = options;
    return new RunningCommand(this.#in(command, env), others);
  }

  /** Where a profile, by its name, leads: a store path, or null if there is no such profile. */
  async profile(name: string): Promise<string | null> {
    const result = await this.run(["readlink", "-f", `/nix/var/nix/profiles/${name}`], { mayFail: true });
    const target = result.stdout.trim();
    return result.status === 0 && target.startsWith("/nix/store/") ? target : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The store is read-only, which does not hinder root.
    await Deno.remove(this.folder, { recursive: true });
  }

  #in(command: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
    const assignments = Object.entries({ ...this.env, ...env }).map(([name, value]) => `${name}=${value}`);
    return [SCRIPT, "in", this.suite, `${this.folder}/nix`, "env", "-i", ...assignments, ...command];
  }
}
