/**
 * A host on which hail has kept services that it is to take out, or that get other names: a folder of profiles, a state
 * folder and a Nix, of which any step can be the last one before the power goes.
 *
 * @module
 */

import type { Turn } from "../../lib/deployment/ports.ts";
import type { Deployment, ServiceRecord } from "../../lib/deployment/record.ts";
import type { RemovalShared } from "../../lib/agent/idle_service.ts";
import { type RemovalOptions, removeService } from "../../lib/agent/removal.ts";
import { openJournal } from "../../lib/journal/open.ts";
import { readService } from "../../lib/journal/read.ts";
import { databaseName } from "../../lib/journal/state_folder.ts";
import { nixFiles } from "../../lib/nix/nix_files.ts";
import { parseProfile, type ProfilePath } from "../../lib/nix/profile_name.ts";
import { parseStorePath, type StorePath } from "../../lib/nix/store_path.ts";
import type { Command, Exit } from "../../lib/process/run_command.ts";
import type { Event } from "../../lib/report/event.ts";
import type { OnRemoval, ServiceSettings } from "../../lib/settings/service.ts";
import { encodeSettings, storedSettings } from "../../lib/settings/stored.ts";
import { readServiceWords } from "../../lib/settings/words.ts";

const TURN: Turn = {
  full: false,
  async take(signal, work) {
    signal.throwIfAborted();
    return await work();
  },
};
const NEVER = new AbortController().signal;
const WELL: Exit = { status: 0, signal: null, ended: null, output: [] };

/** The configuration file of the agent. */
export const CONFIG = "/etc/hail/config.toml";

/** What is seen of the host when all is over. */
export interface Sight {
  /** The links of the profiles' folder, and where they lead; files by their names alone. */
  readonly profiles: Readonly<Record<string, string>>;
  readonly state: readonly string[];
}

/** See the module. */
export class IdleWorld implements Disposable {
  readonly folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "hail-idle-" }));
  readonly profiles = `${this.folder}/profiles`;
  readonly state = `${this.folder}/state`;
  readonly store = `${this.folder}/store`;
  readonly events: Event[] = [];
  readonly commands: Command[] = [];
  readonly stop = { gently: NEVER, now: NEVER };
  /** What a `bin/deactivate` comes to. */
  deactivation: Partial<Exit> = {};
  /** The programs that all versions have. */
  programs: readonly string[] = ["activate", "deactivate"];
  /** How often it is still found running what an earlier hail has left. */
  leftover = 0;
  /** Called with the name of each step. */
  onStep: (step: string) => void = () => {};
  #clock = 1_800_000_000_000;

  constructor() {
    for (const folder of [this.profiles, this.state, this.store]) Deno.mkdirSync(folder, { mode: 0o755 });
  }

  readonly report = (event: Event) => void this.events.push(event);

  /** What a removal or a change of name is done with. */
  get shared(): RemovalShared {
    return {
      env: {
        get: (name) =>
          name === "NIX_STORE_DIR" ? this.store : name === "NIX_STATE_DIR" ? this.folder : undefined,
        delete: () => {},
      },
      clock: {
        now: () => this.#clock++,
        monotonic: () => this.#clock++,
        sleep: () => Promise.resolve(),
      },
      run: async (command) => {
        this.onStep(`${command.program} begins`);
        this.commands.push(command);
        const exit = this.#run(command);
        this.onStep(`${command.program} has ended`);
        return await Promise.resolve({ ...WELL, ...exit });
      },
      turns: { realisation: TURN, activation: TURN },
      bootId: () => Promise.resolve("boot"),
      failPoint: (point) => this.onStep(point),
      files: {
        ...nixFiles,
        remove: async (path) => {
          this.onStep(`remove ${path}`);
          await nixFiles.remove(path);
        },
        sync: async (path) => {
          this.onStep(`sync ${path}`);
          await nixFiles.sync(path);
        },
      },
    };
  }

  #run({ program, args, onStart }: Command): Partial<Exit> {
    if (program.endsWith("/bin/deactivate")) {
      onStart?.(Deno.pid);
      return this.deactivation;
    }
    if (program === "grep") return { status: this.leftover-- > 0 ? 0 : 1 };
    const [, profile = "", verb, ...values] = args;
    if (program !== "nix-env") return { status: 1 };
    if (verb === "--delete-generations") {
      for (const number of values) Deno.removeSync(`${profile}-${number}-link`);
      return {};
    }
    const number = (name: string) => Number(/-([0-9]+)-link$/.exec(name)?.[1] ?? 0);
    const own = this.names().filter((name) => `${this.profiles}/${name}`.startsWith(`${profile}-`));
    this.point(profile, Math.max(0, ...own.map(number)) + 1, values[0] ?? "");
    return {};
  }

  /** Makes a generation of a profile, and makes it the current one. */
  point(profile: string, number: number, path: string) {
    const link = `${profile}-${number}-link`;
    Deno.symlinkSync(path, link);
    Deno.symlinkSync(link.slice(link.lastIndexOf("/") + 1), `${profile}.tmp`);
    Deno.renameSync(`${profile}.tmp`, profile);
  }

  profile(name: string): ProfilePath {
    return parseProfile(name, this.profiles);
  }

  file(name: string): string {
    return `${this.state}/${databaseName(this.profile(name))}`;
  }

  /** The store path of a version, which is there. */
  version(number: number): StorePath {
    const path = parseStorePath(
      `${this.store}/${String(number).padStart(32, "0")}-web-${number}.0`,
      this.store,
    );
    if (path === null) throw new Error(`no version ${number}`);
    Deno.mkdirSync(`${path}/bin`, { recursive: true });
    for (const name of this.programs) {
      Deno.writeTextFileSync(`${path}/bin/${name}`, "#!/bin/sh\n", { mode: 0o755 });
    }
    return path;
  }

  /** How a service is configured. */
  settings(name: string, more: Partial<ServiceSettings> = {}): ServiceSettings {
    const profile = this.profile(name);
    const words = [
      `--profile=${profile}`,
      "--job-uri=http://h/job/a/b/c/latest",
      "--activation-runner=child",
    ];
    return { ...readServiceWords(words, profile), name, ...more };
  }

  /**
   * Lets hail have kept a service: versions 1 to `versions` were deployed, of which the last is active.
   *
   * @param config The configuration file of its agent; null for a classic hail.
   */
  keep(
    name: string,
    { more = {}, record = {}, versions = 3, config = CONFIG }: {
      readonly more?: Partial<ServiceSettings>;
      readonly record?: Partial<ServiceRecord>;
      readonly versions?: number;
      readonly config?: string | null;
    } = {},
  ): ServiceSettings {
    const settings = this.settings(name, more);
    const { profile, jobUri } = settings;
    for (let number = 1; number <= versions; number++) {
      this.point(profile, number, this.version(number));
    }
    const journal = openJournal({
      folder: this.state,
      profile,
      jobUri: jobUri.text,
      settings: encodeSettings(storedSettings(settings, config)),
      gid: null,
      storeFolder: this.store,
      now: () => this.#clock++,
      report: this.report,
    });
    for (let id = 1; id <= versions; id++) {
      const work = this.deployment(id);
      const { target, goBackTo, endedAt } = work;
      journal.write({
        record: {
          ...journal.record,
          state: "active",
          work,
          deployments: id,
          active: { ...target, since: endedAt ?? 0, how: "deployed", degraded: false },
          previous: goBackTo,
          seen: target.path,
        },
        transition: {
          deploymentId: id,
          at: endedAt ?? 0,
          from: "verifying",
          event: "verified",
          to: "active",
        },
        deployments: [work],
      });
    }
    const { state = journal.record.state } = record;
    journal.write({
      record: { ...journal.record, ...record },
      transition: { deploymentId: null, at: this.#clock, from: "active", event: "build-found", to: state },
      deployments: [],
    });
    journal.close();
    this.events.length = 0;
    return settings;
  }

  /** A deployment of the version of its number. */
  deployment(id: number, more: Partial<Deployment> = {}): Deployment {
    const version = (number: number) => ({
      path: this.version(number),
      buildId: 100 + number,
      name: `web-${number}.0`,
    });
    return {
      id,
      kind: id === 1 ? "first" : "update",
      target: version(id),
      goBackTo: id === 1 ? null : version(id - 1),
      begunAt: 1_700_000_000_000 + id,
      endedAt: 1_700_000_000_500 + id,
      outcome: "active",
      fault: null,
      rollbackFault: null,
      degraded: false,
      hydraAnswered: true,
      runs: 1,
      begun: 0,
      leader: null,
      ...more,
    };
  }

  /** Takes a service out, as an agent does, unless it is told another way. */
  remove(name: string, how: OnRemoval, more: Partial<RemovalOptions> = {}, shared = this.shared) {
    const { state: folder, report, stop } = this;
    const options = { profile: this.profile(name), name, how, folder, config: CONFIG, report, stop };
    return removeService({ ...options, ...more }, shared);
  }

  /** What is remembered of a service. */
  stored(name: string) {
    const service = readService(this.file(name), { storeFolder: this.store });
    try {
      const { profile, jobUri, record } = service;
      const settings: unknown = JSON.parse(service.settings);
      return { profile, jobUri, record, settings, ids: service.history(100).map(({ id }) => id) };
    } finally {
      service.close();
    }
  }

  names(): string[] {
    return [...Deno.readDirSync(this.profiles)].map(({ name }) => name).toSorted();
  }

  links(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...Deno.readDirSync(this.profiles)].toSorted((one, other) => one.name < other.name ? -1 : 1).map((
        entry,
      ) => [
        entry.name,
        entry.isSymlink
          ? Deno.readLinkSync(`${this.profiles}/${entry.name}`).replace(`${this.folder}/`, "")
          : "",
      ]),
    );
  }

  sight(): Sight {
    return {
      profiles: this.links(),
      // The names hold a hash of the folder.
      state: [...Deno.readDirSync(this.state)].map(({ name }) => name.replace(/-[0-9a-f]{12}\./, "."))
        .toSorted(),
    };
  }

  named(name: string): Event[] {
    return this.events.filter((event) => event.name === name);
  }

  /** The programs of profiles that were run. */
  get activations(): string[] {
    return this.commands.map(({ program }) => program).filter((program) => program.includes("/bin/"));
  }

  [Symbol.dispose]() {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** The power is gone. */
class Cut extends Error {}

/**
 * Does something again and again in worlds that are made alike: the first time nothing comes in between, then the power goes
 * at the first step, at the second, and so on; then it is done once more. What is seen at the end must always be the same.
 *
 * @param compare Is given what was seen without and with the cut, and the step at which that was.
 * @returns The steps.
 */
export async function cutEverywhere<World extends IdleWorld, Seen>(
  make: () => World,
  act: (world: World) => Promise<unknown>,
  see: (world: World) => Seen,
  compare: (cut: Seen, whole: Seen, step: string) => void,
): Promise<string[]> {
  using whole = make();
  const steps: string[] = [];
  whole.onStep = (step) => void steps.push(step.replaceAll(whole.folder, ""));
  await act(whole);
  const seen = see(whole);
  for (const [index, step] of steps.entries()) {
    using world = make();
    let left = index;
    // What follows is done by nobody any more, whatever is made of the error.
    world.onStep = () => {
      if (left-- <= 0) throw new Cut(step);
    };
    let ended = false;
    await act(world).then(() => ended = true, () => {});
    if (ended) throw new Error(`it has ended well in spite of a cut at ${step}`);
    world.onStep = () => {};
    await act(world);
    compare(see(world), seen, step);
  }
  return steps;
}
