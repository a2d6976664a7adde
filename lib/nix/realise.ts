import { Failure } from "../failure/failure.ts";
import type { Exit, RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import { withoutUserInfo } from "../report/user_info.ts";
import type { Clock } from "../time/clock.ts";
import { ASK_AGAIN, nameOf, NIX_ENVIRONMENT, NIX_MISSING, type RunLogged } from "./nix_command.ts";
import type { NixFiles } from "./nix_files.ts";
import { folderOf, type ProfilePath } from "./profile_name.ts";
import { diagnoseRealise, diagnoseRefusal, findRefusal, type Refusal } from "./realise_diagnosis.ts";
import { createRoomCheck } from "./room.ts";
import type { StorePath } from "./store_path.ts";

// For one question about one path to each substituter, in milliseconds.
const INQUIRY_TIME_LIMIT = 60_000;

// For writing to the disk what was fetched, in milliseconds.
const FLUSH_TIME_LIMIT = 60_000;

/** What {@linkcode createRealise} needs. */
export interface RealiseOptions {
  readonly profile: ProfilePath;
  /** The link that keeps the garbage collector from the path. */
  readonly root: string;
  readonly storeFolder: string;
  /** How long it may take, in milliseconds, the question for the room that it needs included. */
  readonly timeLimit: number;
  readonly clock: Pick<Clock, "monotonic">;
  readonly run: RunCommand;
  readonly runLogged: RunLogged;
  readonly report: Report;
  readonly files: NixFiles;
}

/** Makes the part of the port `Nix` that fetches. */
export function createRealise(options: RealiseOptions) {
  const { profile, root, storeFolder, timeLimit, clock, run, runLogged, report, files } = options;
  const checkRoom = createRoomCheck({ storeFolder, run, files, report });

  /** Asks the substituters once more, at a verbosity that shows their refusals; nothing of it is logged. */
  const askForRefusal = async (path: StorePath, signal: AbortSignal): Promise<Refusal | null> => {
    let refusal: Refusal | null = null;
    await run({
      program: "nix-store",
      args: ["--realise", path, "--dry-run", ...ASK_AGAIN, ...Array(5).fill("--verbose")],
      env: NIX_ENVIRONMENT,
      timeLimit: INQUIRY_TIME_LIMIT,
      signal,
      onLine: (line) => refusal ??= findRefusal(withoutUserInfo(line)),
    }).catch(() => {});
    signal.throwIfAborted();
    return refusal;
  };

  /**
   * Has what was fetched written to the disk. Nix leaves that to the kernel, so after a power cut a profile could point
   * at files that are empty, and Nix could have forgotten that it has the path.
   */
  const flush = async (signal: AbortSignal) => {
    const why = await run({
      program: "sync",
      args: ["-f", storeFolder, folderOf(profile)],
      env: NIX_ENVIRONMENT,
      timeLimit: FLUSH_TIME_LIMIT,
      signal,
    }).then(
      ({ status, ended }) => ended ?? (status === 0 ? null : `status ${status}`),
      nameOf,
    );
    signal.throwIfAborted();
    if (why === null) return;
    report({
      name: "sync",
      level: "debug",
      message: `what was fetched could not be synced to the disk (sync -f: ${why}); the kernel will do so`,
    });
  };

  return async (path: StorePath, signal: AbortSignal): Promise<void> => {
    const begun = clock.monotonic();
    let exit: Exit;
    try {
      await files.makeFolder(folderOf(profile));
      await checkRoom(path, timeLimit / 2, signal);
      exit = await runLogged({
        program: "nix-store",
        // Without a root, a garbage collector could take the path before it is a generation.
        args: ["--realise", path, "--add-root", root, "--indirect", ...ASK_AGAIN],
        timeLimit: Math.max(timeLimit / 2, timeLimit - (clock.monotonic() - begun)),
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure) throw error;
      throw new Failure(error instanceof Deno.errors.NotFound ? "nix-missing" : "realise-failed", {
        what: path,
        why: error instanceof Deno.errors.NotFound
          ? "nix-store is not installed or not on PATH"
          : `nix-store cannot be run (${nameOf(error)})`,
        next: NIX_MISSING,
        cause: error,
      });
    }
    if (exit.status === 0) return await flush(signal);
    signal.throwIfAborted();
    if (exit.ended === "time-limit") {
      throw new Failure("realise-timeout", {
        what: path,
        why: "nix-store took longer than its time limit and was ended",
        next: "Look for a slow or hanging substituter, or raise realise-timeout; hail tries again.",
      });
    }
    const said = diagnoseRealise(exit.output, exit.status);
    const refusal = said.code === "path-unavailable" ? await askForRefusal(path, signal) : null;
    const { code, why, next } = refusal === null ? said : diagnoseRefusal(refusal);
    throw new Failure(code, { what: path, why, next });
  };
}
