import type { Build } from "./ports.ts";
import type { StorePath } from "../nix/store_path.ts";

/** What is known when hail decides what to do next. */
export interface Facts {
  /** The id of the job's latest successful build, as Hydra just said. */
  readonly latest: number;
  /** The build that was last fetched from Hydra. */
  readonly build: Build | null;
  /** What the profile points at. */
  readonly current: StorePath | null;
  /** The store path whose activation was the last to succeed. */
  readonly activated: StorePath | null;
  /** The id of the build that the host was last brought to, profile and activation. */
  readonly settled: number | null;
}

/** What to do next. */
export type Step =
  /** Fetch the build that Hydra names. */
  | { readonly do: "fetch" }
  /** Realise the build's path, switch the profile to it and activate it. */
  | { readonly do: "deploy"; readonly build: Build }
  /** Activate what the profile already points at. */
  | { readonly do: "activate"; readonly build: Build }
  /** Remember that the host is at this build. */
  | { readonly do: "settle"; readonly build: Build }
  /**
   * Nothing. `changed` is set when somebody else has pointed the profile elsewhere since hail settled it; that is
   * the operator's right, and stays until Hydra names another build.
   */
  | { readonly do: "nothing"; readonly build: Build; readonly changed: boolean };

/** Decides what brings the host nearer to the latest build. Pure: the same facts give the same step. */
export function nextStep({ latest, build, current, activated, settled }: Facts): Step {
  if (build?.id !== latest) return { do: "fetch" };
  if (settled === latest) return { do: "nothing", build, changed: current !== build.outPath };
  if (current !== build.outPath) return { do: "deploy", build };
  return activated === build.outPath ? { do: "settle", build } : { do: "activate", build };
}
