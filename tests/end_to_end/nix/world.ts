import { BinaryCache } from "../../support/binary_cache.ts";
import type { CommandOptions, CommandResult } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { FakeHydra } from "../../support/fake_hydra.ts";
import type { NixSettings } from "../../support/nix.ts";
import { type NixSuite, NixTree } from "../../support/nix_tree.ts";
import { type SampleProfile, SampleProfiles, type SampleVersion } from "../../support/sample_profile.ts";

const JOB = "demo/main/web";
const HYDRA_LOGIN = { login: "host", password: "hydra-s3cret" };
const CACHE_LOGIN = { login: "host", password: "cache-s3cret" };

/** Prints what hail tells an activation, one line a variable. */
export const ACTIVATE = `#!/bin/sh
echo "version $(cat "$HAIL_PROFILE/version")"
echo "arguments $#"
env | grep ^HAIL_ | sort
`;

/** One Nix, a signed cache and a Hydra that both ask for a password, and the compiled hail. */
export class World implements AsyncDisposable {
  #nextBuild = 100;

  private constructor(
    readonly tree: NixTree,
    readonly hydra: FakeHydra,
    public cache: BinaryCache,
    readonly samples: SampleProfiles,
    readonly executable: string,
  ) {}

  static async make(suite: NixSuite): Promise<World> {
    const executable = await hailExecutable();
    const tree = await NixTree.make(suite);
    const samples = await SampleProfiles.make(tree, tree.folder);
    const hydra = new FakeHydra({ credentials: HYDRA_LOGIN });
    const cache = new BinaryCache(samples.cacheFolder, { credentials: CACHE_LOGIN });
    const world = new World(tree, hydra, cache, samples, executable);
    await world.configure({});
    await Deno.writeTextFile(
      world.netrcFile,
      `machine 127.0.0.1 login ${HYDRA_LOGIN.login} password ${HYDRA_LOGIN.password}\n`,
      { mode: 0o600 },
    );
    return world;
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

  get jobUri(): string {
    return this.hydra.jobUri(JOB);
  }

  /** Builds a version into the cache only, and makes Hydra name it. */
  async release(sample: SampleVersion): Promise<SampleProfile & { readonly id: number }> {
    const profile = await this.samples.release({ activate: ACTIVATE, ...sample });
    return { ...profile, id: this.announce(profile) };
  }

  /** Makes Hydra name a version as its latest build. */
  announce(profile: SampleProfile): number {
    const id = this.#nextBuild++;
    this.hydra.setLatest(JOB, { id, path: profile.storePath });
    return id;
  }

  /** The command line of a hail on the profile `web`. */
  command(...more: string[]): string[] {
    return [
      this.executable,
      "--profile",
      "hail-profiles/web",
      "--job-uri",
      this.jobUri,
      "--netrc-file",
      this.netrcFile,
      ...more,
    ];
  }

  /** Runs `hail --oneshot` to its end. */
  async oneshot(more: string[] = [], options: CommandOptions = {}): Promise<CommandResult> {
    const result = await this.tree.run(this.command("--oneshot", ...more), { mayFail: true, ...options });
    for (const { password } of [HYDRA_LOGIN, CACHE_LOGIN]) {
      if (`${result.stdout}${result.stderr}`.includes(password)) {
        throw new Error(`a password is in:\n${result.stderr}`);
      }
    }
    return result;
  }

  /** Where the profile leads. */
  current(): Promise<string | null> {
    return this.tree.profile("hail-profiles/web");
  }

  /** Serves the cache again on its old port, after it was closed. */
  reopenCache() {
    this.cache = new BinaryCache(this.samples.cacheFolder, {
      credentials: CACHE_LOGIN,
      port: this.cache.port,
    });
  }

  /** Takes the profile away, so that no version is activated at the next start. */
  async reset(): Promise<void> {
    for (const name of await this.profileFolder()) {
      await Deno.remove(this.tree.outside(`/nix/var/nix/profiles/hail-profiles/${name}`));
    }
  }

  /** The entries of the profile's folder. */
  async profileFolder(): Promise<string[]> {
    const entries = await Array.fromAsync(
      Deno.readDir(this.tree.outside("/nix/var/nix/profiles/hail-profiles")),
    );
    return entries.map(({ name }) => name).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hydra.close();
    await this.cache.close();
    await this.tree[Symbol.asyncDispose]();
  }
}
