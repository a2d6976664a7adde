import type { Activator } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";

/** What {@linkcode createActivator} needs. */
export interface ActivatorOptions {
  /** The profile, an absolute path. */
  readonly profile: string;
  readonly jobUri: string;
  /** How long an activation may take, in milliseconds. */
  readonly timeLimit: number;
  readonly run: RunCommand;
  readonly report: Report;
}

/**
 * Makes an {@linkcode Activator} that starts `bin/activate` as a child in a process group of its own. It has hail's
 * environment and, in addition, `HAIL_PROFILE`, `HAIL_STORE_PATH`, `HAIL_PREVIOUS_STORE_PATH`, `HAIL_BUILD_ID` and
 * `HAIL_JOB_URI`; what is not known is empty. What it prints becomes `activate-output` events.
 */
export function createActivator({ profile, jobUri, timeLimit, run, report }: ActivatorOptions): Activator {
  const program = `${profile}/bin/activate`;
  return {
    async activate({ storePath, previous, buildId }, signal) {
      await checkProgram(program);
      let exit;
      try {
        exit = await run({
          program,
          args: [],
          env: {
            HAIL_PROFILE: profile,
            HAIL_STORE_PATH: storePath,
            HAIL_PREVIOUS_STORE_PATH: previous ?? "",
            HAIL_BUILD_ID: buildId === null ? "" : String(buildId),
            HAIL_JOB_URI: jobUri,
          },
          timeLimit,
          signal,
          onLine: (line, stream) =>
            report({ name: "activate-output", level: "info", message: line, fields: { stream } }),
        });
      } catch (error) {
        if (signal.aborted) throw aborted(program);
        throw new Failure("activate-not-executable", {
          what: program,
          // The file is there, as was seen above: so it is its interpreter that is not.
          why: error instanceof Deno.errors.NotFound
            ? "the interpreter that its first line names does not exist"
            : `it cannot be executed (${error instanceof Error ? error.name : "unknown error"})`,
          next:
            "Make its first line name an interpreter by its store path, and its format one that this machine runs.",
          cause: error,
        });
      }
      if (exit.ended === "aborted") throw aborted(program);
      if (exit.ended === "time-limit") {
        throw new Failure("activation-timeout", {
          what: program,
          why: "it took longer than its time limit and was ended with all its children",
          next: "Look at what it printed last, or raise --activation-timeout.",
        });
      }
      if (exit.status !== 0) {
        throw new Failure("activation-failed", {
          what: program,
          why: exit.signal === null ? `it ended with status ${exit.status}` : `${exit.signal} ended it`,
          next: "Look at what it printed above; hail runs it again.",
        });
      }
    },
  };
}

function aborted(program: string): Failure {
  return new Failure("activation-aborted", {
    what: program,
    why: "it was ended because hail was told twice to stop",
    next: "It runs again when hail starts.",
  });
}

async function checkProgram(program: string) {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(program);
  } catch (error) {
    throw new Failure("activate-missing", {
      what: program,
      why: error instanceof Deno.errors.NotFound
        ? "the profile has no bin/activate"
        : `it cannot be read (${error instanceof Error ? error.name : "unknown error"})`,
      next: "Point --job-uri at a job whose output has bin/activate.",
      cause: error,
    });
  }
  if (!info.isFile || ((info.mode ?? 0o111) & 0o111) === 0) {
    throw new Failure("activate-not-executable", {
      what: program,
      why: info.isFile ? "it has no execute permission" : "it is not a file",
      next: "Make bin/activate an executable file in the build.",
    });
  }
}
