import type { Nix } from "../deployment/ports.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { createCollect } from "./collect.ts";
import { createRunLogged } from "./nix_command.ts";
import type { NixFiles } from "./nix_files.ts";
import { besideProfile, type ProfilePath } from "./profile_name.ts";
import { createRealise } from "./realise.ts";
import { createProtect } from "./protect.ts";
import type { Retention } from "./retention.ts";
import { createSwitch } from "./switch.ts";

/** What {@linkcode createNix} needs. */
export interface NixOptions {
  readonly profile: ProfilePath;
  /** The folder of the Nix store. */
  readonly storeFolder: string;
  /** The folder of Nix's state, below which its profiles and garbage collector roots lie. */
  readonly stateFolder: string;
  /** How long a realisation may take, in milliseconds. */
  readonly realiseTimeout: number;
  /** Which old generations stay. */
  readonly retention: Retention;
  readonly clock: Clock;
  readonly run: RunCommand;
  readonly report: Report;
  readonly files: NixFiles;
}

/** Nix as its own commands `nix-store` and `nix-env` do it. */
export function createNix(options: NixOptions): Nix {
  const { profile, realiseTimeout, run, report, files } = options;
  const root = besideProfile(profile, "root");
  const backRoot = besideProfile(profile, "back-root");
  const runLogged = createRunLogged(run, report);
  return {
    ...createSwitch({ ...options, runLogged }),
    realise: createRealise({ ...options, root, timeLimit: realiseTimeout, runLogged }),
    protect: createProtect({ root: backRoot, runLogged, report }),
    async release() {
      for (const link of [root, backRoot]) await files.remove(link).catch(() => {});
    },
    collect: createCollect({ ...options, runLogged }),
  };
}
