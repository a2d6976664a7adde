import type { Failure } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import { anySignal } from "../time/any_signal.ts";
import type { Clock } from "../time/clock.ts";
import { type ActPorts, type Limits, perform, short } from "./acts.ts";
import { advance, type Happening } from "./advance.ts";
import { pauseInForce, type Policy } from "./decision.ts";
import { expectedPaths } from "./expected.ts";
import { type EventName, STATES } from "./machine.ts";
import { outcomeOf, rolledBackEvent } from "./outcome.ts";
import type { Activator, GateQuestion, Gates, Journal, Nix, Stages, Stop, Turns, Verifier } from "./ports.ts";
import type { Closed, ServiceRecord } from "./record.ts";

/** What a {@linkcode Driver} works with. */
export interface DriverPorts {
  readonly nix: Nix;
  readonly activator: Activator;
  readonly verifier: Verifier;
  readonly gates: Gates;
  readonly turns: Turns;
  readonly journal: Journal;
  /** What the profile points at now. */
  readonly current: () => Promise<StorePath | null>;
  readonly clock: Clock;
  readonly stages: Stages;
  readonly report: Report;
  /** The id of the host's present boot. */
  readonly bootId: () => Promise<string>;
  /** Called just before and just after each transition is written, so that a test can end the process there. */
  readonly failPoint?: (point: string) => void;
}

/** How deployments are done. */
export interface DriverOptions {
  readonly limits: Limits;
  readonly policy: Policy;
}

// Removing old generations waits for a garbage collector that is running.
const CLEAN_UP_LIMIT = 30 * 60_000;

/** The failures that pass; where the service is not well, they are not what the outcome tells. */
const PASSING: readonly EventName[] = ["realise-failed", "switch-failed"];

/** Aborts what cannot be waited for when the operator wants to go back. */
const URGENT = new Error("the operator wants to roll back");

/**
 * Takes a deployment through the state machine: writes each transition down, does the act that it leads to, and hands what
 * comes of that to the machine again. In between it looks whether somebody else has changed the profile.
 */
export class Driver {
  readonly #ports: DriverPorts;
  readonly #options: DriverOptions;
  #urgent = new AbortController();
  #reconciled = false;
  /** Whether the gates are not asked. */
  #pastGates = false;
  /** Whether somebody has asked for this pass. */
  #woken = false;
  /** The failure that is behind the present state, if it was met in this life. */
  #failure: Failure | null = null;

  constructor(ports: DriverPorts, options: DriverOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  get #record(): ServiceRecord {
    return this.#ports.journal.record;
  }

  /** Ends a realisation or a verification, now and until {@linkcode Driver.calm}: the operator cannot wait for them. */
  hurry(): void {
    this.#urgent.abort(URGENT);
  }

  /** Whether the operator is in a hurry. */
  get hurried(): boolean {
    return this.#urgent.signal.aborted;
  }

  /** Ends the hurry. */
  calm(): void {
    this.#urgent = new AbortController();
  }

  /** Says how the gates are to be asked in this pass, if at all. */
  setGates({ past, woken }: { readonly past: boolean; readonly woken: boolean }): void {
    this.#pastGates = past;
    this.#woken = woken;
  }

  /**
   * Asks the gates whether a build may be deployed now, and remembers the one that is closed.
   *
   * @throws {Failure} It cannot be known.
   * @throws The reason of `stop.gently`; anything else once the operator is in a hurry.
   */
  async askGates(build: GateQuestion["build"], first: boolean, stop: Stop): Promise<Closed | null> {
    const { gates, journal, stages, clock } = this.#ports;
    const { closed: before, latestSince } = this.#record;
    const knownSince = latestSince ?? clock.now();
    // A record of an earlier hail; the age of the build must not begin anew at each question.
    if (latestSince === null) journal.note({ latestSince: knownSince }, true);
    let closed: Closed | null = null;
    if (!this.#pastGates) {
      stages.enter("asking the gates", gates.limit);
      using any = anySignal(stop.gently, this.#urgent.signal);
      closed = await gates.ask({ build, knownSince, first, woken: this.#woken }, any.signal);
    }
    const same = before?.gate === closed?.gate && before?.why === closed?.why &&
      before?.askAgainAt === closed?.askAgainAt;
    if (!same) journal.note({ closed }, before !== null && closed !== null);
    return closed;
  }

  /** What the last deployment has to say to whoever asked for it: nothing, if it went well. */
  outcome(): Failure | null {
    return outcomeOf(this.#record, this.#failure);
  }

  /**
   * Sets right, once in each life, what an earlier life has left in the middle and cannot simply be done again.
   *
   * @param verifying Whether that includes a verification.
   */
  reconcile(verifying = true): void {
    if (this.#reconciled) return;
    this.#reconciled = true;
    const { state, work } = this.#record;
    if (work !== null && (STATES[state] !== null || state === "discovered")) {
      this.#ports.report({
        name: "resume",
        level: "warning",
        message: `deployment ${work.id} of ${short(work.target)} was cut off while ${state}; it goes on`,
        fields: { deployment: work.id, state, path: work.target.path },
      });
    }
    // Hydra may name another build by now.
    if (state === "discovered" || state === "realising") this.take({ event: "interrupted" });
    // The host may have been started anew in between.
    if (verifying && (state === "verifying" || state === "reverifying")) this.take({ event: "resumed" });
  }

  /**
   * Does one act after the other until a state of rest is reached, or the operator is in a hurry.
   *
   * @throws {Failure} What says nothing about the build: the state stays, and its act is done again.
   * @throws The reason of `stop.gently`.
   */
  async drive(stop: Stop): Promise<void> {
    const { journal, current, report, nix, activator, stages } = this.#ports;
    const ports: ActPorts = {
      ...this.#ports,
      noteLeader: (leader) => {
        const { work } = this.#record;
        if (work !== null) journal.note({ work: { ...work, leader } });
      },
      noteBegin: () => {
        const { work } = this.#record;
        if (work !== null) journal.note({ work: { ...work, begun: work.begun + 1 } });
      },
    };
    for (;;) {
      const { state, work, seen } = this.#record;
      const act = STATES[state];
      if (act === null || work === null) break;
      stop.gently.throwIfAborted();
      if (this.noticeChange(await current())) break;
      const task = {
        work,
        before: seen ?? null,
        limits: this.#options.limits,
        stop,
        urgent: this.#urgent.signal,
      };
      let done;
      try {
        done = await perform(act, task, ports);
      } catch (error) {
        if (error !== URGENT || stop.gently.aborted) throw error;
        // What was being verified is left from that state; what was being realised waits.
        if (state === "realising") {
          this.#failure = null;
          this.take({ event: "interrupted" });
        }
        return;
      }
      this.#failure = done.failure ?? this.#failure;
      if (this.noticeChange(await current(), done.happening.event)) break;
      if (done.happening.event === "realised" && !await this.#maySwitch(stop)) break;
      this.take(done.happening);
      // Where nothing more can be done, whoever asked for the deployment is told.
      const { state: after } = this.#record;
      const aside = STATES[after] !== null || (after === "failed" && PASSING.includes(done.happening.event));
      if (done.failure !== undefined && aside) report(failureEvent(done.failure));
    }
    if (this.#record.state === "waiting") return;
    stages.enter("cleaning up", CLEAN_UP_LIMIT);
    await this.#settled();
    await nix.release();
    await activator.tidy(null);
  }

  /**
   * Whether what was realised may be switched to: a realisation can take hours, and what was allowed before it need not be
   * so now. Where it may not, the deployment is at rest.
   */
  async #maySwitch(stop: Stop): Promise<boolean> {
    const { latest, work } = this.#record;
    const paused = () => pauseInForce(this.#record.pause, this.#ports.clock.now()) !== null;
    try {
      const asks = latest !== null && latest.outPath === work?.target.path;
      const open = !paused() && (!asks || await this.askGates(latest, work.goBackTo === null, stop) === null);
      // A pause may have come while the gates were asked.
      if (open && !paused()) return true;
    } catch (error) {
      if (stop.gently.aborted) throw error;
      this.take({ event: "interrupted" });
      if (this.hurried) return false;
      throw error;
    }
    this.take({ event: "refused" });
    return false;
  }

  /** Tidies up after a success. */
  async #settled() {
    const { state, active, previous, work } = this.#record;
    if (state !== "active" || active === null || work?.outcome !== "active") return;
    this.#failure = null;
    const keep = [active.path, ...(previous === null ? [] : [previous.path])];
    await this.#ports.nix.collect(keep);
  }

  /**
   * Looks whether somebody else has changed the profile, and if so records and respects it.
   *
   * @param event What has just come of an act, if one was done.
   */
  noticeChange(path: StorePath | null, event?: Happening["event"]): boolean {
    const { state, seen, work, latest } = this.#record;
    if (seen === undefined) {
      if (state === "idle") this.#ports.journal.note({ seen: path });
      return false;
    }
    if (expectedPaths(this.#record, event).includes(path)) return false;
    const { onManualChange } = this.#options.policy;
    if (onManualChange === "ignore") {
      if (STATES[state] === null) this.#ports.journal.note({ seen: path });
      return false;
    }
    const hold = onManualChange === "hold";
    this.#ports.report({
      name: "changed-by-hand",
      level: "warning",
      message: `the profile was changed by somebody else and now ${
        path === null ? "is gone" : `points at ${path}`
      }, before ${seen === null ? "it did not exist" : `at ${seen}`}; it is left so until ${
        hold ? "you say `hail resume`" : "Hydra names another build"
      }`,
      fields: {
        path,
        previous_path: seen,
        build_id: latest?.id ?? null,
        state,
        deployment: work?.endedAt === null ? work.id : null,
      },
    });
    this.take({ event: "changed-by-hand", path, hold });
    return true;
  }

  /** Writes down what happened. The act that it leads to comes after. */
  take(happening: Happening): void {
    const { journal, clock, report, failPoint } = this.#ports;
    const advanced = advance(journal.record, happening, clock.now());
    const { from, to } = advanced.transition;
    failPoint?.(`${from} ${happening.event} before`);
    journal.write(advanced);
    failPoint?.(`${from} ${happening.event} after`);
    const { work, active } = journal.record;
    if (to === "rolled-back" && work !== null) report(rolledBackEvent(work, active));
  }
}
