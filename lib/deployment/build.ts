import type { StorePath } from "../nix/store_path.ts";

/** A build that succeeded and can be deployed. */
export interface Build {
  readonly id: number;
  /** The path of its output `out`. */
  readonly outPath: StorePath;
  /** The name of its derivation, e.g. `web-4.0`, fit for a log line. */
  readonly name: string;
  /** When it finished: seconds since 1970-01-01T00:00:00Z, or `null` if Hydra does not say. */
  readonly finishedAt: number | null;
}
