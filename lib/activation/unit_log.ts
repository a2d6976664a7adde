import { LINES_LIMIT } from "../process/lines.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";

/** Where the lines of a unit stand in the journal. */
export interface LogSource {
  readonly unit: string;
  /** The SyslogIdentifier= of the unit, which no other run has. */
  readonly identifier: string;
}

/** What {@linkcode UnitLog} works with. */
export interface LogPorts {
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly report: Report;
}

// How often the journal is read: so often while there is something new, and less and less often otherwise. In
// milliseconds.
const SHORTEST_INTERVAL = 1_000;
const LONGEST_INTERVAL = 5_000;
const READ_LIMIT = 15_000;
// The activation counts as under way meanwhile, and a journal that another program floods may be busy for long.
const SYNC_LIMIT = 1_000;

// Behind the entries, if --show-cursor is given.
const CURSOR = /^-- cursor: (\S+)$/;

/**
 * Reports what a unit has printed, from its beginning, as `activate-output` events. The lines stand in the journal in any
 * case; where they cannot be read from there, they are missing in hail's log, and that is all.
 */
export class UnitLog {
  readonly #source: LogSource;
  readonly #ports: LogPorts;
  #cursor: string | null = null;
  #count = 0;
  // How many lines behind the cursor have been reported, when the last reading was cut off.
  #reported = 0;
  #told = false;

  constructor(source: LogSource, ports: LogPorts) {
    this.#source = source;
    this.#ports = ports;
  }

  /**
   * Reports new lines again and again.
   *
   * @param over The unit has ended; a reading that is under way comes to its end.
   * @param signal Gives up at once.
   */
  async follow(over: AbortSignal, signal: AbortSignal): Promise<void> {
    let interval = SHORTEST_INTERVAL;
    while (this.#count < LINES_LIMIT) {
      await this.#ports.clock.sleep(interval, over);
      if (over.aborted || signal.aborted) return;
      const before = this.#count;
      await this.#read(signal);
      interval = this.#count > before ? SHORTEST_INTERVAL : Math.min(interval * 1.5, LONGEST_INTERVAL);
    }
  }

  /** Reports what is left after the end of the unit. */
  async finish(signal: AbortSignal): Promise<void> {
    if (this.#count >= LINES_LIMIT) return;
    // What the program has printed last may be on its way to the journal still.
    await this.#journalctl(["--sync"], SYNC_LIMIT, signal, () => {});
    await this.#read(signal);
  }

  async #read(signal: AbortSignal) {
    const { unit, identifier } = this.#source;
    // A line is held back until the next one comes: the last one is not the program's.
    let held: string | null = null;
    let seen = 0;
    const take = (line: string) => {
      seen += 1;
      if (seen > this.#reported) this.#take(line);
    };
    const exit = await this.#journalctl(
      [
        ...["--quiet", "--no-pager", "--output=cat", "--show-cursor"],
        ...(this.#cursor === null ? [] : [`--after-cursor=${this.#cursor}`]),
        // By the identifier, since a program that was given the output to write to is in the log, too, even if it runs in
        // another unit. Anybody can write under any identifier, so only what is root's or the unit's counts.
        ...[`SYSLOG_IDENTIFIER=${identifier}`, "_TRANSPORT=stdout", "_UID=0", "+"],
        ...[`SYSLOG_IDENTIFIER=${identifier}`, "_TRANSPORT=stdout", `_SYSTEMD_UNIT=${unit}`],
      ],
      READ_LIMIT,
      signal,
      (line) => {
        if (held !== null) take(held);
        held = line;
      },
    );
    const [, cursor] = CURSOR.exec(held ?? "") ?? [];
    this.#reported = cursor === undefined ? Math.max(seen, this.#reported) : 0;
    if (cursor !== undefined) this.#cursor = cursor;
    // Where there is nothing yet, its status says so, too.
    else if (exit !== null && exit.status !== 0 && exit.output.length > 0) {
      this.#tell(`journalctl ended with status ${exit.status}: ${exit.output.join(" ").slice(0, 300)}`);
    }
  }

  #take(line: string) {
    this.#count += 1;
    const over = this.#count === LINES_LIMIT;
    if (this.#count > LINES_LIMIT) return;
    this.#ports.report({
      name: "activate-output",
      level: "info",
      message: over
        ? `(more than ${LINES_LIMIT} lines: the rest is in "journalctl -u ${this.#source.unit}")`
        : line,
      fields: { stream: "journal" },
    });
  }

  async #journalctl(
    args: readonly string[],
    timeLimit: number,
    signal: AbortSignal,
    onLine: (line: string) => void,
  ) {
    try {
      return await this.#ports.run({
        program: "journalctl",
        args,
        env: { LC_ALL: "C", SYSTEMD_COLORS: "0" },
        timeLimit,
        signal,
        // What it says on standard error is its own word.
        onLine: (line, stream) => stream === "stdout" && onLine(line),
      });
    } catch (error) {
      if (!signal.aborted) {
        this.#tell(
          error instanceof Deno.errors.NotFound
            ? "journalctl is not on PATH"
            : "journalctl cannot be executed",
        );
      }
      return null;
    }
  }

  #tell(why: string) {
    if (this.#told) return;
    this.#told = true;
    this.#ports.report({
      name: "activation-log",
      level: "debug",
      message: `what the activation prints is only in the journal, under ${this.#source.unit}: ${why}`,
      fields: { unit: this.#source.unit },
    });
  }
}
