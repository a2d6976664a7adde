/**
 * A host with one agent and any number of services that are where Hydra wants them to be.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { ask } from "../lib/control/client.ts";
import { AGENT_SOCKET } from "../lib/journal/state_folder.ts";
import { systemClock } from "../lib/time/system_clock.ts";
import { FakeHydra, type HydraRequest } from "../tests/support/fake_hydra.ts";
import { PrivateNix } from "../tests/support/private_nix.ts";
import { SampleProfiles } from "../tests/support/sample_profile.ts";

/** The sample program for Hydra's plugin RunCommand, and what a real Hydra gave to it. */
const WAKE_HAIL = fileURLToPath(new URL("../contrib/hydra-run-command/wake-hail", import.meta.url));
const PAYLOAD = fileURLToPath(new URL("../tests/hydra/captures/runcommand-payload-ok.json", import.meta.url));

/** What takes longer hangs, in milliseconds. */
const LIMIT = 900_000;

/** What all agents run on: a Nix, a Hydra in this process, and a build that is deployed everywhere. */
export class AgentHost implements AsyncDisposable {
  readonly #kept = new AsyncDisposableStack();
  #sites = 0;
  /** The id of the newest build, counted over all sites, since a Hydra has only one of each. */
  #builds = 1;

  private constructor(
    readonly nix: PrivateNix,
    readonly samples: SampleProfiles,
    readonly hydra: FakeHydra,
    readonly listener: Deno.TcpListener,
    /** The store path of the build that is deployed everywhere. */
    readonly path: string,
  ) {}

  static async make(): Promise<AgentHost> {
    await using started = new AsyncDisposableStack();
    const nix = started.use(await PrivateNix.make());
    const samples = await SampleProfiles.make(nix, nix.folder);
    const hydra = started.use(new FakeHydra());
    const listener = started.use(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    const { storePath } = await samples.build({ version: "1", activate: "#!/bin/sh\n" });
    const host = new AgentHost(nix, samples, hydra, listener, storePath);
    host.#kept.use(started.move());
    return host;
  }

  nextBuild(): number {
    return ++this.#builds;
  }

  /** A configuration of so many services, with folders of its own. */
  async site(services: number): Promise<AgentSite> {
    const folder = `${this.nix.folder}/site-${++this.#sites}`;
    await Deno.mkdir(`${folder}/profiles`, { recursive: true });
    await Deno.mkdir(`${folder}/state`, { mode: 0o700 });
    const tables: string[] = [];
    for (let number = 0; number < services; number++) {
      const job = `bench/site-${this.#sites}/s${number}`;
      const profile = `${folder}/profiles/s${number}`;
      await Deno.symlink(this.path, `${profile}-1-link`);
      await Deno.symlink(`s${number}-1-link`, profile);
      this.hydra.setLatest(job, { id: 1, path: this.path });
      tables.push(`[services.s${number}]\njob-uri = "${this.hydra.jobUri(job)}"\nprofile = "${profile}"\n`);
    }
    const port = freePort();
    await Deno.writeTextFile(`${folder}/secret`, "a-secret-of-some-length\n", { mode: 0o600 });
    const top = [
      'poll-period = "1m"',
      'soak-time = "0"',
      'activation-runner = "child"',
      'log-level = "error"',
      `wake-listen = "127.0.0.1:${port}"`,
      `wake-secret-file = "${folder}/secret"`,
    ];
    await Deno.writeTextFile(`${folder}/config.toml`, `${top.join("\n")}\n\n${tables.join("\n")}`);
    await Deno.writeTextFile(`${folder}/table`, `*:*:* http://127.0.0.1:${port}/wake/s0\n`);
    return new AgentSite(this, folder, `bench/site-${this.#sites}`, services);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.disposeAsync();
  }
}

/** An agent and its services. */
export class AgentSite {
  constructor(
    readonly host: AgentHost,
    readonly folder: string,
    readonly jobset: string,
    readonly services: number,
  ) {}

  /** Starts the agent. */
  start(hail: string): RunningAgent {
    const child = new Deno.Command(hail, {
      args: ["agent", "--config", `${this.folder}/config.toml`],
      env: {
        ...this.host.nix.env,
        STATE_DIRECTORY: `${this.folder}/state`,
        NO_PROXY: "127.0.0.1",
        no_proxy: "127.0.0.1",
      },
      stdin: "null",
      stdout: "null",
    }).spawn();
    return {
      pid: child.pid,
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await child.status;
      },
    };
  }

  /** The number of the service that a request polls; null for another request. */
  serviceOf({ path, method }: HydraRequest): number | null {
    const [, number] = /\/s([0-9]+)\/latest$/.exec(path) ?? [];
    return method === "HEAD" && path.startsWith(`/job/${this.jobset}/`) && number !== undefined
      ? Number(number)
      : null;
  }

  /** Resolves with the moment at which Hydra gets the next poll that is asked for. */
  polled(isIt: (service: number) => boolean): Promise<number> {
    const { hydra } = this.host;
    const { promise, resolve } = Promise.withResolvers<number>();
    hydra.onRequest = (request) => {
      const service = this.serviceOf(request);
      if (service !== null && isIt(service)) resolve(performance.now());
    };
    return within(LIMIT, promise, "no poll came").finally(() => hydra.onRequest = null);
  }

  /** Asks the agent over its socket to poll for a service, as `hail poll` does. */
  async poll(service: number): Promise<void> {
    const profile = `${this.folder}/profiles/s${service}`;
    const sockets = [`${this.folder}/state/${AGENT_SOCKET}`];
    const answer = await ask({ sockets, profile }, { command: "poll" }, {
      onProgress: () => {},
      clock: systemClock,
    });
    if (answer === null) throw new Error("no agent listens");
  }

  /** Does what Hydra does when a build has ended: runs the sample program, which wakes the first service over HTTP. */
  async tellOfBuild(): Promise<void> {
    const { success } = await new Deno.Command(WAKE_HAIL, {
      args: [`${this.folder}/table`, `${this.folder}/secret`],
      env: { HYDRA_JSON: PAYLOAD },
      stdin: "null",
    }).output();
    if (!success) throw new Error("the agent could not be woken over HTTP");
  }

  /**
   * Keeps the agent busy: one service's activation hangs, and another one's writes lines, as fast as that may be.
   *
   * @param rate Lines a second.
   * @returns Ends it.
   */
  async keepBusy(rate: number): Promise<() => Promise<void>> {
    const over = `${this.folder}/over`;
    const lines = Math.ceil(rate / 20);
    const scripts = [
      `until [ -e ${over} ]; do sleep 0.1; done`,
      `text=$(printf 'a line of the log that nobody asked for %d\\n' {1..${lines}})\n` +
      `until [ -e ${over} ]; do echo "$text"; sleep 0.05; done`,
    ];
    for (const [index, script] of scripts.entries()) {
      const { activated } = await this.release(index + 1, script);
      await this.poll(index + 1);
      await activated;
    }
    return async () => {
      await Deno.writeTextFile(over, "");
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    };
  }

  /**
   * Lets a new build be the latest of a service; it is in the store already. Its activation tells that it has begun.
   *
   * @param script What it does then.
   * @returns Resolves when it has.
   */
  async release(service: number, script = ""): Promise<{ readonly activated: Promise<number> }> {
    const { samples, hydra, listener } = this.host;
    const id = this.host.nextBuild();
    const version = String(id);
    const activate = `#!/bin/bash\necho ${version} >/dev/tcp/127.0.0.1/${listener.addr.port}\n${script}\n`;
    const { storePath } = await samples.build({ version, activate });
    hydra.setLatest(`${this.jobset}/s${service}`, { id, path: storePath });
    return { activated: within(LIMIT, this.#heard(version), "no activation began") };
  }

  async #heard(version: string): Promise<number> {
    for (;;) {
      using connection = await this.host.listener.accept();
      const now = performance.now();
      const buffer = new Uint8Array(100);
      const length = await connection.read(buffer) ?? 0;
      if (new TextDecoder().decode(buffer.subarray(0, length)).trim() === version) return now;
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** @throws {Error} If it takes longer. */
async function within<T>(limit: number, what: Promise<T>, otherwise: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(otherwise)), limit);
  try {
    return await Promise.race([what, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An agent that runs. */
export interface RunningAgent extends AsyncDisposable {
  readonly pid: number;
}
