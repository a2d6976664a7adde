import type { Deployment, ServiceRecord } from "../../../lib/deployment/record.ts";
import { findServices, readService, type StoredTransition } from "../../../lib/journal/read.ts";
import { BinaryCache } from "../../support/binary_cache.ts";
import type { CommandOptions, CommandResult, RunningCommand } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { FakeHydra } from "../../support/fake_hydra.ts";
import type { NixSettings } from "../../support/nix.ts";
import { type NixSuite, NixTree } from "../../support/nix_tree.ts";
import { type SampleProfile, SampleProfiles, type SampleVersion } from "../../support/sample_profile.ts";

const HYDRA_LOGIN = { login: "host", password: "hydra-s3cret" };
const CACHE_LOGIN = { login: "host", password: "cache-s3cret" };

/** How far apart the ids of the builds of two services are: Hydra knows each id once. */
const IDS_APART = 10_000;

/** The folder of the profiles. */
export const PROFILES = "/nix/var/nix/profiles/hail-profiles";

/** Prints what hail tells an activation, one line a variable. */
export const ACTIVATE = `#!/bin/sh
echo "version $(cat "$HAIL_PROFILE/version")"
echo "arguments $#"
env | grep ^HAIL_ | sort
`;

/** What a hail has written down. */
export interface Remembered {
  readonly record: ServiceRecord;
  /** In order. */
  readonly transitions: readonly StoredTransition[];
  /** In order. */
  readonly deployments: readonly Deployment[];
}

interface Parts {
  readonly tree: NixTree;
  readonly hydra: FakeHydra;
  readonly samples: SampleProfiles;
  readonly executable: string;
  cache: BinaryCache;
  services: number;
}

/** One Nix, a signed cache and a Hydra that both ask for a password, and the compiled hail with one service. */
export class World implements AsyncDisposable {
  readonly #parts: Parts;
  #nextBuild: number;

  private constructor(parts: Parts, readonly service: string) {
    this.#parts = parts;
    this.#nextBuild = parts.services++ * IDS_APART + 100;
  }

  static async make(suite: NixSuite): Promise<World> {
    const executable = await hailExecutable();
    const tree = await NixTree.make(suite);
    const samples = await SampleProfiles.make(tree, tree.folder);
    const hydra = new FakeHydra({ credentials: HYDRA_LOGIN });
    const cache = new BinaryCache(samples.cacheFolder, { credentials: CACHE_LOGIN });
    const world = new World({ tree, samples, hydra, cache, executable, services: 0 }, "web");
    await world.configure({});
    await Deno.writeTextFile(
      world.netrcFile,
      `machine 127.0.0.1 login ${HYDRA_LOGIN.login} password ${HYDRA_LOGIN.password}\n`,
      { mode: 0o600 },
    );
    return world;
  }

  /** Another service in the same world: a profile, a job and a state folder of its own. It is not disposed of. */
  beside(service: string): World {
    return new World(this.#parts, service);
  }

  get tree(): NixTree {
    return this.#parts.tree;
  }

  get hydra(): FakeHydra {
    return this.#parts.hydra;
  }

  get cache(): BinaryCache {
    return this.#parts.cache;
  }

  get samples(): SampleProfiles {
    return this.#parts.samples;
  }

  get executable(): string {
    return this.#parts.executable;
  }

  /** Writes nix.conf as it should be, but for what a test wants otherwise. */
  configure(settings: NixSettings): Promise<void> {
    return this.tree.configure({
      substituters: [this.cache.uri],
      trustedPublicKeys: [this.samples.publicKey],
      netrc: `machine 127.0.0.1 login ${CACHE_LOGIN.login} password ${CACHE_LOGIN.password}\n`,
      ...settings,
    });
  }

  get netrcFile(): string {
    return `${this.tree.folder}/etc/hydra-netrc`;
  }

  /** The service's job, as `PROJECT/JOBSET/JOB`. */
  get job(): string {
    return `demo/main/${this.service}`;
  }

  get jobUri(): string {
    return this.hydra.jobUri(this.job);
  }

  /** The service's profile, as programs see it. */
  get profile(): string {
    return `${PROFILES}/${this.service}`;
  }

  /** Where the service's hail keeps its state. */
  get stateFolder(): string {
    return `${this.tree.folder}/state/${this.service}`;
  }

  /** Builds a version into the cache only, and makes Hydra name it. */
  async release(sample: SampleVersion): Promise<SampleProfile & { readonly id: number }> {
    const profile = await this.samples.release({ activate: ACTIVATE, ...sample });
    return { ...profile, id: this.announce(profile) };
  }

  /**
   * Makes Hydra name a version as its latest build.
   *
   * @param id That of an earlier build, where Hydra moves back to it.
   */
  announce(profile: SampleProfile, id = this.#nextBuild++): number {
    this.hydra.setLatest(this.job, { id, path: profile.storePath });
    return id;
  }

  /** The command line of a hail on the profile. */
  command(...more: string[]): string[] {
    return [
      this.executable,
      "--profile",
      `hail-profiles/${this.service}`,
      "--job-uri",
      this.jobUri,
      "--netrc-file",
      this.netrcFile,
      "--state-dir",
      this.stateFolder,
      // systemd, where it runs, sees another /nix than this hail.
      "--activation-runner",
      "child",
      ...more,
    ];
  }

  /** Starts a hail that runs beside the test, and polls again only when it is asked to. */
  start(more: string[] = [], options: Pick<CommandOptions, "env"> = {}): RunningCommand {
    return this.tree.start(this.command("--poll-period", "1h", "--log-level", "debug", ...more), options);
  }

  /** Runs `hail --oneshot` to its end. */
  oneshot(more: string[] = [], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#run(this.command("--oneshot", ...more), options);
  }

  /** Runs an operator's command, e.g. `rollback`, `--to`, `1`. */
  operator(words: string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#run([this.executable, ...words, "--state-dir", this.stateFolder], options);
  }

  /** Changes the profile with `nix-env`, behind hail's back. */
  async byHand(...words: string[]): Promise<void> {
    await this.tree.run(["nix-env", "--profile", this.profile, ...words]);
  }

  async #run(command: string[], options: CommandOptions): Promise<CommandResult> {
    const result = await this.tree.run(command, { mayFail: true, ...options });
    for (const { password } of [HYDRA_LOGIN, CACHE_LOGIN]) {
      if (`${result.stdout}${result.stderr}`.includes(password)) {
        throw new Error(`a password is in:\n${result.stderr}`);
      }
    }
    return result;
  }

  /** Where the profile leads. */
  current(): Promise<string | null> {
    return this.tree.profile(`hail-profiles/${this.service}`);
  }

  /** What the service's hail has written down; no hail may be writing. */
  remembered(): Remembered {
    const [file] = findServices(this.stateFolder);
    if (file === undefined) throw new Error(`nothing is remembered in ${this.stateFolder}`);
    const stored = readService(file);
    try {
      return {
        record: stored.record,
        transitions: stored.transitions(1_000).toReversed(),
        deployments: stored.history(1_000).toReversed(),
      };
    } finally {
      stored.close();
    }
  }

  /** Serves the cache again on its old port, after it was closed. */
  reopenCache() {
    this.#parts.cache = new BinaryCache(this.samples.cacheFolder, {
      credentials: CACHE_LOGIN,
      port: this.cache.port,
    });
  }

  /** Takes the profile away, and all that hail remembers, so that no version is activated at the next start. */
  async reset(): Promise<void> {
    for (const name of await this.profileFolder()) {
      await Deno.remove(this.tree.outside(`${PROFILES}/${name}`));
    }
    await Deno.remove(this.stateFolder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  /** The entries of the profiles' folder that belong to the service. */
  async profileFolder(): Promise<string[]> {
    try {
      const entries = await Array.fromAsync(Deno.readDir(this.tree.outside(PROFILES)));
      const own = new RegExp(`^\\.?${this.service}(-[0-9]+-link|\\.[a-z.-]+)?$`);
      return entries.map(({ name }) => name).filter((name) => own.test(name)).toSorted();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hydra.close();
    await this.cache.close();
    await this.tree[Symbol.asyncDispose]();
  }
}
