import assert from "node:assert/strict";
import { findMistakes, readSchema } from "../../command_line/json_schema.ts";
import { BinaryCache } from "../../support/binary_cache.ts";
import { eventually } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { FakeHydra } from "../../support/fake_hydra.ts";
import { publishBuilds } from "../../support/many_builds.ts";
import { nixConf } from "../../support/nix.ts";
import { Stage, type Suite } from "../../support/stage.ts";

const UNIT = "hail-agent.service";
const CONFIG = "/etc/hail/config.toml";
/** On the host and in the stage: what activations log, and what they wait for. */
const WORLD = "/srv/world";

/** A version of a service. */
export interface Version {
  readonly service: string;
  readonly version: number;
  /** What its activation does besides starting the service: a shell script. */
  readonly work?: string;
}

/** A line that a program of a profile has written to the disk. */
export interface Run {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `begin` and `end` of an activation; `off`: it was deactivated. */
  readonly what: "begin" | "end" | "off";
  /** `NAME VERSION`. */
  readonly of: string;
}

/** A service, as far as it is looked at here, as `hail status --json` tells of it. */
export interface Told {
  readonly service: string;
  readonly state: string;
  readonly active: { readonly path: string } | null;
  readonly deployment: { readonly id: number; readonly fault: { readonly message: string } | null } | null;
}

/** The shell script that makes an activation wait until it may go on, see {@linkcode AgentHost.letGo}. */
export function waitFor(what: string): string {
  return `until [ -e ${WORLD}/${what} ]; do sleep 0.05; done`;
}

/** As those of real services: what runs already is left alone. */
function programsOf({ service, version, work = "" }: Version): Readonly<Record<string, string>> {
  const shared = `#!/bin/sh
path=$(readlink -f "$0")
path=\${path%/bin/*}
unit=${service}-server.service
note() { echo "$(date +%s%3N) $1 ${service} ${version}" >>${WORLD}/runs; }
`;
  const activate = `note begin
${work}
mkdir -p /srv/data
touch /srv/data/${service}
[ "$(systemctl show --value --property=Description $unit)" = "$path" ] && systemctl --quiet is-active $unit || {
  systemctl stop $unit 2>/dev/null
  systemd-run --quiet --collect --unit=$unit --description="$path" --service-type=exec sleep infinity || exit 3
}
note end
`;
  return {
    "activate": `${shared}${activate}`,
    "deactivate": `${shared}note off\nsystemctl stop $unit 2>/dev/null || true\n`,
  };
}

/** A booted Debian with one agent, which keeps what its configuration says. */
export class AgentHost implements AsyncDisposable {
  #lastBuild = 0;

  private constructor(
    readonly stage: Stage,
    readonly hydra: FakeHydra,
    private readonly folder: string,
    private readonly paths: ReadonlyMap<string, string>,
    private readonly cleanUp: AsyncDisposableStack,
  ) {}

  /** Makes the host. All versions are in the binary cache only; Hydra names none of them yet. */
  static async make(suite: Suite, versions: readonly Version[]): Promise<AgentHost> {
    await using cleanUp = new AsyncDisposableStack();
    const executable = await hailExecutable();
    const folder = await Deno.makeTempDir({ prefix: "hail-agent-" });
    cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.mkdir(`${folder}/world`);
    const folders = { [folder]: folder, [WORLD]: `${folder}/world` };
    const stage = cleanUp.use(await Stage.make({ suite, folders }));
    const builds = versions.map((version) => ({
      name: `${version.service}-${version.version}`,
      programs: programsOf(version),
    }));
    const { paths, publicKey } = await publishBuilds(stage, folder, builds);
    const cache = cleanUp.use(new BinaryCache(`${folder}/cache`));
    const hydra = cleanUp.use(new FakeHydra());
    await stage.write(
      "/etc/nix/nix.conf",
      nixConf({ substituters: [cache.uri], trustedPublicKeys: [publicKey] }, "/etc/nix/netrc")
        .replace("build-users-group =", "build-users-group = nixbld"),
    );
    await stage.exec(["systemctl", "restart", "nix-daemon.socket"], { mayFail: true });
    await stage.push(executable, "/usr/local/bin/hail");
    await stage.write(`/etc/systemd/system/${UNIT}`, UNIT_TEXT);
    await stage.exec(["systemctl", "enable", "--quiet", UNIT]);
    return new AgentHost(stage, hydra, folder, paths, cleanUp.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanUp.disposeAsync();
  }

  /** The store path of a version. */
  pathOf(service: string, version: number): string {
    const path = this.paths.get(`${service}-${version}`);
    assert.ok(path !== undefined, `there is no version ${version} of ${service}`);
    return path;
  }

  /** Makes versions the latest builds of the jobs of services, in this order. */
  announce(version: number, ...services: readonly string[]): void {
    for (const service of services) {
      this.hydra.setLatest(`agent/main/${service}`, {
        id: ++this.#lastBuild,
        path: this.pathOf(service, version),
      });
    }
  }

  /**
   * Writes the configuration.
   *
   * @param services The lines of each service besides its job, which is that of its name; or its `job`.
   */
  async configure(
    services: Readonly<Record<string, { readonly job?: string; readonly lines?: readonly string[] }>>,
    ...top: readonly string[]
  ): Promise<void> {
    const tables = Object.entries(services).map(([name, { job = name, lines = [] }]) =>
      [`[services.${name}]`, `job-uri = "${this.hydra.jobUri(`agent/main/${job}`)}"`, ...lines, ""].join("\n")
    );
    const text = [...top, 'poll-period = "1h"', 'soak-time = "0"', ...tables].join("\n");
    await this.stage.write(CONFIG, text);
  }

  /** Starts the agent. */
  async start(): Promise<void> {
    await this.stage.exec(["systemctl", "start", UNIT]).catch(async (error) => {
      throw new Error(`${error}\n${await this.log()}`);
    });
  }

  /** Has the agent read its configuration, and waits for what it says of that. */
  async reload(says: RegExp): Promise<void> {
    const count = async () => (await this.log()).split("\n").filter((line) => says.test(line)).length;
    const before = await count();
    await this.stage.exec(["systemctl", "reload", UNIT]);
    await eventually(`the agent says ${says}`, async () => await count() > before)
      .catch(async (error) => {
        throw new Error(`${error}\n${await this.log()}`);
      });
  }

  /** Runs hail on the host. */
  hail(...words: readonly string[]) {
    return this.stage.exec(["hail", ...words], { mayFail: true });
  }

  /** Has the agent look for new builds of services. */
  async poll(...services: readonly string[]): Promise<void> {
    const { status, stderr } = await this.hail("poll", ...services);
    assert.equal(status, 0, stderr);
  }

  /** What `hail status --json` tells, by service. It is checked against its schema. */
  async status(): Promise<ReadonlyMap<string, Told>> {
    const { status, stdout, stderr } = await this.hail("status", "--json");
    assert.equal(status, 0, stderr);
    const document = JSON.parse(stdout) as { readonly services: readonly Told[] };
    assert.deepEqual(findMistakes(document, await readSchema("status")), []);
    const told = new Map(document.services.map((one) => [one.service, one]));
    assert.equal(told.size, document.services.length, "each service is there once");
    return told;
  }

  /** Waits until services are active in a version. */
  async areAt(version: number, services: readonly string[], limit = 60_000): Promise<void> {
    let missing: readonly string[] = services;
    await eventually(`${services.join(" ")} at version ${version}`, async () => {
      const told = await this.status();
      missing = services.filter((service) => {
        const one = told.get(service);
        return one?.state !== "active" || one.active?.path !== this.pathOf(service, version);
      });
      return missing.length === 0;
    }, limit).catch(async (error) => {
      const table = (await this.hail("status")).stdout;
      throw new Error(`${error}\nnot there: ${missing.join(" ")}\n${table}\n${await this.log()}`);
    });
  }

  /** What the programs of profiles have written so far, in order. */
  runs(): readonly Run[] {
    let text = "";
    try {
      text = Deno.readTextFileSync(`${this.folder}/world/runs`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const [, at, what, of] = /^([0-9]{13}) (begin|end|off) (\S+ [0-9]+)$/.exec(line) ?? [];
      assert.ok(of !== undefined, `an unreadable line: '${line}'`);
      return { at: Number(at), what: what as Run["what"], of };
    });
  }

  /** When something was written for the first time, in milliseconds since 1970; null if it was not. */
  when(what: Run["what"], service: string, version: number): number | null {
    return this.runs().find((run) => run.what === what && run.of === `${service} ${version}`)?.at ?? null;
  }

  /** How often something was written. */
  times(what: Run["what"], service: string, version: number): number {
    return this.runs().filter((run) => run.what === what && run.of === `${service} ${version}`).length;
  }

  /** Waits until the activations of a version of services have begun. */
  async began(version: number, ...services: readonly string[]): Promise<void> {
    await eventually(
      `the activations of version ${version} of ${services.join(" ")} begin`,
      () => services.every((service) => this.when("begin", service, version) !== null),
    ).catch(async (error) => {
      throw new Error(`${error}\n${await this.log()}`);
    });
  }

  /** Lets those go on that {@linkcode waitFor} something. */
  async letGo(what: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/world/${what}`, "");
  }

  /** A property of a unit. */
  async show(property: string, unit = UNIT): Promise<string> {
    const command = ["systemctl", "show", "--value", `--property=${property}`, "--", unit];
    return (await this.stage.exec(command, { mayFail: true })).stdout.trim();
  }

  /** The units of the activations that run now, and what tells a run from another one. */
  async activations(): Promise<ReadonlyMap<string, string>> {
    const list =
      "systemctl list-units --plain --no-legend --full --state=activating 'activate-hail-*' | cut -d ' ' -f 1";
    const { stdout } = await this.stage.exec(["sh", "-c", list]);
    const units = stdout.split("\n").filter((unit) => unit !== "");
    return new Map(
      await Promise.all(
        units.map(async (unit) =>
          [unit, `${await this.show("InvocationID", unit)} ${await this.show("ExecMainPID", unit)}`] as const
        ),
      ),
    );
  }

  /** Looks again and again how much is under way at once, and tells how much that was at the most. */
  async watch(work: () => Promise<void>): Promise<Readonly<Record<"activations" | "realisations", number>>> {
    const look =
      "systemctl list-units --plain --no-legend --state=activating 'activate-hail-*' | wc -l | sed s/^/a/; " +
      "ps -C nix-store -o args= | grep -c -- --realise | sed s/^/r/";
    await using watcher = this.stage.start(["sh", "-c", `while sleep 0.1; do ${look}; done`]);
    await work();
    const lines = watcher.stdout.split("\n");
    const most = (kind: string) =>
      Math.max(...lines.filter((line) => line.startsWith(kind)).map((line) => Number(line.slice(1))));
    return { activations: most("a"), realisations: most("r") };
  }

  /** The agent's log. */
  log(): Promise<string> {
    return this.stage.journal(UNIT);
  }
}

const UNIT_TEXT = `[Unit]
StartLimitIntervalSec=0
[Service]
Type=notify
WatchdogSec=30s
Restart=always
RestartSec=200ms
KillMode=mixed
TimeoutStopSec=20s
Environment=NIX_REMOTE=daemon
ExecStart=/usr/local/bin/hail agent --config ${CONFIG}
ExecReload=/bin/kill -HUP $MAINPID
[Install]
WantedBy=multi-user.target
`;
