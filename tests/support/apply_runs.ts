/** Runs of `hail apply-units` on a {@linkcode FakeMachine}, whole and cut off. */
import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import type { Event } from "../../lib/report/event.ts";
import { applyUnits } from "../../lib/systemd/apply_units.ts";
import { AGENT, AGENT_BUILD, serviceOf, unitFile } from "../../lib/systemd/unit_name.ts";
import { keptServices } from "../../lib/systemd/unit_text.ts";
import { FakeMachine, Killed } from "./fake_machine.ts";

export const NAMESPACE = "ns";
export const TARGET = "multi-user.target";

/**
 * The text of a unit.
 *
 * @param text What it runs; of an agent's unit, the name of the build it runs by and the services that it keeps as well:
 * `1 a8f5 web db`.
 */
export function unitText(text: string, namespace = NAMESPACE): string {
  const [program, build, ...kept] = text.split(" ");
  const more = build === undefined ? [] : [`Build=/builds/${build}`];
  const own = [`Namespace=${namespace}`, ...more, ...kept.map((service) => `Keeps=${service}`)];
  return `[Service]\nExecStart=${program}\n[X-Hail]\n${own.join("\n")}\n`;
}

/** Units by service: what each runs, as {@linkcode unitText} takes it. */
export type Wanted = Readonly<Record<string, string>>;

/** A set of units, and the one after it. */
export const INITIAL: Wanted = { changed: "1", kept: "1", manager: "1", removed: "1" };
export const NEXT: Wanted = { added: "1", changed: "2", kept: "1", manager: "2" };

/** Runs `hail apply-units` for a set of units. */
export async function apply(
  machine: FakeMachine,
  wanted: Wanted,
  { caller = "", target = "multi-user" } = {},
) {
  const events: Event[] = [];
  // A profile never changes: each set of units has a folder of its own.
  const units = `/profile-${JSON.stringify(wanted)}`.replaceAll("/", "_").replace("_", "/");
  machine.put(units, { kind: "folder" });
  for (const [service, text] of Object.entries(wanted)) {
    machine.put(`${units}/${unitFile(service)}`, { kind: "file", text: unitText(text) });
  }
  const status = await applyUnits(
    { namespace: NAMESPACE, units, target, unitFolder: "/units", callerInvocation: caller },
    {
      disk: machine.disk,
      systemd: machine.systemd,
      clock: { now: () => 0, monotonic: () => 0, sleep: (_, signal) => aborted(signal) },
      report: (event) => events.push(event),
    },
  );
  return { status, events };
}

/** Never, unless it is aborted. */
export const aborted = (signal?: AbortSignal) =>
  new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));

/** The machine is exactly as wanted, and nothing of the work is left over. */
export function assertInLine(machine: FakeMachine, wanted: Wanted, target = TARGET) {
  const files: Record<string, string> = {};
  const links: Record<string, string> = {};
  for (const [service, text] of Object.entries(wanted)) {
    const unit = unitFile(service);
    files[unit] = unitText(text);
    links[unit] = `-> ../${unit}`;
    assert.equal(machine.running(unit), unitText(text), `${service} runs what it should`);
  }
  const build = wanted[AGENT]?.split(" ")[1];
  assert.deepEqual(
    machine.folder(dirname(AGENT_BUILD)),
    build === undefined ? {} : { [basename(AGENT_BUILD)]: `-> /builds/${build}` },
  );
  assert.deepEqual(machine.folder("/units"), files);
  assert.deepEqual(machine.folder(`/units/${target}.wants`), links);
  assert.deepEqual(machine.allRunning(), Object.keys(files).sort());
  assert.deepEqual(machine.allFailed(), []);
}

/** The unit of the manager, where that has one of its own. */
export const MANAGER = "hail-manager.service";

/** The profiles that a unit of {@linkcode unitText} keeps: those it names, or that of its own name. */
function profilesOf(unit: string, text: string): readonly string[] {
  const kept = [...keptServices(text)];
  return kept.length > 0 ? kept : [serviceOf(unit) ?? ""];
}

/** A machine where a set of units runs. */
export async function machineWith(wanted: Wanted): Promise<FakeMachine> {
  const machine = new FakeMachine();
  machine.profiles = profilesOf;
  machine.patient.add(unitFile(AGENT));
  const { status } = await apply(machine, wanted);
  assert.equal(status, 0);
  machine.settle();
  machine.revive();
  return machine;
}

/** A unit as the original hail has installed it: it runs, and says nothing about whose it is. */
export function original(service: string): string {
  return `[Service]\nExecStart=/opt/bin/hail --profile hail-profiles/${service} --job-uri http://h/job/a/b/${service}\n`;
}

/** Installs a unit of the original hail, and starts it. */
export function putOriginal(machine: FakeMachine, service: string) {
  const unit = `hail-${service}.service`;
  machine.put(`/units/${unit}`, { kind: "file", text: original(service) });
  machine.put(`/units/${TARGET}.wants`, { kind: "folder" });
  machine.put(`/units/${TARGET}.wants/${unit}`, { kind: "link", to: `../${unit}` });
  machine.set(unit, "up");
}

/** Whether a run has failed since it was cut off. */
export const died = (error: unknown) =>
  error instanceof Killed || (error instanceof Error && error.cause instanceof Killed);

/** See {@linkcode AFTERMATHS}. */
export type Aftermath = (machine: FakeMachine) => void;

/** What may have happened to the machine since a run was cut off. */
export const AFTERMATHS: Record<string, Aftermath> = {
  "kill -9": (machine) => machine.settle(),
  "kill -9 and reboot": (machine) => machine.reboot(TARGET),
  "power cut": (machine) => machine.powerCut(TARGET),
  "power cut, later names kept": (machine) => machine.powerCut(TARGET, (index) => index >= 2),
  "power cut, odd names kept": (machine) => machine.powerCut(TARGET, (index) => index % 2 === 1),
  "power cut, even names kept": (machine) => machine.powerCut(TARGET, (index) => index % 2 === 0),
};

/**
 * Kills a run before each of its operations in turn, and lets another run finish the work.
 *
 * @param callerOf Says which unit has started a run, by its invocation.
 * @param originals Services that a unit of the original hail keeps at first.
 */
export async function killEverywhere(
  initial: Wanted,
  next: Wanted,
  callerOf: (machine: FakeMachine) => string,
  originals: readonly string[] = [],
) {
  const machineBefore = async () => {
    const machine = await machineWith(initial);
    for (const service of originals) putOriginal(machine, service);
    return machine;
  };
  const whole = await machineBefore();
  await apply(whole, next, { caller: callerOf(whole) });
  const operations = whole.log.length;
  for (const [name, aftermath] of Object.entries(AFTERMATHS)) {
    for (const again of ["the same caller", "somebody else"]) {
      for (let budget = 0; budget < operations; budget++) {
        const label = `${name}, operation ${budget} (${whole.log[budget]}), finished by ${again}`;
        const machine = await machineBefore();
        machine.revive(budget);
        await assert.rejects(apply(machine, next, { caller: callerOf(machine) }), died, label);
        machine.revive();
        aftermath(machine);
        const caller = again === "the same caller" ? callerOf(machine) : "";
        assert.equal((await apply(machine, next, { caller })).status, 0, label);
        machine.settle();
        try {
          assertInLine(machine, next);
          machine.revive();
          await apply(machine, next);
          assert.deepEqual(machine.log, []);
        } catch (error) {
          throw new Error(label, { cause: error });
        }
      }
    }
  }
}

/** How a run is cut off, and what comes after it. */
export interface CutOff {
  /** Three sets of units: what runs, what the run that is cut off is for, and what the one after it is for. */
  readonly sets: readonly [Wanted, Wanted, Wanted];
  /** How many operations the run may still do. */
  readonly budget: number;
  /** What has started the runs. */
  readonly callerOf: (machine: FakeMachine) => string;
  readonly aftermath: Aftermath;
}

/** A run is cut off, and one for another set comes: that ends where it should, and one more has nothing to do. */
export async function cutOffAndChanged({ sets, budget, callerOf, aftermath }: CutOff): Promise<void> {
  const [first, second, third] = sets;
  const machine = await machineWith(first);
  machine.revive(budget);
  await apply(machine, second, { caller: callerOf(machine) }).catch((error) => assert.ok(died(error)));
  machine.revive();
  aftermath(machine);
  assert.equal((await apply(machine, third, { caller: callerOf(machine) })).status, 0);
  machine.settle();
  assertInLine(machine, third);
  machine.revive();
  await apply(machine, third);
  assert.deepEqual(machine.log, []);
}
