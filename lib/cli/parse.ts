import { CommanderError } from "commander";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import type { CommandLine } from "./command_line.ts";
import { buildProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** What came of reading a command line. */
export type Parsed =
  | { readonly command: CommandLine }
  /** All has been said already, help or an error: hail is to exit with this status. */
  | { readonly exit: number };

/**
 * Reads a command line. Help, version and completions go to standard output with exit status 0; what is wrong goes
 * to standard error, with a suggestion where a word is close to a known one, and exit status 2.
 */
export function parseCommandLine(
  args: readonly string[],
  profilesFolder: string,
  terminal: Terminal,
): Parsed {
  let command: CommandLine | null = null;
  const program = buildProgram(profilesFolder, VERSION, terminal, (result) => command = result);
  try {
    program.parse([...args], { from: "user" });
  } catch (end) {
    if (!(end instanceof CommanderError)) throw end;
    return { exit: end.exitCode === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage };
  }
  // Only the completion command comes to its end without an exit and without a result.
  return command === null ? { exit: EXIT_STATUS.ok } : { command };
}
