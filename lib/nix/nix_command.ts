import type { Command, Exit, RunCommand } from "../process/run_command.ts";
import type { Level, Report } from "../report/event.ts";
import { withoutUserInfo } from "../report/user_info.ts";

/** What the commands of Nix are run with: Nix quotes the C library's words, and those are read. */
export const NIX_ENVIRONMENT = { LC_ALL: "C.UTF-8" } as const;

/** The next step where a command of Nix is not there. */
export const NIX_MISSING =
  "Install Nix, or put the folder of nix-store and nix-env on the PATH that hail is started with.";

/**
 * By default Nix remembers for an hour that a cache did not have a path. Hydra often names a build before it is uploaded,
 * and the next try must ask again.
 */
export const ASK_AGAIN = ["--option", "narinfo-cache-negative-ttl", "0"] as const;

/** A command of Nix whose output goes to the log. */
export interface LoggedCommand extends Omit<Command, "env" | "onLine"> {
  /**
   * How much what it says on standard error matters.
   *
   * @default {"info"}
   */
  readonly level?: Level;
}

/** Runs commands of Nix whose output goes to the log, without the passwords of substituters. */
export type RunLogged = (command: LoggedCommand) => Promise<Exit>;

/** Makes a {@linkcode RunLogged}. */
export function createRunLogged(run: RunCommand, report: Report): RunLogged {
  return async ({ level = "info", ...command }) => {
    const exit = await run({
      ...command,
      env: NIX_ENVIRONMENT,
      onLine: (text, stream) => {
        // On standard output is only what hail has asked for; what Nix has to say is on standard error.
        report({
          name: "nix-output",
          level: stream === "stdout" ? "debug" : level,
          message: withoutUserInfo(text),
          fields: { program: command.program },
        });
      },
    });
    return { ...exit, output: exit.output.map(withoutUserInfo) };
  };
}

/** The last thing that Nix calls an error, or else its last words, without the passwords of substituters. */
export function lastError(output: readonly string[]): string | null {
  const said = output.findLast((line) => line.startsWith("error:")) ?? output.at(-1);
  return said === undefined ? null : withoutUserInfo(said).slice(0, 300);
}

/** The kind of an error, for a message. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown error";
}
