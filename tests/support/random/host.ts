import { basename, dirname } from "node:path";
import { BinaryCache } from "../binary_cache.ts";
import type { CommandResult } from "../command.ts";
import { hailExecutable } from "../executable.ts";
import { FakeHydra } from "../fake_hydra.ts";
import { type ProgramsBuild, publishBuilds } from "../many_builds.ts";
import { nixConf } from "../nix.ts";
import { Stage, type Suite } from "../stage.ts";
import { buildName, LOG_FOLDER, programsOf, serverOf } from "./builds.ts";
import type { LogLine } from "./invariants.ts";
import { AgentConfig, CONFIG, type Keeping, unitFiles, unitOf } from "./keeper.ts";
import type { Kind, Round } from "./plan.ts";
import { readRemembered, type Remembered } from "./remembered.ts";

const PROFILES = "/nix/var/nix/profiles/hail-profiles";
const STATE = "/var/lib/hail";

/** What there is on the host, besides what hail has written down. */
export interface Found {
  readonly profile: { readonly link: string; readonly path: string; readonly valid: boolean } | null;
  readonly running: string | null;
}

/** A generation of a profile. */
export interface Generation {
  readonly number: number;
  readonly path: string;
  readonly current: boolean;
}

/** A booted Debian with several services, and all that can befall it. */
export class RandomHost implements AsyncDisposable {
  #boots = 1;
  #up: Promise<void> = Promise.resolve();
  readonly #running = new Set<Promise<unknown>>();
  #outages = 0;
  #lastBuild = 0;
  #reloads: Promise<void> = Promise.resolve();

  private constructor(
    readonly services: readonly string[],
    private readonly keeping: Keeping,
    private readonly stage: Stage,
    private readonly hydra: FakeHydra,
    private readonly folder: string,
    private readonly paths: ReadonlyMap<string, string>,
    private readonly config: AgentConfig,
    private readonly cleanUp: AsyncDisposableStack,
  ) {}

  /**
   * Makes the host, and all builds of the plan, which are in the binary cache only.
   *
   * @param keeping How the services are kept.
   * @param options Of all hails.
   */
  static async make(
    suite: Suite,
    plan: readonly (readonly Round[])[],
    keeping: Keeping,
    options: readonly string[],
  ): Promise<RandomHost> {
    await using cleanUp = new AsyncDisposableStack();
    const executable = await hailExecutable();
    const folder = await Deno.makeTempDir({ prefix: "hail-random-" });
    cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
    for (const name of ["state", "log", "etc"]) await Deno.mkdir(`${folder}/${name}`);
    const folders = {
      [folder]: folder,
      [STATE]: `${folder}/state`,
      [LOG_FOLDER]: `${folder}/log`,
      [dirname(CONFIG)]: `${folder}/etc`,
    };
    const stage = cleanUp.use(await Stage.make({ suite, folders }));
    const services = plan.map((_, lane) => `web${lane}`);
    const { paths, publicKey } = await publishBuilds(stage, folder, buildsOf(services, plan));
    const cache = cleanUp.use(new BinaryCache(`${folder}/cache`));
    const hydra = cleanUp.use(new FakeHydra());
    await stage.write(
      "/etc/nix/nix.conf",
      nixConf({ substituters: [cache.uri], trustedPublicKeys: [publicKey] }, "/etc/nix/netrc")
        .replace("build-users-group =", "build-users-group = nixbld"),
    );
    await stage.push(executable, "/usr/local/bin/hail");
    const jobUri = (service: string) => hydra.jobUri(`random/main/${service}`);
    for (const [name, text] of Object.entries(unitFiles(keeping, jobUri, options))) {
      await stage.write(`/etc/systemd/system/${name}`, text);
    }
    const config = new AgentConfig(new Map(services.map((name) => [name, jobUri(name)])), options);
    return new RandomHost(services, keeping, stage, hydra, folder, paths, config, cleanUp.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanUp.disposeAsync();
  }

  /** How often it has booted. */
  get boots(): number {
    return this.#boots;
  }

  /** Starts the hails, now and at each boot. */
  async start(): Promise<void> {
    this.#writeConfig();
    const units = new Set(this.services.map((service) => unitOf(this.keeping, service)));
    await this.stage.exec(["systemctl", "enable", "--now", "--quiet", ...units]);
  }

  /** Sends a signal to the hail that keeps a service. */
  async signal(service: string, signal: Deno.Signal): Promise<void> {
    const unit = unitOf(this.keeping, service);
    await this.exec(["systemctl", "kill", `--signal=${signal}`, "--kill-whom=main", unit]);
  }

  /** Restarts the hail that keeps a service. */
  async restart(service: string): Promise<void> {
    await this.exec(["systemctl", "restart", unitOf(this.keeping, service)]);
  }

  /**
   * Changes the configuration of the agent, and has it read.
   *
   * @param until Ends the tries to have it read, which last as long as no agent is there to hear of it.
   */
  async configure(change: (config: AgentConfig) => void, until: AbortSignal): Promise<void> {
    change(this.config);
    this.#writeConfig();
    // One after the other, since systemd takes two that it hears of at once for one.
    const before = this.#reloads;
    this.#reloads = (async () => {
      await before;
      for (; !until.aborted; await pause(100)) {
        const result = await this.exec(["systemctl", "reload", unitOf("agent", "")]);
        // Null: the host went down, and an agent that has begun since then has read it.
        if (result === null || result.status === 0) return;
      }
    })();
    await this.#reloads;
  }

  /** Has the agent read a configuration that it must refuse, unless it is just down, and puts a good one there after a while. */
  async spoilConfig(lasts: number, until: AbortSignal): Promise<void> {
    this.config.setSpoilt(true);
    this.#writeConfig();
    // Not in its turn: the others wait for the good one, where an agent that was killed finds the bad one.
    await this.exec(["systemctl", "reload", unitOf("agent", "")]);
    await pause(lasts);
    await this.configure((config) => config.setSpoilt(false), until);
  }

  /** Anew and at once, so that nobody reads half of it. */
  #writeConfig(): void {
    const file = `${this.folder}/etc/${basename(CONFIG)}`;
    Deno.writeTextFileSync(`${file}.new`, this.config.text());
    Deno.renameSync(`${file}.new`, file);
  }

  /** The store path of a build. */
  pathOf(service: string, kind: Kind, round: number): string {
    const path = this.paths.get(buildName(service, kind, round));
    if (path === undefined) throw new Error(`there is no ${buildName(service, kind, round)}`);
    return path;
  }

  /** Makes Hydra name a build; as a new one if no id is given. */
  announce(service: string, path: string, id = ++this.#lastBuild): number {
    this.hydra.setLatest(`random/main/${service}`, { id, path });
    return id;
  }

  /** Takes a build out of the binary cache, or puts it back. */
  async setCached(path: string, cached: boolean): Promise<void> {
    const file = `${this.folder}/cache/${path.slice("/nix/store/".length).slice(0, 32)}.narinfo`;
    await (cached ? Deno.rename(`${file}.hidden`, file) : Deno.rename(file, `${file}.hidden`));
  }

  /** Hydra fails for a while. */
  async hydraDown(lasts: number): Promise<void> {
    this.#outages++;
    this.hydra.fault = "database-down";
    await pause(lasts);
    if (--this.#outages === 0) this.hydra.fault = null;
  }

  /** Ends everything at once, and boots. */
  powerCut(): Promise<void> {
    return this.#reboots(async () => {
      await this.stage.crash();
      await this.stage.up();
    });
  }

  /** Shuts down and boots. */
  reboot(): Promise<void> {
    return this.#reboots(async () => {
      // At the end of a shutdown systemd stops what still runs for a moment, and nsenter stops with it, for good.
      await Promise.all(this.#running);
      await this.stage.reboot();
    });
  }

  async #reboots(act: () => Promise<void>): Promise<void> {
    const before = this.#up;
    const up = Promise.withResolvers<void>();
    this.#up = up.promise;
    await before;
    try {
      await act().catch(async (error) => {
        throw new Error(`${error}\n${await this.#whyStuck()}`);
      });
    } finally {
      // What was under way has not seen the host as it is now.
      this.#boots++;
      up.resolve();
    }
  }

  /** What is known of a host that does not go down, or does not come up. */
  async #whyStuck(): Promise<string> {
    const script = "systemctl is-system-running; systemctl list-jobs; journalctl --no-pager --lines=60";
    const inside = await this.stage.exec(["sh", "-c", script], { mayFail: true }).catch((error) => ({
      stdout: String(error),
    }));
    const console = await this.stage.log().catch(String);
    return `${inside.stdout}\n${console.split("\n").slice(-40).join("\n")}`;
  }

  /** Runs a program on the host. The result is null if the host went down meanwhile. */
  async exec(command: readonly string[]): Promise<CommandResult | null> {
    for (let up = null; up !== this.#up; await up) up = this.#up;
    const boots = this.#boots;
    const running = this.stage.exec(command, { mayFail: true, limit: 90_000 }).then(
      (result) => () => result,
      (error) => () => {
        throw error;
      },
    );
    this.#running.add(running);
    const outcome = await running;
    this.#running.delete(running);
    // Of a program that was ended with the host the end is seen before the host is up again.
    await this.#up;
    return boots === this.#boots ? outcome() : null;
  }

  /**
   * What the hail of a service has written down; null if it has not begun to, or is just writing.
   *
   * @param history Whether the history is wanted, too, which takes a while to read.
   */
  remembered(service: string, history = true): Remembered | null {
    return readRemembered(`${this.folder}/state`, service, history);
  }

  /** Looks at the profile and the unit of a service; null if the host went down meanwhile. */
  async find(service: string): Promise<Found | null> {
    const found = await this.exec(["sh", "-c", FIND, "sh", `${PROFILES}/${service}`, serverOf(service)]);
    if (found === null) return null;
    const [link = "", path = "", validity, ...shown] = found.stdout.split("\n");
    const running = shown.includes("ActiveState=active")
      ? shown.find((line) => line.startsWith("Description="))?.slice("Description=".length) ?? null
      : null;
    return { profile: link === "" ? null : { link, path, valid: validity === "valid" }, running };
  }

  /** The generations of a service, oldest first. */
  async generations(service: string): Promise<readonly Generation[]> {
    const script =
      'cd "$1"; readlink "$2"; for link in "$2"-*-link; do echo "$link $(readlink "$link")"; done';
    const result = await this.exec(["sh", "-c", script, "sh", PROFILES, service]);
    const [current, ...lines] = (result?.stdout ?? "").split("\n");
    return lines.flatMap((line) => {
      const [, name, number, path] = /^(\S+-([0-9]+)-link) (\/nix\/store\/\S+)$/.exec(line) ?? [];
      if (number === undefined || path === undefined) return [];
      return [{ number: Number(number), path, current: name === current }];
    }).toSorted((one, other) => one.number - other.number);
  }

  /** Changes the profile with `nix-env`, behind hail's back. */
  async byHand(service: string, ...words: string[]): Promise<void> {
    await this.exec(["nix-env", "--profile", `${PROFILES}/${service}`, ...words]);
  }

  /** Activates what the profile points at, as an operator does who has changed it. */
  async activateByHand(service: string): Promise<void> {
    const profile = `${PROFILES}/${service}`;
    await this.exec(["env", "RANDOM_TEST_BY=hand", `HAIL_PROFILE=${profile}`, `${profile}/bin/activate`]);
  }

  /** All that the activations of a service have logged. */
  async log(service: string): Promise<LogLine[]> {
    const text = await Deno.readTextFile(`${this.folder}/log/${service}`).catch(() => "");
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const [, at, what, by, path] =
        /^([0-9]+) (begin|end|overlap|deactivate) (hail|hand) (\S+)$/.exec(line) ?? [];
      if (at === undefined || path === undefined) throw new Error(`an unreadable line in the log: '${line}'`);
      return { at: Number(at), what: what as LogLine["what"], by: by as LogLine["by"], path };
    });
  }

  /** What is left on the host that should not be, when all is at rest; a hail's word that it is itself at fault, too. */
  async leftovers(): Promise<string[]> {
    const script =
      `journalctl --quiet --no-pager --output=cat | grep -E 'hail itself is at fault|Watchdog timeout'
      ls -A ${PROFILES} | grep hail-root
      systemctl list-units --all --plain --no-legend --full 'hail-*' 'activate-hail-*' |
        grep -Ev '^(hail@.*|hail-agent)\\.service |\\.slice '`;
    const result = await this.exec(["sh", "-c", script]);
    return (result?.stdout ?? "").split("\n").filter((line) => line !== "");
  }

  /** What the hail of a service has logged last. */
  async journal(service: string): Promise<string> {
    const text = await this.stage.journal(unitOf(this.keeping, service)).catch((error) => String(error));
    const others = this.services.filter((other) => other !== service).map((other) => `${other}: `);
    const lines = text.split("\n").filter((line) => !others.some((other) => line.startsWith(other)));
    return lines.slice(-80).join("\n");
  }
}

const FIND = `
if [ -L "$1" ]; then
  path=$(readlink -f "$1")
  readlink "$1"
  echo "$path"
  nix-store --check-validity "$path" && echo valid || echo invalid
else
  printf '\\n\\n\\n'
fi
systemctl show --property=ActiveState --property=Description "$2"
`;

/** All builds of a plan. */
function buildsOf(services: readonly string[], plan: readonly (readonly Round[])[]): ProgramsBuild[] {
  return plan.flatMap((rounds, lane) =>
    rounds.map(({ kind }, round) => ({
      name: buildName(services[lane] ?? "", kind, round),
      programs: programsOf(kind),
    }))
  );
}

/** Waits so many milliseconds. */
export function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
