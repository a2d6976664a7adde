import type { Nix } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import type { Command, Exit, RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import { withoutUserInfo } from "../report/user_info.ts";
import { besideProfile, folderOf, type ProfilePath } from "./profile_name.ts";
import { diagnoseRealise, diagnoseRefusal, findRefusal, type Refusal } from "./realise_diagnosis.ts";
import type { StorePath } from "./store_path.ts";

/** What {@linkcode createNix} needs. */
export interface NixOptions {
  readonly profile: ProfilePath;
  /** How long a realisation may take, in milliseconds. */
  readonly realiseTimeout: number;
  readonly run: RunCommand;
  readonly report: Report;
  readonly files: NixFiles;
}

/** The little of the file system that is touched beside what Nix does itself. */
export interface NixFiles {
  /** Creates a folder and its parents; one that exists is no error. */
  makeFolder(path: string): Promise<void>;
  /** Removes a file or link; one that does not exist is no error. */
  remove(path: string): Promise<void>;
}

// nix-env --set only writes three links, but it waits for the lock of the profile, and its store for a garbage
// collector that is running.
const SWITCH_TIME_LIMIT = 5 * 60_000;

// For one question about one path to each substituter, in milliseconds.
const INQUIRY_TIME_LIMIT = 60_000;

// By default Nix remembers for an hour that a cache did not have a path. Hydra often names a build before it is
// uploaded, and the next try must ask again.
const ASK_AGAIN = ["--option", "narinfo-cache-negative-ttl", "0"] as const;

// Nix quotes the C library's words, which must be the ones that the diagnosis knows.
const NIX_ENVIRONMENT = { LC_ALL: "C.UTF-8" } as const;

const NIX_MISSING =
  "Install Nix, or put the folder of nix-store and nix-env on the PATH that hail is started with.";

/** Nix as its own commands `nix-store` and `nix-env` do it. */
export function createNix({ profile, realiseTimeout, run, report, files }: NixOptions): Nix {
  const root = besideProfile(profile, "root");

  const runNix = async (command: Omit<Command, "env" | "onLine">): Promise<Exit> => {
    const exit = await run({
      ...command,
      env: NIX_ENVIRONMENT,
      onLine: (text, stream) => {
        // On standard output is only the root that hail has asked for; what Nix has to say is on standard error.
        const level = stream === "stdout" ? "debug" : "info";
        const message = withoutUserInfo(text);
        report({ name: "nix-output", level, message, fields: { program: command.program } });
      },
    });
    return { ...exit, output: exit.output.map(withoutUserInfo) };
  };

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

  return {
    async realise(path, signal) {
      let exit: Exit;
      try {
        await files.makeFolder(folderOf(profile));
        exit = await runNix({
          program: "nix-store",
          // Without a root, a garbage collector could take the path before it is a generation.
          args: ["--realise", path, "--add-root", root, "--indirect", ...ASK_AGAIN],
          timeLimit: realiseTimeout,
          signal,
        });
      } catch (error) {
        signal.throwIfAborted();
        throw new Failure(error instanceof Deno.errors.NotFound ? "nix-missing" : "realise-failed", {
          what: path,
          why: error instanceof Deno.errors.NotFound
            ? "nix-store is not installed or not on PATH"
            : `nix-store cannot be run (${nameOf(error)})`,
          next: NIX_MISSING,
          cause: error,
        });
      }
      if (exit.status === 0) return;
      signal.throwIfAborted();
      if (exit.ended === "time-limit") {
        throw new Failure("realise-timeout", {
          what: path,
          why: "nix-store took longer than its time limit and was ended",
          next: "Look for a slow or hanging substituter, or raise --realise-timeout; hail tries again.",
        });
      }
      const said = diagnoseRealise(exit.output, exit.status);
      const refusal = said.code === "path-unavailable" ? await askForRefusal(path, signal) : null;
      const { code, why, next } = refusal === null ? said : diagnoseRefusal(refusal);
      throw new Failure(code, { what: path, why, next });
    },

    async switchTo(path) {
      const refuse = (why: string, next: string, cause?: unknown) =>
        new Failure("switch-failed", { what: profile, why, next, cause });
      let exit: Exit;
      try {
        exit = await runNix({
          program: "nix-env",
          args: ["--profile", profile, "--set", path],
          timeLimit: SWITCH_TIME_LIMIT,
        });
      } catch (error) {
        throw refuse(`nix-env cannot be run (${nameOf(error)})`, NIX_MISSING, error);
      }
      if (exit.ended === "time-limit") {
        throw refuse(
          "nix-env took longer than five minutes and was ended",
          "Look for what holds the profile's lock or the store's; hail tries again.",
        );
      }
      if (exit.status !== 0) {
        const said = exit.output.findLast((line) => line.startsWith("error:")) ?? exit.output.at(-1);
        throw refuse(
          said === undefined ? `nix-env ended with status ${exit.status}` : `Nix says: ${said.slice(0, 300)}`,
          "Make sure that the profile's folder can be written and has room; hail tries again.",
        );
      }
    },

    release: () => files.remove(root).catch(() => {}),
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown error";
}
