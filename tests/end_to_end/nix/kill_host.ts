import type { EventName, State } from "../../../lib/deployment/machine.ts";
import type { CommandOptions, CommandResult } from "../../support/command.ts";
import type { SampleProfile } from "../../support/sample_profile.ts";
import { PROFILES, type World } from "./world.ts";

/** The versions of the service: two that were deployed, one that is to be, and one for people to choose. */
export const VERSIONS = ["v0", "v1", "v2", "v3"] as const;

/** One of {@linkcode VERSIONS}. */
export type VersionName = (typeof VERSIONS)[number];

/** The versions, as store paths. */
export type Versions = Readonly<Record<VersionName, SampleProfile>>;

/** What of a version can be made to fail, or to do something once. */
export type Program = "activate" | "deactivate" | "health-check" | "realise" | "set";

/** Just before a transition is written, or just after. */
export type When = "before" | "after";

/** The status of a program that was ended by SIGKILL. */
export const KILLED = 137;

/** What all programs of a version begin with: it can be told to do something else once, or to fail. */
function beginning(program: Program): string {
  return `once="$CONTROL/${program}-$version.once"
if [ -e "$once" ]; then mv "$once" "$once.done"; . "$once.done"; fi
if [ -e "$CONTROL/${program}-$version.fails" ]; then echo "error: ${program} $version fails" >&2; exit 1; fi
`;
}

const OF_PROFILE = '#!/bin/sh\nread -r version <"$HAIL_PROFILE/version"\n';

const ACTIVATE = `${OF_PROFILE}echo "$(date +%s%3N) $HAIL_STORE_PATH" >>"$CONTROL/activations"
${beginning("activate")}echo "$version" >"$CONTROL/running"
`;

const DEACTIVATE = `${OF_PROFILE}${beginning("deactivate")}rm -f "$CONTROL/running"\n`;

/** The service is well if it runs the version that it is to run. */
const HEALTH_CHECK = `${OF_PROFILE}${
  beginning("health-check")
}[ "$(cat "$CONTROL/running")" = "$version" ]\n`;

/** A program of Nix's, behind something that can make it fail. The version is told from the store path. */
function shim(program: string, option: string, act: Program, path: string): string {
  return `#!/bin/sh
case " $* " in
  *" --dry-run "*) ;;
  *" ${option} "*)
    path="${path}"
    version=\${path##*-web-}
    ${beginning(act)}
    PATH=\${PATH#*:} ${program} "$@" || exit
    then="$CONTROL/${act}-$version.then"
    if [ -e "$then" ]; then mv "$then" "$then.done"; . "$then.done"; fi
    exit 0 ;;
esac
PATH=\${PATH#*:} exec ${program} "$@"
`;
}

/** Builds the versions, which stay in the store, and puts the shims in front of Nix. */
export async function buildVersions(world: World): Promise<Versions> {
  const shims = shimFolder(world);
  await Deno.mkdir(shims);
  const write = (name: string, text: string) => Deno.writeTextFile(`${shims}/${name}`, text, { mode: 0o755 });
  await write("nix-store", shim("nix-store", "--realise", "realise", "$2"));
  await write("nix-env", shim("nix-env", "--set", "set", "$4"));
  const built: Partial<Record<VersionName, SampleProfile>> = {};
  for (const version of VERSIONS) {
    const files = {
      "bin/deactivate": { text: DEACTIVATE, executable: true },
      "bin/health-check": { text: HEALTH_CHECK, executable: true },
    };
    built[version] = await world.samples.build({ version, activate: ACTIVATE, files });
  }
  return built as Versions;
}

function shimFolder(world: World): string {
  return `${world.tree.folder}/shims`;
}

/** One service, whose programs and whose Nix do what a case wants, and whose whole state can be kept and restored. */
export class KillHost {
  /** What the runs of the present case have printed. */
  readonly log: string[] = [];
  /** Called at each request to Hydra for this service's job, before the answer is sent. */
  onPoll: (() => void) | null = null;
  #latest: VersionName = "v1";

  constructor(readonly world: World, readonly versions: Versions) {
    const { hydra, job } = world;
    const others = hydra.onRequest;
    hydra.onRequest = (request) => {
      others?.(request);
      if (request.path.startsWith(`/job/${job}/`)) this.onPoll?.();
    };
  }

  get control(): string {
    return `${this.world.tree.folder}/control/${this.world.service}`;
  }

  get #env(): Record<string, string> {
    const { tree, executable, stateFolder, profile } = this.world;
    return {
      PATH: `${shimFolder(this.world)}:${tree.env["PATH"]}`,
      CONTROL: this.control,
      PROFILE: profile,
      HAIL: executable,
      STATE: stateFolder,
    };
  }

  path(version: VersionName): string {
    return this.versions[version].storePath;
  }

  /** The version with a store path. */
  nameOf(path: string | null | undefined): VersionName | null {
    return VERSIONS.find((version) => this.path(version) === path) ?? null;
  }

  /** Makes Hydra name a version as its latest build. Each has one id for all time. */
  announce(version: VersionName) {
    const [lane = ""] = /[0-9]+$/.exec(this.world.service) ?? [];
    const id = 100_000 * (Number(lane) + 1) + VERSIONS.indexOf(version);
    this.#latest = version;
    this.world.announce(this.versions[version], id);
  }

  /** Makes a program of a version fail until it is mended. */
  fails(program: Program, version: VersionName) {
    Deno.writeTextFileSync(`${this.control}/${program}-${version}.fails`, "");
  }

  mend(program: Program, version: VersionName) {
    Deno.removeSync(`${this.control}/${program}-${version}.fails`);
  }

  /**
   * Makes a program of a version run a shell script once. It knows $CONTROL, $PROFILE, $STATE and $HAIL.
   *
   * @param behind Whether it runs behind the program's work and not in front of it: for `realise` and `set`.
   */
  once(program: Program, version: VersionName, script: string, behind = false) {
    Deno.writeTextFileSync(
      `${this.control}/${program}-${version}.${behind ? "then" : "once"}`,
      `${script}\n`,
    );
  }

  /** Runs hail, or an operator's command, to its end. */
  async run(words: string[], point?: string): Promise<CommandResult> {
    const options: CommandOptions = {
      env: { ...this.#env, ...(point === undefined ? {} : { HAIL_FAIL_POINT: point }) },
    };
    const operator = words[0] !== undefined && !words[0].startsWith("-");
    const result = operator
      ? await this.world.operator(words, options)
      : await this.world.oneshot([...OPTIONS, ...words], options);
    this.#note(operator ? words.join(" ") : "--oneshot", point, result);
    return result;
  }

  /** Runs a hail that goes on, until it ends by itself. `drive` gives it reasons to go on. */
  async runLoop(
    point: string,
    drive: (hail: { printed(pattern: RegExp): Promise<void>; pollAgain(): void }) => Promise<void>,
  ): Promise<CommandResult> {
    const env = { ...this.#env, HAIL_FAIL_POINT: point };
    await using hail = this.world.start(OPTIONS, { env });
    await drive({
      printed: (pattern) => hail.untilPrinted(pattern),
      pollAgain: () => hail.kill("SIGHUP"),
    });
    const result = await hail.finish(20_000);
    this.#note("without an end", point, result);
    return result;
  }

  #note(what: string, point: string | undefined, { status, stdout, stderr }: CommandResult) {
    const killed = point === undefined ? "" : `, to be killed at '${point}'`;
    this.log.push(`--- hail ${what}${killed}: status ${status}\n${stdout}${stderr}`);
  }

  byHand(...words: string[]): Promise<void> {
    return this.world.byHand(...words);
  }

  /** Points the profile at a generation at once, as `nix-env --switch-generation` does. */
  byHandNow(generation: number) {
    const profile = this.world.tree.outside(this.world.profile);
    Deno.symlinkSync(`${this.world.service}-${generation}-link`, `${profile}.new`);
    Deno.renameSync(`${profile}.new`, profile);
  }

  /** The version that the service runs. */
  async running(): Promise<string | null> {
    const text = await readIfThere(`${this.control}/running`);
    return text === null ? null : text.trim();
  }

  /** Every activation so far. */
  async activations(): Promise<{ readonly at: number; readonly path: string }[]> {
    const text = await readIfThere(`${this.control}/activations`) ?? "";
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const [at = "", path = ""] = line.split(" ");
      return { at: Number(at), path };
    });
  }

  /** Where the profile leads, found out without a program. */
  async current(): Promise<string | null> {
    const profile = this.world.tree.outside(this.world.profile);
    const generation = await readLinkIfThere(profile);
    return generation === null ? null : await Deno.readLink(`${profile.replace(/[^/]*$/, "")}${generation}`);
  }

  /** Makes the host one on which hail never ran. */
  async clear() {
    await this.world.reset();
    await remove(this.control);
    await Deno.mkdir(this.control, { recursive: true });
    await Deno.mkdir(this.world.stateFolder, { recursive: true });
    await Deno.mkdir(this.world.tree.outside(PROFILES), { recursive: true });
    this.onPoll = null;
  }

  /** Keeps all that there is, and gives what brings it back. No hail may run. */
  async save(name: string): Promise<() => Promise<void>> {
    const kept = `${this.world.tree.folder}/kept/${this.world.service}/${name}`;
    const profiles = this.world.tree.outside(PROFILES);
    const links = (await this.world.profileFolder()).map((entry) => `${profiles}/${entry}`);
    const latest = this.#latest;
    for (const part of ["state", "control", "profiles"]) {
      await Deno.mkdir(`${kept}/${part}`, { recursive: true });
    }
    await copy([`${this.world.stateFolder}/.`], `${kept}/state`);
    await copy([`${this.control}/.`], `${kept}/control`);
    if (links.length > 0) await copy(links, `${kept}/profiles`);
    return async () => {
      await this.clear();
      await copy([`${kept}/state/.`], this.world.stateFolder);
      await copy([`${kept}/control/.`], this.control);
      await copy([`${kept}/profiles/.`], profiles);
      this.announce(latest);
    };
  }
}

/** Nothing in these tests takes long when it goes well. */
const OPTIONS = ["--soak-time", "0s", "--health-timeout", "1s"];

/** Says where a fail point is, as HAIL_FAIL_POINT does. */
export function failPoint(from: State, event: EventName, when: When): string {
  return `${from} ${event} ${when}`;
}

async function copy(from: string[], to: string) {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", ...from, to] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function remove(path: string) {
  await Deno.remove(path, { recursive: true }).catch(ignoreNotFound);
}

async function readIfThere(path: string): Promise<string | null> {
  return await Deno.readTextFile(path).catch(ignoreNotFound);
}

async function readLinkIfThere(path: string): Promise<string | null> {
  return await Deno.readLink(path).catch(ignoreNotFound);
}

function ignoreNotFound(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
