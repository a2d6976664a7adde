/**
 * How long a deployment takes from Hydra's word to the first line of `bin/activate`, against a real Nix.
 *
 * @module
 */

import { BinaryCache } from "../tests/support/binary_cache.ts";
import { FakeHydra } from "../tests/support/fake_hydra.ts";
import { PrivateNix } from "../tests/support/private_nix.ts";
import { SampleProfiles } from "../tests/support/sample_profile.ts";
import type { Contenders } from "./contenders.ts";
import type { Findings } from "./report.ts";
import { series, showSeries } from "./series.ts";

/** In each round one version is deployed by hail, one by Nix's commands alone, and one by the shell loop. */
const ROUNDS = 12;

/** What is aimed at, in milliseconds. */
const AIM = 50;

/** A deployment that takes longer hangs, in milliseconds. */
const LIMIT = 60_000;

/** Measures it for hail, for Nix's commands alone, and for the shell loop. */
export async function measureDeployment(contenders: Contenders): Promise<Findings> {
  await using site = await Site.make();
  const hail: number[] = [];
  const nix: number[] = [];
  const shell: number[] = [];
  const overhead: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const alone = await site.deployByNixAlone(`nix-${round}`);
    const whole = await site.deploy(`hail-${round}`, contenders.hail, (profile, jobUri) => [
      ...["--profile", profile, "--job-uri", jobUri],
      // The same everywhere: a unit of systemd's cannot tell this process by itself that it runs.
      ...["--log-level", "error", "--oneshot", "--activation-runner", "child"],
    ]);
    shell.push(
      await site.deploy(
        `shell-${round}`,
        contenders.shellLoop,
        (profile, jobUri) => [profile, jobUri, "3600"],
      ),
    );
    hail.push(whole);
    nix.push(alone);
    overhead.push(whole - alone);
  }
  const above = series(overhead);
  return {
    rows: [
      {
        what: `Detection to activation (${ROUNDS} deployments)`,
        hail: showSeries(series(hail), "ms", 0),
        shell: showSeries(series(shell), "ms", 0),
      },
      { what: "The same two Nix commands alone", hail: showSeries(series(nix), "ms", 0) },
      { what: "Overhead over them, by pairs", hail: showSeries(above, "ms", 0) },
    ],
    aims: [{
      what: "Overhead over Nix's own commands",
      aim: `at most ${AIM} ms a deployment`,
      measured: `${above.median.toFixed(0)} ms`,
      met: above.median <= AIM,
    }],
  };
}

/** A Nix, a cache, a Hydra, and an ear for activations. */
class Site implements AsyncDisposable {
  #id = 0;
  readonly #kept = new AsyncDisposableStack();

  private constructor(
    readonly nix: PrivateNix,
    readonly samples: SampleProfiles,
    readonly hydra: FakeHydra,
    readonly listener: Deno.TcpListener,
  ) {}

  static async make(): Promise<Site> {
    await using started = new AsyncDisposableStack();
    const nix = started.use(await PrivateNix.make());
    const samples = await SampleProfiles.make(nix, nix.folder);
    await Deno.mkdir(samples.cacheFolder);
    const cache = started.use(new BinaryCache(samples.cacheFolder));
    const hydra = started.use(new FakeHydra());
    const listener = started.use(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    await nix.configure({ substituters: [cache.uri], trustedPublicKeys: [samples.publicKey] });
    await Deno.mkdir(`${nix.folder}/profiles`);
    const site = new Site(nix, samples, hydra, listener);
    site.#kept.use(started.move());
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.disposeAsync();
  }

  /**
   * Has a new version deployed, by a program that is started for it: so nothing of it is warm.
   *
   * @returns Milliseconds from the request to which Hydra has named the build, to the start of `bin/activate`.
   */
  async deploy(
    version: string,
    program: string,
    args: (profile: string, jobUri: string) => readonly string[],
  ): Promise<number> {
    const kind = version.replace(/-.*/, "");
    const job = `bench/main/${kind}`;
    const path = await this.#release(version);
    this.hydra.setLatest(job, { id: ++this.#id, path });
    const named = new Promise<number>((resolve) => {
      this.hydra.onRequest = ({ method }) => method === "HEAD" && resolve(performance.now());
    });
    const child = new Deno.Command(program, {
      args: [...args(this.#profile(kind), this.hydra.jobUri(job))],
      env: {
        ...this.nix.env,
        STATE_DIRECTORY: `${this.nix.folder}/state`,
        NO_PROXY: "127.0.0.1",
        no_proxy: "127.0.0.1",
      },
      stdin: "null",
      stdout: "null",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
    try {
      const ended = child.status.then(() => null);
      const activated = this.#activationOf(version);
      // hail ends right after the activation: whose word came first counts.
      await Promise.race([activated, ended.then(() => Promise.race([activated, fail(version)]))]);
      return await activated - await named;
    } finally {
      clearTimeout(timer);
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself in the meantime.
      }
      await child.status;
    }
  }

  /** Deploys a new version with the commands that hail uses, and nothing else. */
  async deployByNixAlone(version: string): Promise<number> {
    const path = await this.#release(version);
    const profile = this.#profile("nix");
    const begun = performance.now();
    await this.#run(["nix-store", "--realise", path, "--add-root", `${profile}-root`, "--indirect"]);
    await this.#run(["nix-env", "--profile", profile, "--set", path]);
    return performance.now() - begun;
  }

  #profile(name: string): string {
    return `${this.nix.folder}/profiles/${name}`;
  }

  async #release(version: string): Promise<string> {
    const activate = `#!/bin/bash\necho ${version} >/dev/tcp/127.0.0.1/${this.listener.addr.port}\n`;
    return (await this.samples.release({ version, activate })).storePath;
  }

  async #activationOf(version: string): Promise<number> {
    for (;;) {
      using connection = await this.listener.accept();
      const now = performance.now();
      const buffer = new Uint8Array(100);
      const length = await connection.read(buffer) ?? 0;
      // A hail that starts activates what it finds, at first; that is not what is waited for.
      if (new TextDecoder().decode(buffer.subarray(0, length)).trim() === version) return now;
    }
  }

  async #run(command: readonly [string, ...string[]]): Promise<void> {
    const [program, ...args] = command;
    const { success, stderr } = await new Deno.Command(program, {
      args,
      env: { ...this.nix.env },
      stdin: "null",
    }).output();
    if (!success) throw new Error(`${command.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}

/** What was waited for may still be on its way when the program has ended, but not for long. */
function fail(version: string): Promise<never> {
  return new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`the deployment of ${version} has failed`)), 1_000)
  );
}
