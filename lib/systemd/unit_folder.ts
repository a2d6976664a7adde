import { Failure } from "../failure/failure.ts";
import type { Disk } from "./disk.ts";
import { ABSENT, type UnitState } from "./plan.ts";
import type { Systemd } from "./systemctl.ts";
import { AGENT, AGENT_BUILD, serviceOf, unitFile } from "./unit_name.ts";
import { isAdoptable, namespaceOf, UNIT_LIMIT } from "./unit_text.ts";

/** Where the units of a namespace are installed. */
export interface Place {
  /** The folder of systemd's unit files, such as `/etc/systemd/system`. */
  readonly unitFolder: string;
  readonly namespace: string;
}

/** The mark that a change of a unit is under way. The dot in front makes systemd ignore it. */
export function markPath(unitFolder: string, service: string): string {
  return `${unitFolder}/.${unitFile(service)}.pending`;
}

/** Where a file stands before it gets its name. Only the holder of the lock writes such a file. */
export function draftPath(path: string): string {
  const cut = path.lastIndexOf("/") + 1;
  const name = path.slice(cut);
  return `${path.slice(0, cut)}${name.startsWith(".") ? "" : "."}${name}.draft`;
}

/** The file whose lock gives the right to change the units of the folder. */
export function lockPath(unitFolder: string): string {
  return `${unitFolder}/.hail.lock`;
}

/** Where a link in a `.wants` folder leads. */
export function linkDestination(service: string): string {
  return `../${unitFile(service)}`;
}

const PENDING = /^\.(hail(?:-.*)?\.service)\.pending$/;
const DRAFT = /^\.hail(?:-.*)?\.service(?:\.pending)?\.draft$/;
const WANTS = /^(.*\.target)\.wants$/;

/** What is there of a namespace. */
export interface Observation {
  readonly units: ReadonlyMap<string, UnitState>;
  /** Files that a killed run has left behind, by path. */
  readonly drafts: readonly string[];
}

/**
 * Looks at the units of a namespace, in the unit folder and in systemd.
 *
 * @param wanted The services whose units are wanted; they are looked at even if the folder has nothing of theirs.
 * @param kept The services that a wanted unit keeps, besides the one that it is named after.
 * @param caller The invocation of the unit that this run was started from, or null.
 * @throws {Failure} `activation-failed` if the folder cannot be read or systemd does not answer.
 */
export async function observe(
  place: Place,
  wanted: ReadonlySet<string>,
  kept: ReadonlySet<string>,
  caller: string | null,
  ports: { readonly disk: Disk; readonly systemd: Systemd },
): Promise<Observation> {
  const found = await readFolder(place, ports.disk);
  for (const service of wanted) if (!found.units.has(service)) found.units.set(service, ABSENT);
  const names = [...found.units.keys()].sort();
  const shown = await ports.systemd.show(names.map(unitFile));
  const units = new Map<string, UnitState>();
  for (const [index, service] of names.entries()) {
    const state = found.units.get(service) ?? ABSENT;
    const status = shown[index];
    if (status === undefined) continue;
    // A run that was to adopt it was killed before it did, and now nobody wants that: only the mark was made.
    const abandoned = state.adoptable && state.pending && !wanted.has(service) && !kept.has(service);
    if (abandoned) found.drafts.push(markPath(place.unitFolder, service));
    if (service === AGENT && await readLinkAt(draftPath(AGENT_BUILD), ports.disk) !== null) {
      found.drafts.push(draftPath(AGENT_BUILD));
    }
    units.set(service, {
      ...state,
      build: service === AGENT ? await readLinkAt(AGENT_BUILD, ports.disk) : null,
      pending: state.pending && !abandoned,
      foreign: state.foreign ?? await foreignFragment(place, service, state, status.fragment, ports.disk),
      activity: activityOf(status.active),
      caller: caller !== null && status.invocation === caller,
    });
  }
  return { units, drafts: found.drafts };
}

/** Where a link leads; null if there is no link. */
async function readLinkAt(path: string, disk: Disk): Promise<string | null> {
  try {
    return await disk.readLink(path);
  } catch {
    return null;
  }
}

function activityOf(activeState: string): UnitState["activity"] {
  switch (activeState) {
    case "active":
    case "reloading":
    case "refreshing":
      return "active";
    case "deactivating":
      return "stopping";
    case "inactive":
    case "failed":
      return "stopped";
    default:
      return "starting";
  }
}

async function readFolder(place: Place, disk: Disk) {
  const { unitFolder } = place;
  const units = new Map<string, UnitState>();
  const drafts: string[] = [];
  const add = (service: string, more: Partial<UnitState>) =>
    units.set(service, { ...ABSENT, ...units.get(service), ...more });
  const folders: string[] = [];
  for (const { name, kind } of await disk.list(unitFolder) ?? []) {
    const service = serviceOf(name);
    const marked = serviceOf(PENDING.exec(name)?.[1] ?? "");
    if (service !== null) add(service, await readUnit(place, service, kind === "file", disk));
    else if (marked !== null && await isOurs(place, `${unitFolder}/${name}`, disk)) {
      add(marked, { pending: true });
    } else if (DRAFT.test(name)) drafts.push(`${unitFolder}/${name}`);
    else if (WANTS.test(name) && kind === "folder") folders.push(name);
  }
  for (const folder of folders.sort()) {
    const target = WANTS.exec(folder)?.[1] ?? "";
    for (const { name, kind } of await disk.list(`${unitFolder}/${folder}`) ?? []) {
      if (DRAFT.test(name)) drafts.push(`${unitFolder}/${folder}/${name}`);
      const service = serviceOf(name);
      if (service === null || kind !== "link") continue;
      const destination = await disk.readLink(`${unitFolder}/${folder}/${name}`);
      const good = [linkDestination(service), `${unitFolder}/${unitFile(service)}`].includes(destination);
      const before = units.get(service)?.targets ?? [];
      if (good) add(service, { targets: [...before, target] });
    }
  }
  return { units, drafts };
}

async function readUnit(
  place: Place,
  service: string,
  isFile: boolean,
  disk: Disk,
): Promise<Partial<UnitState>> {
  if (!isFile) return { foreign: "it is not a plain file" };
  const path = `${place.unitFolder}/${unitFile(service)}`;
  let content: string;
  try {
    content = await disk.read(path, UNIT_LIMIT);
  } catch (error) {
    return { foreign: `it cannot be read (${error instanceof Error ? error.message : "unknown error"})` };
  }
  const namespace = namespaceOf(content);
  if (namespace === place.namespace) return { content };
  if (namespace === null && isAdoptable(content, service)) return { content, adoptable: true };
  return {
    foreign: namespace === null
      ? "it is not one of hail's"
      : `it belongs to hail's namespace ${JSON.stringify(namespace)}`,
  };
}

/** A unit of that name may come from another folder, such as that of the distribution: it is not ours to override. */
async function foreignFragment(
  place: Place,
  service: string,
  state: UnitState,
  fragment: string,
  disk: Disk,
): Promise<string | null> {
  const own = `${place.unitFolder}/${unitFile(service)}`;
  if (state.content !== null || fragment === "" || fragment === own) return null;
  if (await isOurs(place, fragment, disk)) return null;
  return `its file is ${fragment}`;
}

async function isOurs(place: Place, path: string, disk: Disk): Promise<boolean> {
  try {
    return namespaceOf(await disk.read(path, UNIT_LIMIT)) === place.namespace;
  } catch {
    return false;
  }
}

/** What an error of the file system comes to. */
export function diskFailure(path: string, error: unknown): Failure {
  const readOnly = error instanceof Error && /read-only/i.test(error.message);
  return new Failure("activation-failed", {
    what: path,
    why: error instanceof Error ? error.message : "the file system failed",
    next: readOnly
      ? "Build the profile with a unitFolder that can be written, such as /etc/systemd/system.attached on NixOS."
      : "Check that the folder is there, that root may write it, and that its disk is not full.",
    cause: error,
  });
}
