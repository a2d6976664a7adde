import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import { type Action, isIdle, needsMark, type UnitState } from "./plan.ts";
import type { Systemd, Verb } from "./systemctl.ts";
import { diskFailure, draftPath, linkDestination, markPath, type Place } from "./unit_folder.ts";
import { AGENT, AGENT_BUILD, unitFile } from "./unit_name.ts";
import { pendingMark } from "./unit_text.ts";

/** What carrying out a plan needs. */
export interface ApplyPorts {
  readonly disk: Disk;
  readonly systemd: Systemd;
  /** Told of each unit that could not be brought in line; the others go on. */
  readonly failed: (service: string, error: unknown) => void;
}

/** Something that systemd is busy with. */
export interface Job {
  readonly service: string;
  readonly verb: "start" | "stop";
}

/**
 * The first half of an apply: writes what must be written, makes systemd read it, and gives systemd the jobs. It
 * waits for none of them: the jobs are systemd's from then on, and a hail that is to stop may itself be waiting for
 * the lock that this run holds.
 *
 * Every change is announced by a mark before it is made, and the mark goes when systemd has the job: a run that is
 * killed in between is finished by the next one. The unit that started this run is written but not restarted, nor are
 * those started that take over from it; and a unit that is removed keeps its file until it has stopped, since the file
 * says how it is stopped.
 *
 * @param drafts Files that a killed run has left behind.
 * @returns What systemd has to do now.
 * @throws {Failure} `activation-failed` if the files cannot be written, or systemd does not read them.
 */
export async function install(
  place: Place,
  target: string,
  plan: readonly Action[],
  drafts: readonly string[],
  ports: ApplyPorts,
): Promise<readonly Job[]> {
  const { disk, systemd } = ports;
  const touched = plan.filter((action) => !isIdle(action));
  const rewritten = touched.some((action) => needsMark(action) || relinks(action));
  await onDisk(place.unitFolder, async () => {
    for (const draft of drafts) await disk.remove(draft);
    await mark(place, touched.filter(needsMark), disk);
  });
  for (const { build } of touched) if (build !== null) await linkBuild(place, build, disk);
  await onDisk(place.unitFolder, async () => {
    for (const { service, write } of touched) {
      if (write !== null) await writeFile(`${place.unitFolder}/${unitFile(service)}`, write, disk);
    }
    // A link must not outlive the file that says whose it is.
    if (rewritten) await disk.sync(place.unitFolder);
    await relink(place, target, touched, disk);
  });
  // Even if no file has changed: what is marked may have been written by a run that did not come to this line.
  if (rewritten) await systemd.daemonReload();

  const jobs: Job[] = [];
  for (const action of touched) {
    const { service, caller, predecessor } = action;
    const job = caller || predecessor !== null ? null : jobOf(action);
    if (job === null) continue;
    const successors = job === "stop" ? successorsOf(action, plan) : [];
    try {
      if (successors.length > 0) {
        await systemd.handOver(unitFile(service), successors.map((successor) => unitFile(successor.service)));
      } else await systemd.enqueue(job, unitFile(service));
    } catch (error) {
      ports.failed(service, error);
      continue;
    }
    if (job !== "stop") await deleteMark(place, service, disk);
    for (const successor of successors) await deleteMark(place, successor.service, disk);
    jobs.push({ service, verb: job === "stop" ? "stop" : "start" });
    jobs.push(...successors.map((successor) => ({ service: successor.service, verb: "start" as const })));
  }
  // From here on a power cut takes nothing back. What it takes back before is made anew by the next run.
  if (rewritten) await syncFolder(place, disk);
  return jobs;
}

/** The units that can start only when that of `action`, which is removed, has stopped. */
function successorsOf({ service }: Action, plan: readonly Action[]): readonly Action[] {
  return plan.filter(({ predecessor }) => predecessor === service);
}

function jobOf({ kind, running }: Action): Verb | null {
  switch (kind) {
    case "install":
    case "replace":
      return "restart";
    case "reload":
      return "reload-or-restart";
    case "start":
      return "start";
    case "remove":
      return running ? "stop" : null;
    case "keep":
      return null;
  }
}

/** The marks come first, all of them: what follows may be cut off at any point. */
async function mark({ unitFolder, namespace }: Place, actions: readonly Action[], disk: Disk) {
  for (const { service } of actions) {
    await writeFile(markPath(unitFolder, service), pendingMark(namespace), disk);
  }
}

/** Lets the agent run by another build from its next start, or reload, on. */
async function linkBuild(place: Place, build: string, disk: Disk) {
  // It lies in another folder: without the mark nobody would know of it.
  await syncFolder(place, disk);
  await onDisk(AGENT_BUILD, async () => {
    await disk.link(draftPath(AGENT_BUILD), build);
    await disk.rename(draftPath(AGENT_BUILD), AGENT_BUILD);
    await disk.sync(dirname(AGENT_BUILD));
  });
}

const relinks = ({ link, unlink }: Action) => link || unlink.length > 0;

async function relink({ unitFolder }: Place, target: string, actions: readonly Action[], disk: Disk) {
  const changed = new Set<string>();
  const wants = wantsFolder(unitFolder, target);
  const linked = actions.filter(({ link }) => link);
  if (linked.length > 0 && await disk.list(wants) === null) await disk.makeFolder(wants);
  for (const { service } of linked) {
    const link = `${wants}/${unitFile(service)}`;
    await disk.link(draftPath(link), linkDestination(service));
    await disk.rename(draftPath(link), link);
    changed.add(wants);
  }
  for (const { service, unlink } of actions) {
    for (const other of unlink) {
      await disk.remove(`${wantsFolder(unitFolder, other)}/${unitFile(service)}`);
      changed.add(wantsFolder(unitFolder, other));
    }
  }
  for (const folder of changed) await disk.sync(folder);
}

const wantsFolder = (unitFolder: string, target: string) => `${unitFolder}/${target}.wants`;

/** Whether {@linkcode conclude} has anything to do after the jobs are over. */
export function needsConclusion(plan: readonly Action[]): boolean {
  return plan.some((action) => needsMark(action) && (action.caller || action.kind === "remove"));
}

/**
 * The second half of an apply: deletes the files of the removed units that have stopped, and at the very end sees to
 * the unit that started this run.
 *
 * Another run may have come in between, and may have changed its mind about a unit: only what is still marked is
 * touched.
 *
 * @param observed The units as they are now.
 * @throws {Failure} `activation-failed` if the files cannot be written, or systemd does not read them.
 */
export async function conclude(
  place: Place,
  plan: readonly Action[],
  observed: ReadonlyMap<string, UnitState>,
  ports: ApplyPorts,
): Promise<void> {
  const { disk, systemd } = ports;
  const unfinished = plan.filter(({ service }) => observed.get(service)?.pending === true);
  const stopped = unfinished.filter(({ service, kind }) =>
    kind === "remove" && observed.get(service)?.activity === "stopped"
  );
  if (stopped.length > 0) {
    for (const action of stopped) {
      if (action.caller) await startAll(place, successorsOf(action, plan), ports);
      // At worst it stays listed as failed, which is no reason to keep it.
      await systemd.resetFailed(unitFile(action.service)).catch(() => {});
      await deleteFile(place, action.service, disk);
    }
    await systemd.daemonReload();
    for (const { service } of stopped) await deleteMark(place, service, disk);
  }
  for (const action of unfinished) {
    if (action.caller && !stopped.includes(action)) {
      await concludeCaller(place, action, plan, observed, ports);
    }
  }
  if (unfinished.length > 0) await syncFolder(place, disk);
}

/** Starts what the unit that started this run would have handed over to, had it not ended by itself. */
async function startAll(place: Place, actions: readonly Action[], { disk, systemd, failed }: ApplyPorts) {
  for (const { service } of actions) {
    try {
      await systemd.enqueue("start", unitFile(service));
      await deleteMark(place, service, disk);
    } catch (error) {
      failed(service, error);
    }
  }
}

async function concludeCaller(
  place: Place,
  action: Action,
  plan: readonly Action[],
  observed: ReadonlyMap<string, UnitState>,
  { disk, systemd, failed }: ApplyPorts,
) {
  const { service, kind } = action;
  const successors = kind === "remove" ? successorsOf(action, plan) : [];
  const deleteForGood = async () => {
    await deleteFile(place, service, disk);
    await syncFolder(place, disk);
  };
  try {
    if (successors.length > 0) {
      await systemd.handOver(unitFile(service), successors.map((successor) => unitFile(successor.service)));
      for (const successor of successors) await deleteMark(place, successor.service, disk);
      // If this is not done, one of them does it: the file had to say until now whom they take over from.
      await deleteForGood();
    } else {
      // Gone first: once it is told to stop, nobody may be left to finish the work. systemd goes by what it has read
      // until it is told to read again, so the unit is still stopped as its file said.
      if (kind === "remove") await deleteForGood();
      const job = jobOf({ ...action, running: true });
      // Somebody may have told it to stop meanwhile, or the host goes down: that stands. systemd has read the new file.
      const stands = observed.get(service)?.activity === "stopping";
      if (job !== null && !stands) await systemd.enqueue(job, unitFile(service));
    }
  } catch (error) {
    failed(service, error);
    return;
  }
  await deleteMark(place, service, disk);
}

async function writeFile(path: string, text: string, disk: Disk) {
  const draft = draftPath(path);
  await disk.create(draft, text);
  await disk.rename(draft, path);
}

async function deleteFile({ unitFolder }: Place, service: string, disk: Disk) {
  await onDisk(unitFolder, () => disk.remove(`${unitFolder}/${unitFile(service)}`));
  if (service !== AGENT) return;
  await onDisk(AGENT_BUILD, async () => {
    await disk.remove(AGENT_BUILD);
    // Before the mark goes, or nobody would know of the link any more.
    await disk.sync(dirname(AGENT_BUILD));
  });
}

function deleteMark({ unitFolder }: Place, service: string, disk: Disk) {
  return onDisk(unitFolder, () => disk.remove(markPath(unitFolder, service)));
}

function syncFolder({ unitFolder }: Place, disk: Disk) {
  return onDisk(unitFolder, () => disk.sync(unitFolder));
}

async function onDisk<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(folder, error);
  }
}
