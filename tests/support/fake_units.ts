/**
 * A systemd that runs transient units, and a journal, for tests: they stand behind a `RunCommand` and live in virtual
 * time.
 *
 * @module
 */

import type { Command, Exit, RunCommand } from "../../lib/process/run_command.ts";
import type { Clock } from "../../lib/time/clock.ts";

/** What a unit that is started comes to. */
export interface Plan {
  /** How long its program runs, in milliseconds. */
  readonly duration: number;
  /** Its properties at the end, besides those of a program that has succeeded. */
  readonly end?: Readonly<Record<string, string>>;
  /** What the program prints at once. */
  readonly lines?: readonly string[];
}

interface Unit {
  readonly properties: Record<string, string>;
  over: boolean;
}

/** The properties of a unit that has failed, with a status or by a signal. */
export function failedUnit(result: string, code: number, status: number): Readonly<Record<string, string>> {
  return {
    ActiveState: "failed",
    SubState: "failed",
    Result: result,
    ExecMainCode: `${code}`,
    ExecMainStatus: `${status}`,
  };
}

const DONE: Exit = { status: 0, signal: null, ended: null, output: [] };

/** See the module. */
export class FakeUnits {
  readonly units = new Map<string, Unit>();
  /** All that was started, program first. */
  readonly commands: (readonly string[])[] = [];
  readonly started: string[] = [];
  /** Lines of the journal, each with its identifier. */
  readonly journal: { readonly identifier: string; readonly line: string }[] = [];
  plan: Plan = { duration: 0 };
  /** What systemd-run says instead of starting a unit. */
  refusal: string | null = null;
  /** How many questions go unanswered. */
  silence = 0;
  systemState = "running";
  /** Programs that are not on PATH. */
  readonly missing = new Set<string>();
  /** The processes of units, as `systemctl status` shows them. */
  readonly trees = new Map<string, readonly string[]>();

  constructor(private readonly clock: Clock) {}

  readonly run: RunCommand = async (command) => {
    this.commands.push([command.program, ...command.args]);
    if (this.missing.has(command.program)) throw new Deno.errors.NotFound(command.program);
    command.signal?.throwIfAborted();
    switch (command.program) {
      case "systemd-run":
        return await this.#start(command);
      case "systemctl":
        return this.#systemctl(command.args);
      case "journalctl":
        return this.#read(command);
      default:
        throw new Deno.errors.NotFound(command.program);
    }
  };

  /** The unit begins to run, as systemd-run starts it. */
  begin(name: string, description: string, identifier: string): Unit {
    const unit = {
      over: false,
      properties: {
        LoadState: "loaded",
        ActiveState: "activating",
        SubState: "start",
        Result: "success",
        ExecMainCode: "0",
        ExecMainStatus: "0",
        ControlGroup: `/system.slice/${name}`,
        TasksCurrent: "[not set]",
        SyslogIdentifier: identifier,
        Description: description,
      },
    };
    this.units.set(name, unit);
    return unit;
  }

  /** The program of a unit ends. */
  end(name: string, end: Readonly<Record<string, string>> = {}) {
    const unit = this.units.get(name);
    if (unit === undefined || unit.over) return;
    unit.over = true;
    Object.assign(unit.properties, {
      ActiveState: "active",
      SubState: "exited",
      ExecMainCode: "1",
      ControlGroup: "",
      ...end,
    });
  }

  async #start({ args, signal }: Command): Promise<Exit> {
    const option = (name: string) =>
      args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
    const name = option("--unit");
    if (this.refusal !== null) return { ...DONE, status: 1, output: [this.refusal] };
    if (this.units.has(name)) {
      const why =
        `Failed to start transient service unit: Unit ${name} was already loaded or has a fragment file.`;
      return { ...DONE, status: 1, output: [why] };
    }
    const { duration, end, lines } = this.plan;
    const identifier = option("--property=SyslogIdentifier");
    const unit = this.begin(name, option("--description"), identifier);
    this.started.push(name);
    for (const line of lines ?? []) this.journal.push({ identifier, line });
    const over = this.clock.sleep(duration).then(() => this.end(name, end));
    await Promise.race([over, new Promise((resolve) => signal?.addEventListener("abort", resolve))]);
    if (signal?.aborted) return { ...DONE, status: 143, signal: "SIGTERM", ended: "aborted" };
    return { ...DONE, status: unit.properties["ActiveState"] === "active" ? 0 : 1 };
  }

  #systemctl(all: readonly string[]): Exit {
    const [verb, ...args] = all.filter((arg) => arg !== "--no-pager" && arg !== "--no-ask-password");
    if (this.silence > 0) {
      this.silence -= 1;
      return { ...DONE, status: 1, output: ["Failed to connect to bus: Connection refused"] };
    }
    if (args.includes("--property=SystemState")) {
      return { ...DONE, output: [`SystemState=${this.systemState}`] };
    }
    const name = args.at(-1) ?? "";
    const unit = this.units.get(name);
    switch (verb) {
      case "show": {
        const properties = unit?.properties ??
          { LoadState: "not-found", ActiveState: "inactive", Result: "success" };
        return { ...DONE, output: Object.entries(properties).map(([key, value]) => `${key}=${value}`) };
      }
      case "list-units": {
        const prefix = name.replace(/\*\.service$/, "");
        const names = [...this.units.keys()].filter((unit) => unit.startsWith(prefix));
        return { ...DONE, output: names.map((unit) => `${unit} loaded active exited something`) };
      }
      case "status":
        return { ...DONE, output: ["     CGroup: /system.slice/x", ...this.trees.get(name) ?? []] };
      case "stop":
      case "reset-failed": {
        const failed = unit?.properties["ActiveState"] === "failed";
        // Neither does anything to a unit that is for the other.
        if (unit !== undefined && failed === (verb === "reset-failed")) this.units.delete(name);
        return DONE;
      }
      default:
        throw new Error(`not expected: systemctl ${all.join(" ")}`);
    }
  }

  #read({ args, onLine }: Command): Exit {
    if (args.includes("--sync")) return DONE;
    const after = Number(args.find((arg) => arg.startsWith("--after-cursor="))?.slice(15) ?? 0);
    const identifier = args.find((arg) => arg.startsWith("SYSLOG_IDENTIFIER="))?.slice(18);
    for (const [index, entry] of this.journal.entries()) {
      if (index >= after && entry.identifier === identifier) onLine?.(entry.line, "stdout");
    }
    onLine?.(`-- cursor: ${this.journal.length}`, "stdout");
    return DONE;
  }
}
