/** Gates that are programs. */
import { KILL_GRACE } from "../process/run_command.ts";
import { whyNotStarted } from "../process/not_started.ts";
import { sanitise } from "../report/sanitise.ts";
import { withoutUserInfo } from "../report/user_info.ts";
import { readDuration } from "../text/duration.ts";
import { type Program, readProgram } from "../text/program.ts";
import { formatDuration } from "../time/period.ts";
import { GateFault, type Kind } from "./gate.ts";

/** What a gate of the kind `exec` has. */
export interface ExecTarget extends Program {
  /** How long it may run, in milliseconds. */
  readonly timeout: number;
}

/** "Not now": EX_TEMPFAIL of sysexits.h. */
const NOT_NOW = 75;

const DEFAULT_TIMEOUT = 60_000;
const SHORTEST = 100;
const LONGEST = 3_600_000;

/** How much of what a program says is shown, in characters. */
const WORDS_LIMIT = 200;

/** How much longer than its time a program takes that must be killed, in milliseconds. */
const END_LIMIT = KILL_GRACE + 5_000;

/**
 * `exec PROGRAM` or `exec "PROGRAM ARGUMENT..."`: status 0 is open, 75 is closed, and the first line that it prints is the
 * reason. It is not a shell that splits the words. The program runs in a process group of its own, which is ended at its
 * timeout.
 */
export const exec: Kind<ExecTarget> = {
  synopsis: 'exec "PROGRAM [ARGUMENT...]" [timeout=TIME]',
  about: "a program decides",
  keys: ["timeout"],
  hint: 'Put the program and its arguments in quotes together: exec "PROGRAM ARGUMENT...".',
  read: (text, { timeout }) => ({
    ...readProgram(text),
    timeout: timeout === undefined
      ? DEFAULT_TIMEOUT
      : readDuration("timeout", timeout, { least: SHORTEST, most: LONGEST }),
  }),
  nameOf: ({ program }) => program,
  open: ({ program, args, timeout, name }, { run, environment, profile, jobUri, onLine }) => ({
    limit: timeout + END_LIMIT,
    async ask({ build }, _now, signal) {
      let said: string | null = null;
      let exit;
      try {
        exit = await run({
          program,
          args,
          env: {
            ...environment,
            HAIL_PROFILE: profile,
            HAIL_JOB_URI: jobUri,
            HAIL_BUILD_ID: String(build.id),
            HAIL_STORE_PATH: build.outPath,
          },
          timeLimit: timeout,
          signal,
          onLine(line, stream) {
            if (stream === "stdout") said ??= line;
            onLine(name, line, stream);
          },
        });
      } catch (error) {
        signal.throwIfAborted();
        throw new GateFault(whyNotStarted(error), "Check the program and its path.", error);
      }
      signal.throwIfAborted();
      if (exit.ended !== null) {
        throw new GateFault(
          `it did not end within ${formatDuration(timeout)}`,
          "See what it waits for, or give it more time with timeout=.",
        );
      }
      if (exit.status === 0) return null;
      if (exit.status === NOT_NOW && exit.signal === null) {
        return { why: words(said) || "the program says not now", askAgainAt: null };
      }
      const how = exit.signal === null ? `it ended with status ${exit.status}` : `${exit.signal} ended it`;
      const last = words(exit.output.at(-1) ?? null);
      throw new GateFault(
        last === "" ? how : `${how}: ${last}`,
        `Let it end with 0 for "yes", or ${NOT_NOW} for "not now".`,
      );
    },
  }),
};

/** A line of a program's, fit for a log. */
function words(line: string | null): string {
  return sanitise(withoutUserInfo(line ?? ""), WORDS_LIMIT).trim();
}
