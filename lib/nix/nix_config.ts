import type { RunCommand } from "../process/run_command.ts";
import { NIX_ENVIRONMENT } from "./nix_command.ts";

/** What every use of the command `nix` needs, since it is experimental to this day. */
export const NIX_COMMAND = ["--extra-experimental-features", "nix-command"] as const;

// Nix 2.8 knows only the second; the first one is its name since 2.20.
const WAYS = [["config", "show"], ["show-config"]] as const;

const TIME_LIMIT = 10_000;

/**
 * The settings of Nix that apply to this user, by name, as `nix config show` prints them, or null where it cannot be
 * asked. URIs in it may hold passwords.
 *
 * @throws The reason of the signal.
 */
export async function readNixConfig(
  run: RunCommand,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | null> {
  for (const way of WAYS) {
    const settings = new Map<string, string>();
    const exit = await run({
      program: "nix",
      args: [...NIX_COMMAND, ...way],
      env: NIX_ENVIRONMENT,
      timeLimit: TIME_LIMIT,
      signal,
      onLine(line, stream) {
        const found = stream === "stdout" ? /^([a-z0-9-]+) = ?(.*)$/.exec(line) : null;
        if (found !== null) settings.set(found[1] ?? "", found[2] ?? "");
      },
    }).catch(() => null);
    signal.throwIfAborted();
    if (exit === null) return null;
    if (exit.status === 0 && settings.size > 0) return settings;
  }
  return null;
}
