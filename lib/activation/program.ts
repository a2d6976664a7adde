import type { Activation } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";

/** What runs the programs of a profile needs to know about it. */
export interface ProfileFacts {
  /** The profile, an absolute path. */
  readonly profile: string;
  readonly jobUri: string;
}

/** The programs of a profile that hail runs. */
export type ProgramName = "activate" | "deactivate";

/** The path of a program of a profile. */
export function programPath({ profile }: ProfileFacts, name: ProgramName): string {
  return `${profile}/bin/${name}`;
}

/** What a program of a profile is told by way of its environment. What is not known is empty. */
export function programVariables(
  { profile, jobUri }: ProfileFacts,
  { storePath, previous, buildId }: Activation,
): Readonly<Record<string, string>> {
  return {
    HAIL_PROFILE: profile,
    HAIL_STORE_PATH: storePath,
    HAIL_PREVIOUS_STORE_PATH: previous ?? "",
    HAIL_BUILD_ID: buildId === null ? "" : String(buildId),
    HAIL_JOB_URI: jobUri,
  };
}

/**
 * Looks at a program before it is run.
 *
 * @returns Whether it is there.
 * @throws {Failure} `activation-not-run` if that cannot be found out, `activate-not-executable` if it is no executable
 * file.
 */
export async function findProgram(program: string): Promise<boolean> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(program);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.FilesystemLoop) {
      return false;
    }
    throw new Failure("activation-not-run", {
      what: program,
      why: `it cannot be read (${error instanceof Error ? error.name : "unknown error"})`,
      next: "See whether the disk is well, and who may read the profile.",
      cause: error,
    });
  }
  if (info.isFile && ((info.mode ?? 0o111) & 0o111) !== 0) return true;
  throw new Failure("activate-not-executable", {
    what: program,
    why: info.isFile ? "it has no execute permission" : "it is not a file",
    next: "Make it an executable file in the build.",
  });
}

/** The failure that a profile is without the program. */
export function missing(program: string, why = "the profile does not have it", cause?: unknown): Failure {
  return new Failure("activate-missing", {
    what: program,
    why,
    next: "Point job-uri at a job whose output has bin/activate.",
    cause,
  });
}

/** The failure that a program is there, but that the system cannot execute it. */
export function notExecutable(program: string, why: string, cause?: unknown): Failure {
  return new Failure("activate-not-executable", {
    what: program,
    why,
    next:
      "Make its first line name an interpreter by its store path, and its format one that this machine runs.",
    cause,
  });
}

/** How a program ended, whoever ran it. */
export type Ended =
  | { readonly how: "exited"; readonly status: number }
  | { readonly how: "signal"; readonly signal: string }
  | { readonly how: "time-limit" }
  | { readonly how: "not-executed" }
  /** Anything else, in one clause. */
  | { readonly how: "other"; readonly why: string };

/**
 * Judges the end of a program.
 *
 * @param degradedStatuses The statuses that stand for "switched, but some unit failed".
 * @param log Where its output is, as a phrase behind "Look at".
 * @throws {Failure} `activation-failed`, `activation-timeout`, `activate-not-executable`.
 */
export function judge(
  program: string,
  ended: Ended,
  degradedStatuses: readonly number[],
  log: string,
): { readonly degraded: boolean } {
  const failed = (why: string) =>
    new Failure("activation-failed", { what: program, why, next: `Look at ${log}.` });
  switch (ended.how) {
    case "exited":
      if (ended.status === 0) return { degraded: false };
      if (degradedStatuses.includes(ended.status)) return { degraded: true };
      throw failed(`it ended with status ${ended.status}`);
    case "signal":
      throw failed(`${ended.signal} ended it`);
    case "other":
      throw failed(ended.why);
    case "not-executed":
      throw notExecutable(
        program,
        "it cannot be executed: the interpreter that its first line names does not exist, or its format is foreign",
      );
    case "time-limit":
      throw new Failure("activation-timeout", {
        what: program,
        why: "it took longer than its time limit and was ended with all its children",
        next: `Look at ${log}, or raise activation-timeout.`,
      });
  }
}
