import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { generations } from "./generations.ts";
import { lastError, nameOf, type RunLogged } from "./nix_command.ts";
import type { NixFiles } from "./nix_files.ts";
import { pinnedGenerations } from "./pins.ts";
import type { ProfilePath } from "./profile_name.ts";
import { generationsToRemove, type Retention } from "./retention.ts";
import type { StorePath } from "./store_path.ts";
import { SWITCH_TIME_LIMIT } from "./switch.ts";

// How many generations one nix-env is given: a bound on its arguments.
const BATCH = 200;

// How long links to generations may be looked for, in milliseconds.
const PINS_TIME_LIMIT = 60_000;

/** What {@linkcode createCollect} needs. */
export interface CollectOptions {
  readonly profile: ProfilePath;
  readonly storeFolder: string;
  readonly stateFolder: string;
  readonly retention: Retention;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly runLogged: RunLogged;
  readonly report: Report;
  readonly files: NixFiles;
}

/** Makes the part of the port `Nix` that removes old generations. */
export function createCollect(options: CollectOptions) {
  const { profile, storeFolder, stateFolder, retention, clock, runLogged, report, files } = options;

  const removeBatch = async (numbers: readonly number[]) => {
    const exit = await runLogged({
      program: "nix-env",
      args: ["--profile", profile, "--delete-generations", ...numbers.map(String)],
      timeLimit: SWITCH_TIME_LIMIT,
      level: "debug",
    });
    if (exit.ended === "time-limit") throw new Error("nix-env took longer than five minutes and was ended");
    if (exit.status === 0) return;
    const said = lastError(exit.output);
    throw new Error(said === null ? `nix-env ended with status ${exit.status}` : `Nix says: ${said}`);
  };

  /** A link that leads to a file system which does not answer must not hold hail up. */
  const withinTime = async <T>(work: Promise<T>): Promise<T> => {
    const over = new AbortController();
    // Where the time is over, nobody hears what comes of it later.
    work.catch(() => {});
    const late = clock.sleep(PINS_TIME_LIMIT, over.signal).then(() => {
      throw new Error("to look for links to them took longer than a minute");
    });
    late.catch(() => {});
    try {
      return await Promise.race([work, late]);
    } finally {
      over.abort();
    }
  };

  return async (keep: readonly StorePath[]): Promise<void> => {
    // Most hosts have set no bound; the folders of the whole machine are not looked through for nothing.
    if (retention.generations === null && retention.days === null) return;
    try {
      const all = await generations(profile, storeFolder, files);
      const facts = { generations: all, keep, now: clock.now() };
      if (generationsToRemove({ ...facts, pinned: new Set() }, retention).length === 0) return;
      const pinned = await withinTime(pinnedGenerations(profile, stateFolder, files));
      const numbers = generationsToRemove({ ...facts, pinned }, retention);
      for (let at = 0; at < numbers.length; at += BATCH) {
        const batch = numbers.slice(at, at + BATCH);
        await removeBatch(batch);
        report({
          name: "generations-removed",
          level: "info",
          message: `removed ${batch.length === 1 ? "the old generation" : "the old generations"} ${
            batch.join(", ")
          } of ${profile}`,
          fields: { profile, generations: batch.join(" "), count: batch.length },
        });
      }
    } catch (error) {
      report({
        name: "generations-kept",
        level: "warning",
        message: `old generations of ${profile} could not be removed: ${
          error instanceof Error && error.message !== "" ? error.message : nameOf(error)
        }`,
        fields: { profile },
      });
    }
  };
}
