import { describe } from "../deployment/advance.ts";
import type { Deployment, ServiceRecord, Version } from "../deployment/record.ts";
import type { StorePath } from "../nix/store_path.ts";

/** What is known of a store path: the build and the name with which it was deployed, if it was. Pure. */
export function versionOf(path: StorePath, record: ServiceRecord, history: readonly Deployment[]): Version {
  const known = [
    describe(record, path),
    ...history.flatMap(({ target, goBackTo }) => goBackTo === null ? [target] : [target, goBackTo]),
  ];
  const found = known.find((one) => one?.path === path && one.buildId !== null);
  return found ?? { path, buildId: null, name: null };
}
