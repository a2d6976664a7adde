import type { StorePath } from "../nix/store_path.ts";
import type { EventName } from "./machine.ts";
import type { ServiceRecord } from "./record.ts";

/**
 * What the profile may point at by hail's own doing, in a state; anything else was somebody else. Pure.
 *
 * @param event What has just come of the state's act; it is not written down yet.
 */
export function expectedPaths(record: ServiceRecord, event?: EventName): readonly (StorePath | null)[] {
  const { state, work, seen } = record;
  const before = seen ?? null;
  if (work === null) return [before];
  switch (state) {
    case "switching":
      // A switch that was cut off, or has failed half-way, may or may not have been done.
      if (event === "switched") return [work.target.path];
      return event === "switch-failed" ? [before, work.target.path] : [before, work.target.path, null];
    case "rolling-back":
      return event === "restored"
        ? [work.goBackTo?.path ?? null]
        : [before, work.goBackTo?.path ?? null, null];
    case "failed":
      // A roll-back that failed half-way.
      return [before, work.goBackTo?.path ?? before, null];
    case "undoing":
      return event === "undone" ? [null] : [before, null];
    default:
      return [before];
  }
}
