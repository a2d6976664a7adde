import { FakeHydra, type HydraRequest } from "../tests/support/fake_hydra.ts";

/** The job that the Hydra of the benchmark builds. */
export const JOB = "bench/main/web";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";

/** A host that is where Hydra wants it to be, so that every poll finds nothing. It needs no Nix: nothing asks for it. */
export class IdleHost implements AsyncDisposable {
  #waiting: ((request: HydraRequest) => void)[] = [];

  private constructor(readonly folder: string, readonly hydra: FakeHydra) {
    hydra.onRequest = (request) => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve(request);
    };
  }

  /** Makes one below a folder. `await using` closes its Hydra. */
  static async make(folder: string): Promise<IdleHost> {
    const host = new IdleHost(folder, new FakeHydra());
    const build = `${folder}/store/${HASH}-web-1`;
    await Deno.mkdir(`${build}/bin`, { recursive: true });
    await Deno.writeTextFile(`${build}/bin/activate`, "#!/bin/sh\n", { mode: 0o755 });
    await Deno.symlink(build, host.profile);
    host.hydra.setLatest(JOB, { id: 1, path: build });
    return host;
  }

  get profile(): string {
    return `${this.folder}/web`;
  }

  get jobUri(): string {
    return this.hydra.jobUri(JOB);
  }

  /** What a program must have in its environment to see this host. */
  get env(): Readonly<Record<string, string>> {
    return {
      NIX_STORE_DIR: `${this.folder}/store`,
      STATE_DIRECTORY: `${this.folder}/state`,
      NO_PROXY: "127.0.0.1",
      no_proxy: "127.0.0.1",
    };
  }

  /** The next request to Hydra. */
  nextRequest(): Promise<HydraRequest> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hydra.close();
  }
}
