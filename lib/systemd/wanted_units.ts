import { Failure } from "../failure/failure.ts";
import type { Disk } from "./disk.ts";
import { serviceOf } from "./unit_name.ts";
import { namespaceOf, UNIT_LIMIT } from "./unit_text.ts";

/** The most units that one namespace may have. */
export const UNITS_LIMIT = 1000;

/**
 * Reads the unit files that a profile wants installed: `hail-NAME.service` files and nothing else.
 *
 * @param folder The profile's `share/hail/units`.
 * @returns The text of each unit file, by service.
 * @throws {Failure} `usage` if there is no such folder (which must never be taken for "no units are wanted"), or if
 * anything in it is not a unit file of that namespace.
 */
export async function readWantedUnits(
  folder: string,
  namespace: string,
  disk: Pick<Disk, "list" | "read">,
): Promise<ReadonlyMap<string, string>> {
  const refuse = (what: string, why: string, cause?: unknown) =>
    new Failure("usage", {
      what,
      why,
      next: "Give the share/hail/units of a profile that hail-systemd-bootstrap.nix has built.",
      cause,
    });
  let entries;
  try {
    entries = await disk.list(folder);
  } catch (error) {
    throw refuse(folder, error instanceof Error ? error.message : "it cannot be read", error);
  }
  if (entries === null) throw refuse(folder, "there is no such folder");
  if (entries.length > UNITS_LIMIT) throw refuse(folder, `it has more than ${UNITS_LIMIT} files`);
  const units = new Map<string, string>();
  for (const { name } of entries.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    const path = `${folder}/${name}`;
    const service = serviceOf(name);
    if (service === null) throw refuse(path, "it is not named hail-NAME.service");
    let text;
    try {
      text = await disk.read(path, UNIT_LIMIT);
    } catch (error) {
      throw refuse(path, error instanceof Error ? error.message : "it cannot be read", error);
    }
    if (namespaceOf(text) !== namespace) {
      throw refuse(path, `its section X-Hail does not name the namespace "${namespace}"`);
    }
    units.set(service, text);
  }
  return units;
}
