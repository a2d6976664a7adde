import { Failure } from "../failure/failure.ts";
import { DEFAULTS, type HealthCheck } from "./check.ts";

/** How long a run of a profile's own check may take, in milliseconds. Nobody can set it, so it is generous. */
export const SHIPPED_TIMEOUT = 30_000;

/**
 * The check that a profile brings itself, `bin/health-check`; null if there is none.
 *
 * @param profile The profile, an absolute path.
 * @throws {Failure} `health-failed` if it is there, but is no file that can be executed.
 */
export async function findShippedCheck(profile: string): Promise<HealthCheck | null> {
  const program = `${profile}/bin/health-check`;
  const refuse = (why: string, cause?: unknown) =>
    new Failure("health-failed", {
      what: program,
      why,
      next: "Make bin/health-check an executable file in the build, or leave it out.",
      cause,
    });
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(program);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !await isLink(program)) return null;
    if (error instanceof Deno.errors.NotADirectory) return null;
    throw refuse(
      error instanceof Deno.errors.NotFound
        ? "it is a link to nothing"
        : `it cannot be read (${error instanceof Error ? error.name : "unknown error"})`,
      error,
    );
  }
  if (!info.isFile) throw refuse("it is not a file");
  if (((info.mode ?? 0o111) & 0o111) === 0) throw refuse("it has no execute permission");
  return {
    kind: "exec",
    name: "bin/health-check",
    required: true,
    interval: DEFAULTS.interval,
    timeout: SHIPPED_TIMEOUT,
    threshold: DEFAULTS.threshold,
    program,
    args: [],
  };
}

async function isLink(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(({ isSymlink }) => isSymlink, () => false);
}
