import { fileURLToPath } from "node:url";
import { type CommandOptions, type CommandResult, run, RunningCommand } from "./command.ts";

/** The releases of Debian that a stage can run. */
export const SUITES = ["bookworm", "trixie", "sid"] as const;

/** One of {@linkcode SUITES}. */
export type Suite = (typeof SUITES)[number];

/** What a stage is made of. */
export interface StageOptions {
  /** @default {"trixie"} */
  readonly suite?: Suite;
  /**
   * `host` shares the network of the test, so that its servers can be reached; `own` has loopback only, and can be cut.
   *
   * @default {"host"}
   */
  readonly network?: "host" | "own";
  /** Folders of the host that are mounted inside, by their path there. */
  readonly folders?: Readonly<Record<string, string>>;
  /**
   * `v1` enforces MemoryMax= and the like where `v2` cannot; not for sid.
   *
   * @default {"v2"}
   */
  readonly cgroup?: "v2" | "v1";
}

const SCRIPT = fileURLToPath(new URL("../../scripts/stage", import.meta.url));
/** Time to boot, in milliseconds: a second as a rule, but half a minute more when the image is built at first. */
const BOOT_LIMIT = 300_000;
const STOP_LIMIT = 60_000;
/** The exit status of `timeout` when it had to stop the program. */
const TIMED_OUT = 124;

let made = 0;

/**
 * A throw-away Debian with systemd as PID 1 and a Nix daemon, as told in `scripts/stage`. Needs root.
 *
 * `await using` removes it. If the test process is killed, the next stage that is made removes it.
 */
export class Stage implements AsyncDisposable {
  private constructor(readonly name: string) {}

  /** Makes a stage and boots it. */
  static async make(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(`t${Deno.pid}-${++made}`);
    try {
      await stage.up(options);
    } catch (error) {
      await stage.rm();
      throw error;
    }
    return stage;
  }

  /** Boots the stage again after {@linkcode Stage.down} or {@linkcode Stage.crash}; it keeps its options. */
  async up(options: StageOptions = {}): Promise<void> {
    const args = ["--owner", `${Deno.pid}`];
    if (options.suite !== undefined) args.push("-s", options.suite);
    if (options.network !== undefined) args.push("--net", options.network);
    if (options.cgroup !== undefined) args.push("--cgroup", options.cgroup);
    for (const [inside, outside] of Object.entries(options.folders ?? {})) {
      args.push("--bind", `${outside}:${inside}`);
    }
    await this.#stage("up", args, { limit: BOOT_LIMIT });
  }

  /** Runs a program inside, at once. It is stopped inside, too, when the time limit is reached. */
  exec(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#inside("exec", command, options);
  }

  /** Runs a program inside as a unit of its own, by systemd-run. */
  run(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#inside("run", command, options);
  }

  /** Starts a program inside that runs beside the test. */
  start(command: readonly string[], options: Pick<CommandOptions, "env" | "stdin"> = {}): RunningCommand {
    const { env, ...others } = options;
    return new RunningCommand([SCRIPT, "exec", this.name, "env", ...assignments(env), ...command], others);
  }

  /** Copies a file or folder in. A file is replaced at once, also if it is a running program. */
  async push(from: string, to: string): Promise<void> {
    await this.#stage("push", [from, to]);
  }

  /** Copies a file or folder out. */
  async pull(from: string, to: string): Promise<void> {
    await this.#stage("pull", [from, to]);
  }

  /** Writes a file inside. */
  async write(path: string, text: string, mode = 0o644): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"';
    await this.exec(["sh", "-c", script, "sh", path, mode.toString(8)], { stdin: text });
  }

  /** Runs a program outside, but in the network of the stage: a server, or `ip link set lo down`. */
  net(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#stage("net", command, options);
  }

  /** Starts a program outside that runs beside the test, in the network of the stage. */
  startNet(command: readonly string[], options: Pick<CommandOptions, "env" | "stdin"> = {}): RunningCommand {
    return new RunningCommand([SCRIPT, "net", this.name, ...command], options);
  }

  /** Reboots, and waits until it is up again. */
  async reboot(): Promise<void> {
    await this.#stage("reboot", [], { limit: BOOT_LIMIT });
  }

  /** Ends everything inside at once, with SIGKILL. */
  async crash(): Promise<void> {
    await this.#stage("crash", [], { limit: STOP_LIMIT });
  }

  /** Shuts down. The state stays. */
  async down(): Promise<void> {
    await this.#stage("down", [], { limit: STOP_LIMIT });
  }

  /** Shuts down and deletes the state. */
  async rm(): Promise<void> {
    await this.#stage("rm", [], { limit: STOP_LIMIT });
  }

  /** What the console has printed since the last boot. */
  async log(): Promise<string> {
    return (await this.#stage("log", [])).stdout;
  }

  /** The journal, without its metadata: of one unit, or all of it. All that was written before is in it. */
  async journal(unit?: string): Promise<string> {
    await this.exec(["journalctl", "--sync"]);
    const filter = unit === undefined ? [] : ["--unit", unit];
    return (await this.exec(["journalctl", "--no-pager", "--quiet", "--output=cat", ...filter])).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rm();
  }

  async #inside(
    what: "exec" | "run",
    command: readonly string[],
    options: CommandOptions,
  ): Promise<CommandResult> {
    const { env, limit = 60_000, mayFail, ...others } = options;
    // There, a time limit of its own reaches what a signal from outside does not.
    const limited = ["timeout", "--kill-after=2", `${limit / 1000}`, "env", ...assignments(env), ...command];
    const result = await this.#stage(what, limited, { ...others, mayFail: true, limit: limit + 5_000 });
    const why = result.status === TIMED_OUT
      ? `has not ended within ${limit} ms`
      : `exit status ${result.status}`;
    if (result.status === TIMED_OUT || (result.status !== 0 && !mayFail)) {
      throw new Error(`${this.name}: ${command.join(" ")}: ${why}\n${result.stdout}\n${result.stderr}`);
    }
    return result;
  }

  #stage(what: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const { env, ...others } = options;
    return run([SCRIPT, what, this.name, ...args], { ...others, env: { ...env, STAGE_QUIET: "1" } });
  }
}

function assignments(env: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}
