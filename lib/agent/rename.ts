import { STATES } from "../deployment/machine.ts";
import type { Stop } from "../deployment/ports.ts";
import type { ServiceRecord } from "../deployment/record.ts";
import { Failure } from "../failure/failure.ts";
import { copyService } from "../journal/copy.ts";
import { findGroup } from "../journal/group.ts";
import { removeState } from "../journal/remove.ts";
import { identify } from "../journal/state_file.ts";
import { databaseName } from "../journal/state_folder.ts";
import { generations } from "../nix/generations.ts";
import { createRunLogged } from "../nix/nix_command.ts";
import { nixFiles } from "../nix/nix_files.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import { storeFolder, type StorePath } from "../nix/store_path.ts";
import { createSwitch } from "../nix/switch.ts";
import type { Event, Report } from "../report/event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { encodeSettings, storedSettings } from "../settings/stored.ts";
import { STATE_GROUP } from "./compose.ts";
import { type IdleOptions, IdleService, lockForNow, type RemovalShared } from "./idle_service.ts";
import { readStrays } from "./strays.ts";

/** Where to look for what a service was called before. */
export interface RenameOptions {
  /** What the configuration says. */
  readonly services: readonly ServiceSettings[];
  /** The profiles whose databases may be open in this process: those are not touched. */
  readonly busy: Iterable<ProfilePath>;
  /** The configuration file. */
  readonly config: string;
  /** The state folder of the agent. */
  readonly folder: string;
  readonly report: Report;
  readonly stop: Stop;
  /** The profiles of services that had the name of before, whatever their databases call them. */
  readonly formerly?: ReadonlySet<ProfilePath>;
  /** Whether the service is still to go on from there: asked before each step that counts. @default always */
  readonly holds?: () => boolean;
}

/**
 * Lets a service go on that had another name before, and so another profile: the new profile gets the versions of the old
 * one that may still be needed, and the new database all that was remembered; then the old ones go. Nothing is activated or
 * deactivated. A change of name that was cut off anywhere is finished when this is called again; where nothing is to be
 * done, nothing is. Where the new profile is in use already, both stay, which is told.
 *
 * Neither the old nor the new service may be kept meanwhile; the locks of both profiles are held. Where it fails, the service
 * must not be begun: it would be deployed as if it were new.
 *
 * @throws {Failure} `profile-held`: another hail keeps one of them. `switch-failed`: a profile cannot be read or written.
 * `state-unwritable`, `state-damaged`, `state-newer`: what is remembered cannot be read or written. `activation-not-run`,
 * `activation-aborted`: an activation is under way, and its end cannot be waited for.
 * @throws The reason of `stop.gently`, between two steps.
 */
export async function takeOverRenamed(
  service: ServiceSettings,
  options: RenameOptions,
  shared: RemovalShared,
): Promise<void> {
  const { profile, name, renamedFrom } = service;
  if (renamedFrom === undefined) return;
  const { config, folder, stop, formerly, holds = () => true } = options;
  // The events of an agent say of which service they are.
  const report = (event: Event) => options.report({ ...event, service: name });
  const strays = readStrays({ ...options, storeFolder: storeFolder(shared.env) });
  const before = strays.find(({ profile: of, settings: { agent } }) =>
    agent?.config === config && (agent.name === renamedFrom || formerly?.has(of) === true)
  );
  if (before === undefined) {
    if (hasState(folder, profile)) return;
    return report({
      name: "rename-unknown",
      level: "debug",
      message: `nothing is remembered of ${renamedFrom}, as it was called before`,
      fields: { from: renamedFrom },
    });
  }
  const lock = await lockForNow(before.profile, shared);
  try {
    const other = await lockForNow(profile, shared);
    try {
      // At a reload a thousand services may get other names.
      await shared.turns.activation.take(stop.gently, async () => {
        if (holds()) await rename(service, { ...options, report, from: before.profile }, shared);
      });
    } finally {
      other.release();
    }
  } finally {
    lock.release();
  }
}

/**
 * The profile of the other one, where a change of name was cut off when there may be two of a service: the old one, and a copy
 * that nobody has begun with. Which of them is to stay is for whoever holds the locks of both to decide. Null where there is one.
 */
export function twinOf({ settings }: IdleService, folder: string): string | null {
  const { renaming, copying, copyOf } = settings;
  const other = copyOf ?? (copying === true ? renaming : undefined);
  return other !== undefined && hasState(folder, other) ? other : null;
}

/**
 * Takes away one of two, as the service goes on as the other one.
 *
 * @throws {Failure} `switch-failed`, `state-unwritable`: it cannot be taken away.
 */
export async function takeAway(
  service: IdleService,
  { folder, profile }: Pick<IdleOptions, "folder" | "profile">,
  { failPoint }: RemovalShared,
): Promise<void> {
  await service.removeProfile(true);
  failPoint?.("rename unlinked");
  removeState(folder, profile);
}

/** What is told where a service does not go on from where another one was. */
export function refusedWords(from: string, why: string): string {
  return `it does not take over from ${from}, which stays until renamed-from is taken out, ` +
    `and goes then as its on-removal said: ${why}`;
}

async function rename(
  service: ServiceSettings,
  options: RenameOptions & { readonly from: ProfilePath },
  shared: RemovalShared,
): Promise<void> {
  const { profile, name } = service;
  const { from, folder, report, stop, holds = () => true } = options;
  const place = { profile: from, folder, report };
  const old = IdleService.read(place, shared);
  if (old === null) return;
  const fields = { from, profile };
  const refuse = (why: string) =>
    report({ name: "rename-refused", level: "warning", message: refusedWords(from, why), fields });
  const { renaming, copying, ...kept } = old.settings;
  // Neither of the two is kept now, so that what is in the new place can be read.
  const isCopied = isCopyOf(from, { ...place, profile }, shared);
  const isDone = isCopied && renaming === profile && copying === true;
  if (!isDone) {
    // Somebody has begun with the old one again since it was copied.
    if (isCopied) removeState(folder, profile);
    const twin = twinOf(old, folder);
    if (twin !== null && twin !== profile) return refuse(`it may go on as ${twin} already`);
    const why = await hindrance(old, service, folder, shared);
    if (why !== null) return refuse(why);
  }
  const noted = { ...kept, renaming: profile };
  if (!isDone) {
    old.write(noted);
    shared.failPoint?.("rename noted");
    stop.gently.throwIfAborted();
    await old.outwait(stop);
    if (!holds()) return;
  }
  // Also where that was done before: what has become of the new profile since is not known.
  await point(service, old, options, shared);
  shared.failPoint?.("rename pointed");
  if (!holds()) return;
  if (!isDone) {
    old.write({ ...noted, copying: true });
    shared.failPoint?.("rename copying");
    copy(service, old, options, shared);
    shared.failPoint?.("rename copied");
    if (!holds()) return;
  }
  await takeAway(old, place, shared);
  report({
    name: "renamed",
    level: "info",
    message:
      `${name} goes on from where ${service.renamedFrom} was: its profile is ${profile} now, before ${from}`,
    fields,
  });
}

/** Makes the new database, with all that is remembered of the old service. */
function copy(
  service: ServiceSettings,
  old: IdleService,
  { folder, config }: Pick<RenameOptions, "folder" | "config">,
  { clock }: RemovalShared,
): void {
  const { profile, jobUri } = service;
  old.withStored((stored) =>
    copyService(stored, {
      folder,
      profile,
      jobUri: jobUri.text,
      settings: encodeSettings({ ...storedSettings(service, config), copyOf: old.profile }),
      gid: findGroup(STATE_GROUP),
      now: clock.now(),
    })
  );
}

/** Whether what is in a place is the copy of a service, and nobody has begun with it. */
function isCopyOf(from: ProfilePath, place: IdleOptions, shared: RemovalShared): boolean {
  try {
    return IdleService.read(place, shared)?.settings.copyOf === from;
  } catch (error) {
    // Whoever opens it deals with that.
    if (error instanceof Failure) return false;
    throw error;
  }
}

/** What stands in the way of a change of name; null for nothing. */
async function hindrance(
  old: IdleService,
  { profile }: ServiceSettings,
  folder: string,
  { env, files = nixFiles }: RemovalShared,
): Promise<string | null> {
  if (hasState(folder, profile)) return `${profile} has a state of its own already`;
  // What is there is of an earlier try.
  if (old.settings.renaming === profile) return null;
  const target = await files.readLink(profile).catch(() => undefined);
  if (target === null) return null;
  if (target === undefined) return `${profile} is there already`;
  const store = storeFolder(env);
  const there = await generations(profile, store, files);
  const kept = new Set((await generations(old.profile, store, files)).map(({ path }) => path));
  const isOurs = there.length > 0 && there.every(({ path }) => kept.has(path));
  return isOurs ? null : `${profile} is there already`;
}

/** Makes the new profile point at what the old one points at, with the versions that may be gone back to behind it. */
async function point(
  { profile }: ServiceSettings,
  old: IdleService,
  { from, report }: Pick<RenameOptions, "report"> & { readonly from: ProfilePath },
  { env, run, files = nixFiles }: RemovalShared,
): Promise<void> {
  const current = await old.current();
  if (current === null) return;
  const store = storeFolder(env);
  const { switchTo } = createSwitch({
    profile,
    storeFolder: store,
    runLogged: createRunLogged(run, report),
    files,
  });
  const needed = neededPaths(old.record);
  // Only what the old profile keeps is surely there.
  const kept = (await generations(from, store, files)).map(({ path }) => path);
  const made = (await generations(profile, store, files)).map(({ path }) => path);
  for (const path of new Set(kept)) {
    if (needed.has(path) && path !== current && !made.includes(path)) await switchTo(path);
  }
  await switchTo(current);
}

/** The versions besides the current one that a service may have to go to. */
function neededPaths({ state, work, previous }: ServiceRecord): ReadonlySet<StorePath> {
  const versions = [previous, work?.goBackTo, STATES[state] === null ? null : work?.target];
  return new Set(versions.flatMap((version) => version?.path ?? []));
}

function hasState(folder: string, profile: string): boolean {
  return identify(`${folder}/${databaseName(profile)}`) !== null;
}
