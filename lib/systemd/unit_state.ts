import type { RunCommand } from "../process/run_command.ts";

/**
 * systemd could not be asked about a unit: `systemctl` is missing, took too long, or systemd did not answer. It says
 * nothing about the unit, and may pass: systemd answers nobody for a moment while it executes itself anew.
 */
export class UnitStateUnknown extends Error {
  override readonly name = "UnitStateUnknown";
}

/** How long systemd may take to answer, in milliseconds. A daemon-reload of a large host keeps it busy for seconds. */
export const SHOW_LIMIT = 30_000;

// The words of an error: enough to see the reason, short enough for a log line.
const REASON_LIMIT = 600;

// A property that holds a whole command line may be long; what is asked for here is short. Lines are cut by `run`.
const PROPERTY = /^([A-Za-z][A-Za-z0-9]*)=(.*)$/;

/**
 * Asks systemd about a unit. A unit that it has never heard of has answers, too: `LoadState=not-found`,
 * `ActiveState=inactive`.
 *
 * @param unit The full name, with its suffix; it may have been given by a user.
 * @param properties Names as in `systemctl show`, e.g. `ActiveState`, `NRestarts`, `Result`.
 * @param signal Gives up the question; {@linkcode UnitStateUnknown} is then thrown.
 * @returns The properties by name. One that this systemd does not know, or that does not apply to the kind of unit, is
 * missing.
 * @throws {UnitStateUnknown} If there is no answer.
 */
export async function showUnit(
  run: RunCommand,
  unit: string,
  properties: readonly string[],
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const lines = await callSystemctl(run, [
    ...["show", "--all", `--property=${properties.join(",")}`],
    ...["--", unit],
  ], signal);
  const found: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = PROPERTY.exec(line) ?? [];
    if (name !== undefined && value !== undefined && properties.includes(name)) found[name] = value;
  }
  return found;
}

/**
 * Calls `systemctl` with its words in English and without colours, and gives the lines that it printed.
 *
 * @throws {UnitStateUnknown} If it is missing, took longer than {@linkcode SHOW_LIMIT}, was given up, or failed.
 */
export async function callSystemctl(
  run: RunCommand,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const name = `systemctl ${args[0] ?? ""}`;
  let exit;
  try {
    exit = await run({
      program: "systemctl",
      args: ["--no-pager", "--no-ask-password", ...args],
      env: { LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_URLIFY: "0" },
      timeLimit: SHOW_LIMIT,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    const why = signal?.aborted
      ? `${name} was given up`
      : cause instanceof Deno.errors.NotFound
      ? "systemctl is not on PATH"
      : "systemctl cannot be executed";
    throw new UnitStateUnknown(why, { cause });
  }
  if (exit.ended === "aborted") throw new UnitStateUnknown(`${name} was given up`);
  if (exit.ended === "time-limit") {
    throw new UnitStateUnknown(`systemd did not answer ${name} within ${SHOW_LIMIT / 1000} s`);
  }
  if (exit.status === 0) return exit.output;
  const words = exit.output.join(" ").slice(0, REASON_LIMIT).replace(/\.$/, "");
  throw new UnitStateUnknown(`${name} ended with status ${exit.status}${words === "" ? "" : `: ${words}`}`);
}
