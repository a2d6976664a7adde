/**
 * What the demo plays with: a Nix of its own, a binary cache, a Hydra look-alike, and the sample service.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { BinaryCache } from "../../tests/support/binary_cache.ts";
import { run } from "../../tests/support/command.ts";
import { FakeHydra } from "../../tests/support/fake_hydra.ts";
import { PrivateNix } from "../../tests/support/private_nix.ts";
import { type SampleProfile, SampleProfiles } from "../../tests/support/sample_profile.ts";
import { ensurePackages } from "../debian.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const SERVICE = `${REPOSITORY}/scripts/demo/service`;

/** Time to download hail's packages when it runs for the first time, in milliseconds. */
const DOWNLOAD_LIMIT = 120_000;

/** The job that the demo's Hydra builds. */
export const JOB = "demo/main/web";

/** Where an installer of Nix puts it, for a shell that was not told so yet. */
const NIX_FOLDERS = ["/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin"];

/**
 * Makes sure that there is a Nix: where it is missing, Debian's is installed.
 *
 * @throws {Error} If it is missing and cannot be installed; it says what to do.
 */
export async function ensureNix(): Promise<void> {
  const path = [Deno.env.get("PATH") || "/usr/bin:/bin", ...NIX_FOLDERS].join(":");
  Deno.env.set("PATH", path);
  for (const folder of path.split(":")) {
    if (folder !== "" && await isProgram(`${folder}/nix-store`)) return;
  }
  await ensurePackages({ packages: ["nix-bin"], purpose: "the demo" });
}

/** Where Deno keeps what it has downloaded. A program whose HOME is another must be told. */
async function denoFolder(): Promise<string> {
  const { stdout } = await run([Deno.execPath(), "info", "--json"]);
  const info: { denoDir: string } = JSON.parse(stdout);
  return info.denoDir;
}

/** Everything that a hail needs around it, on loopback and in one temporary folder. */
export class Stage implements AsyncDisposable {
  readonly #denoFolder: string;

  private constructor(
    readonly nix: PrivateNix,
    readonly samples: SampleProfiles,
    readonly cache: BinaryCache,
    readonly hydra: FakeHydra,
    /** Where the sample service listens. */
    readonly port: number,
    denoFolder: string,
  ) {
    this.#denoFolder = denoFolder;
  }

  /** Puts it up. `await using` takes it down, and deletes its folder. */
  static async build(): Promise<Stage> {
    await using started = new AsyncDisposableStack();
    // Here, so that hail's own log is not mixed with the news of a download.
    await run([Deno.execPath(), "cache", `--config=${REPOSITORY}/deno.json`, `${REPOSITORY}/main.ts`], {
      limit: DOWNLOAD_LIMIT,
    });
    const folder = await denoFolder();
    const nix = started.use(await PrivateNix.make());
    const samples = await SampleProfiles.make(nix, nix.folder, "demo-1");
    await Deno.mkdir(samples.cacheFolder);
    const cache = started.use(new BinaryCache(samples.cacheFolder));
    const hydra = started.use(new FakeHydra());
    await nix.configure({ substituters: [cache.uri], trustedPublicKeys: [samples.publicKey] });
    hydra.addJob(JOB);
    const stage = new Stage(nix, samples, cache, hydra, freePort(), folder);
    stage.#kept = started.move();
    return stage;
  }

  #kept = new AsyncDisposableStack();

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.disposeAsync();
  }

  get folder(): string {
    return this.nix.folder;
  }

  /** What a hail must have in its environment. */
  get env(): Readonly<Record<string, string>> {
    return {
      ...this.nix.env,
      DENO_DIR: this.#denoFolder,
      DENO_NO_UPDATE_CHECK: "1",
      // A proxy of the user's does not lead to loopback.
      NO_PROXY: "127.0.0.1",
      no_proxy: "127.0.0.1",
      STATE_DIRECTORY: `${this.folder}/state`,
    };
  }

  /** The folder of the profiles. */
  get profiles(): string {
    return `${this.folder}/var/profiles`;
  }

  /** What to start for a hail, as it is run from a checkout. */
  get hail(): { readonly program: string; readonly args: readonly string[] } {
    return { program: Deno.execPath(), args: ["run", "--quiet", "-A", `${REPOSITORY}/main.ts`] };
  }

  /** The folder of the service's own data. */
  get #serviceFolder(): string {
    return `${this.folder}/service`;
  }

  /**
   * Builds a version of the sample service, signs it into the cache, and deletes it from the store.
   *
   * @param broken Whether it answers every request with an error.
   */
  async release(version: string, broken = false): Promise<SampleProfile> {
    const activate = await Deno.readTextFile(`${SERVICE}/activate`);
    return await this.samples.release({
      name: "web",
      version,
      // In a profile that is built for a host, Nix puts the store path of the interpreter in its place.
      activate: activate.replaceAll("@deno@", Deno.execPath())
        .replace("@state@", this.#serviceFolder)
        .replace("@port@", String(this.port)),
      files: {
        "lib/web.js": { text: await Deno.readTextFile(`${SERVICE}/web.js`) },
        ...(broken ? { "lib/broken": { text: "" } } : {}),
      },
    });
  }

  /** What `hail status` says, a line each. */
  async status(): Promise<string[]> {
    const { program, args } = this.hail;
    const { stdout } = await run([program, ...args, "status"], { env: { ...this.env } });
    return stdout.trimEnd().split("\n");
  }

  /** The process of the service, as `bin/activate` has noted it. */
  async servicePid(): Promise<string> {
    return (await Deno.readTextFile(`${this.#serviceFolder}/pid`)).trim();
  }

  /** What the service says. */
  async visit(): Promise<string> {
    const answer = await fetch(this.serviceUri, { signal: AbortSignal.timeout(5_000) });
    return (await answer.text()).trim();
  }

  get serviceUri(): string {
    return `http://127.0.0.1:${this.port}/`;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Whether this user can run a program: others' folders may stand on PATH as well. */
async function isProgram(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
