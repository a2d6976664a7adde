import type { Clock } from "../time/clock.ts";
import { type LineReaders, LINES_LIMIT, readLines } from "./lines.ts";
import { hasProcessGroup, signalGroup } from "./process_group.ts";

/** A program to run, and the bounds that it is run within. */
export interface Command {
  /** A name that is looked up on PATH, or an absolute path. Never a shell. */
  readonly program: string;
  readonly args: readonly string[];
  /** Variables that are set on top of hail's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may run, in milliseconds. Then its process group gets TERM and, {@linkcode KILL_GRACE} later, KILL. */
  readonly timeLimit: number;
  /** Ends the run before its time, in the same two steps. */
  readonly signal?: AbortSignal;
  /** Takes the id of the process, which is that of its process group, too, as soon as it runs. */
  readonly onStart?: (pid: number) => void;
  /** Called for each line of output as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** How a program ended. */
export interface Exit {
  /** The exit status, 128 plus the signal's number where a signal ended it. */
  readonly status: number;
  /** The signal that ended it, if one did. */
  readonly signal: string | null;
  /** Why hail ended it, if it did. */
  readonly ended: "time-limit" | "aborted" | null;
  /** What it printed: the first and the last lines of both streams, in the order of arrival. */
  readonly output: readonly string[];
}

/** Runs programs. The port through which all of hail starts processes. */
export type RunCommand = (command: Command) => Promise<Exit>;

/** How long a process group has to act on TERM before it gets KILL, in milliseconds. */
export const KILL_GRACE = 10_000;

// How often it is looked whether a process group that was told to end has ended, in milliseconds.
const GROUP_CHECK_INTERVAL = 100;

// How long output may still arrive after the program has ended, in milliseconds. A service that was started in
// the background may hold the pipe for good; its lines are still logged, but nobody waits for them.
const DRAIN_GRACE = 1_000;

// How many lines at the beginning and at the end are kept for a diagnosis. Enough for every message that Nix
// prints about one path, and bounded whatever a program says.
const KEPT_FIRST = 100;
const KEPT_LAST = 200;

/** Keeps the first and the last lines of an output. */
class Kept {
  #first: string[] = [];
  #last: string[] = [];

  add(line: string) {
    if (this.#first.length < KEPT_FIRST) this.#first.push(line);
    else if (this.#last.push(line) > KEPT_LAST) this.#last.shift();
  }

  lines = (): readonly string[] => [...this.#first, ...this.#last];
}

/**
 * Makes a {@linkcode RunCommand} that starts real processes, each in a process group (and session) of its own:
 * a signal to hail does not reach it by way of the terminal, and ending it ends all its children.
 *
 * The run is over when the program itself has ended, even if a child of its that went to the background still
 * holds its output.
 *
 * @throws {Deno.errors.NotFound} The program does not exist.
 * @throws {Deno.errors.PermissionDenied} The program cannot be executed.
 */
export function createRunCommand(clock: Clock): RunCommand {
  return async ({ program, args, env, timeLimit, signal, onStart, onLine }) => {
    signal?.throwIfAborted();
    const child = new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    onStart?.(child.pid);
    const kept = new Kept();
    const readers = (stream: "stdout" | "stderr"): LineReaders => ({
      onLine(line) {
        kept.add(line);
        onLine?.(line, stream);
      },
      onRest(lines) {
        onLine?.(`(more than ${LINES_LIMIT} lines: the rest is not logged)`, stream);
        for (const line of lines) kept.add(line);
      },
    });
    // A stream that breaks off is no failure of the program.
    const drained = Promise.all([
      readLines(child.stdout, readers("stdout")).catch(() => {}),
      readLines(child.stderr, readers("stderr")).catch(() => {}),
    ]);

    const over = new AbortController();
    let ended: Exit["ended"] = null;
    let groupGone: Promise<void> = Promise.resolve();
    const stop = (why: "time-limit" | "aborted") => {
      if (ended !== null || over.signal.aborted) return;
      ended = why;
      groupGone = endGroup(child.pid, clock);
    };
    const onAbort = () => stop("aborted");
    signal?.addEventListener("abort", onAbort, { once: true });
    // The caller may have aborted while the process was being started.
    if (signal?.aborted) onAbort();
    void clock.sleep(timeLimit, over.signal).then(() => stop("time-limit"));

    const status = await child.status;
    over.abort();
    signal?.removeEventListener("abort", onAbort);
    // The leader often dies of TERM at once, while its children still clean up.
    await groupGone;
    const grace = new AbortController();
    await Promise.race([drained.finally(() => grace.abort()), clock.sleep(DRAIN_GRACE, grace.signal)]);
    return { status: status.code, signal: status.signal, ended, output: kept.lines() };
  };
}

/** Ends a process group: TERM, and KILL for whoever is left {@linkcode KILL_GRACE} later. Returns when it is gone. */
export async function endGroup(leader: number, clock: Clock) {
  signalGroup(leader, "SIGTERM");
  const over = clock.monotonic() + KILL_GRACE;
  while (hasProcessGroup(leader)) {
    if (clock.monotonic() >= over) {
      signalGroup(leader, "SIGKILL");
      return;
    }
    await clock.sleep(GROUP_CHECK_INTERVAL);
  }
}
