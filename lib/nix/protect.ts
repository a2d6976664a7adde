import type { Report } from "../report/event.ts";
import { nameOf, type RunLogged } from "./nix_command.ts";
import type { StorePath } from "./store_path.ts";

// The path is there, as a rule: only a link has to be made. In milliseconds.
const TIME_LIMIT = 60_000;

/** What {@linkcode createProtect} needs. */
export interface ProtectOptions {
  /** The link that keeps the garbage collector from the path. */
  readonly root: string;
  readonly runLogged: RunLogged;
  readonly report: Report;
}

/**
 * Makes the part of the port `Nix` that keeps a path which may be gone back to. Somebody may remove old generations, and
 * collect, while a new version is being tried.
 */
export function createProtect({ root, runLogged, report }: ProtectOptions) {
  return async (path: StorePath): Promise<void> => {
    const why = await runLogged({
      program: "nix-store",
      args: ["--realise", path, "--add-root", root, "--indirect"],
      timeLimit: TIME_LIMIT,
      level: "debug",
    }).then(({ status, ended }) => ended ?? (status === 0 ? null : `status ${status}`), nameOf);
    if (why === null) return;
    report({
      name: "protect",
      level: "warning",
      message:
        `${path}, to which a roll-back would lead, cannot be protected from the garbage collector (nix-store: ${why})`,
      fields: { path },
    });
  };
}
