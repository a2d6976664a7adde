import { Failure } from "../failure/failure.ts";
import { failureEvent } from "../report/failure_event.ts";
import { short } from "./acts.ts";
import { describe, wayBack } from "./advance.ts";
import type { Build } from "./build.ts";
import { closedBy, judge, type Refusal } from "./decision.ts";
import { Driver, type DriverOptions, type DriverPorts } from "./driver.ts";
import { type State, STATES } from "./machine.ts";
import type { OperatorAnswer } from "./operator.ts";
import * as orders from "./orders.ts";
import type { Hydra, Stop } from "./ports.ts";
import type { Closed, ServiceRecord, Version } from "./record.ts";

export type { Limits } from "./acts.ts";
export type { Stop } from "./ports.ts";

/** What a {@linkcode Deployer} works with. */
export interface DeployerPorts extends DriverPorts {
  readonly hydra: Hydra;
}

/** How a {@linkcode Deployer} behaves. */
export type DeployerOptions = DriverOptions;

/** What one {@linkcode Deployer.pass} came to. */
export interface PassResult {
  /** The latest build. */
  readonly build: Build;
  /** Whether anything was switched or activated on the way. */
  readonly deployed: boolean;
  /** Why the latest build is not deployed, if it is not, on purpose. */
  readonly refusal: Refusal | null;
}

/**
 * How many time limits of requests a poll takes at the most: HEAD and GET in its place, of the job and of three names that it
 * was given since, and the build; and each request may have to wait as long again until it is sent, where many services ask
 * one Hydra.
 */
export const REQUESTS_OF_A_POLL = 18;

/** How often a pass looks again, where somebody comes in between. */
const ROUNDS = 3;

const CHANGING: Refusal = {
  code: "held",
  why: "the profile was changed by somebody else again and again while it was being deployed",
  next: "See what sets the profile; hail looks again at the next poll.",
};

const YIELDING: Refusal = {
  code: "held",
  why: "the operator rolls back",
  next: "Wait for the roll-back to end.",
};

/** The states of a way back. */
const BACKWARDS: readonly State[] = ["rolling-back", "reactivating", "reverifying", "undoing"];

/**
 * Brings one profile to the latest build of one job, and back where that fails. All that it remembers is in the journal,
 * and each step is written there before it is taken: a deployer that begins anew goes on where the last one ended.
 */
export class Deployer {
  readonly #ports: DeployerPorts;
  readonly #options: DeployerOptions;
  readonly #driver: Driver;
  /** Ends when the work before has ended: there is never more than one thing under way. */
  #turn: Promise<void> = Promise.resolve();
  /** Hydra is asked for the build once in each life, since the job may be another than in the life before. */
  #asked = false;
  #planned = false;
  /** What has just failed is not tried again in the same breath. */
  #justFailed = false;
  #refused = "";
  #pastGates = false;

  constructor(ports: DeployerPorts, options: DeployerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#driver = new Driver(ports, options);
  }

  get #record(): ServiceRecord {
    return this.#ports.journal.record;
  }

  /** How many passes in a row have failed. */
  get failures(): number {
    return this.#record.failures;
  }

  /** Remembers when the next pass will be, for those who ask. */
  planned(nextPollAt: number) {
    // At once after a start or a failure, so that nobody is shown a plan that holds no longer.
    this.#ports.journal.note({ nextPollAt }, this.#planned && this.failures === 0);
    this.#planned = true;
  }

  /**
   * Finds out where the host is and goes on from there: a deployment that was cut off is finished or undone; otherwise what
   * the profile points at is activated, since after a boot or an update of hail the service may not be running. A failure
   * is reported and is not fatal, for the next build may mend it.
   */
  start(stop: Stop): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#start(stop);
      } catch (error) {
        if (stop.gently.aborted && error === stop.gently.reason) return;
        this.#ports.report(failureEvent(error));
        // The pass that follows counts it.
        this.#noteFailure(error, 0);
      }
    });
  }

  async #start(stop: Stop) {
    const { current, nix } = this.#ports;
    this.#driver.reconcile();
    if (this.#record.state === "failed") this.#driver.take({ event: "retried" });
    const path = await current();
    if (stop.gently.aborted) return;
    this.#driver.noticeChange(path);
    if (STATES[this.#record.state] === null) {
      // Not right after a switch: a hail that was killed there would leave the root behind for good.
      await nix.release();
      if (path === null) return;
      const version = describe(this.#record, path);
      if (version === null) return;
      this.#driver.take({ event: "started", version });
    }
    await this.#driver.drive(stop);
    const failure = this.#driver.outcome();
    if (failure === null) return;
    this.#justFailed = true;
    throw failure;
  }

  /**
   * Asks Hydra for the latest build and does all that is needed to get there.
   *
   * @param woken Whether somebody has asked for it, since there is news.
   * @throws {Failure} The first thing that failed, after all that could be done about it.
   * @throws The reason of `stop.gently`, if that ended the pass.
   */
  pass(stop: Stop, woken = false): Promise<PassResult> {
    return this.#inTurn(async () => {
      this.#driver.setGates({ past: this.#pastGates, woken });
      this.#pastGates = false;
      try {
        const result = await this.#pass(stop);
        if (this.#record.failures > 0) this.#ports.journal.note({ failures: 0 });
        return result;
      } catch (error) {
        if (!(stop.gently.aborted && error === stop.gently.reason)) this.#noteFailure(error);
        throw error;
      } finally {
        this.#driver.setGates({ past: false, woken: false });
      }
    });
  }

  /** Whether the next pass is not to ask the gates. */
  get letsPass(): boolean {
    return this.#pastGates;
  }

  /** Lets the next pass deploy what it finds without asking the gates: the operator has decided. */
  letPass(): void {
    this.#pastGates = true;
    this.#refused = "";
  }

  async #pass(stop: Stop): Promise<PassResult> {
    this.#driver.reconcile();
    const again = !this.#justFailed;
    this.#justFailed = false;
    if (again && this.#record.state === "failed") this.#driver.take({ event: "retried" });
    const working = STATES[this.#record.state] !== null;
    if (working) await this.#driver.drive(stop);
    try {
      return await this.#follow(stop, working);
    } catch (error) {
      // A service that is not well is the greater trouble, and Hydra out of reach may be a part of it.
      const unwell = this.#record.state === "failed" ? this.#driver.outcome() : null;
      if (unwell === null || stop.gently.aborted) throw error;
      if (error instanceof Failure && error.code !== unwell.code) this.#ports.report(failureEvent(error));
      throw unwell;
    }
  }

  /** Asks Hydra, and deploys what it names, if nothing stands against that. */
  async #follow(stop: Stop, deployed: boolean, round = 1): Promise<PassResult> {
    const { hydra, current, stages, journal, clock } = this.#ports;
    stages.enter("polling Hydra", this.#options.limits.request * REQUESTS_OF_A_POLL);
    const latest = await this.#latest(await hydra.latest(stop.gently), stop);
    journal.note({ polledAt: clock.now() }, true);
    const path = await current();
    this.#driver.noticeChange(path);

    const decide = () =>
      judge({
        record: this.#record,
        latest,
        current: path,
        policy: this.#options.policy,
        now: clock.now(),
      });
    let verdict = decide();
    const goBackTo = wayBack(this.#record, path);
    let closed: Closed | null = null;
    if (verdict.do === "deploy") {
      try {
        closed = await this.#driver.askGates(latest, goBackTo === null, stop);
        // A pause may have come meanwhile.
        verdict = decide();
      } catch (error) {
        if (!this.#driver.hurried || stop.gently.aborted) throw error;
        return { build: latest, deployed, refusal: YIELDING };
      }
    } else if (this.#record.closed !== null) journal.note({ closed: null });
    const refusal = verdict.do === "refuse" ? verdict : closed === null ? null : closedBy(closed);
    const unwell = this.#record.state === "failed";
    // A first deployment that cannot be taken back leaves no room for another one.
    if (unwell && (verdict.do !== "deploy" || refusal !== null || this.#record.work?.kind === "first")) {
      throw this.#driver.outcome() ?? new Error("failed without a failure");
    }
    if (refusal !== null) {
      this.#refuse(latest, refusal);
      return { build: latest, deployed, refusal };
    }
    if (verdict.do === "nothing") {
      await this.#upToDate(latest);
      return { build: latest, deployed, refusal: null };
    }
    this.#driver.take({ event: "build-found", build: latest, goBackTo, unwell });
    this.#driver.take({ event: "admitted" });
    await this.#driver.drive(stop);
    const failure = this.#driver.outcome();
    if (failure !== null) throw failure;
    if (this.#record.state === "active") return { build: latest, deployed: true, refusal: null };
    if (this.#driver.hurried) return { build: latest, deployed, refusal: YIELDING };
    const shut = this.#record.closed;
    if (shut !== null) {
      this.#refuse(latest, closedBy(shut));
      return { build: latest, deployed, refusal: closedBy(shut) };
    }
    // Something came in between: a pause, a change by hand, the operator's roll-back. What follows from it is seen anew.
    if (round < ROUNDS) return await this.#follow(stop, deployed, round + 1);
    return { build: latest, deployed, refusal: CHANGING };
  }

  async #latest(id: number, stop: Stop): Promise<Build> {
    const { hydra, journal, report } = this.#ports;
    const before = this.#record.latest;
    if (this.#asked && before?.id === id) return before;
    const build = await hydra.build(id, stop.gently);
    this.#asked = true;
    if (before?.id === build.id && before.outPath === build.outPath) return before;
    const backwards = before !== null && build.id < before.id;
    report({
      name: "build-found",
      level: backwards ? "warning" : "info",
      message: backwards
        ? `Hydra's latest build moved back from ${before.id} to ${build.id} (${build.name})`
        : `Hydra's latest build is ${build.id} (${build.name})`,
      fields: { build_id: build.id, path: build.outPath, previous_build_id: before?.id ?? null },
    });
    journal.note({ latest: build, latestSince: this.#ports.clock.now(), closed: null });
    return build;
  }

  async #upToDate(latest: Build) {
    const { state, active } = this.#record;
    if (state === "waiting" || state === "held" || state === "rolled-back") {
      this.#driver.take({ event: "up-to-date" });
      await this.#ports.nix.release();
    }
    // The same path again under a new number.
    if (active !== null && active.buildId !== latest.id) {
      this.#ports.journal.note({ active: { ...active, buildId: latest.id, name: latest.name } });
    }
    this.#refused = "";
  }

  /** Says once that the latest build is not deployed, and why. */
  #refuse(latest: Build, refusal: Refusal) {
    const { state } = this.#record;
    // A roll-back is told as what it is, for as long as the same build is the latest.
    if (state !== "held" && state !== "rolled-back") this.#driver.take({ event: "refused" });
    // What a gate says may change from poll to poll, as a number of builds does; that is in the status.
    const gate = this.#record.closed?.gate;
    const key = `${refusal.code} ${latest.outPath} ${refusal.code === "gate-closed" ? gate : refusal.why}`;
    if (this.#refused === key) return;
    this.#refused = key;
    this.#ports.report({
      name: "not-deployed",
      level: refusal.code === "gate-closed" ? "info" : "warning",
      message: `build ${latest.id} (${latest.name}) is not deployed: ${refusal.why}. ${refusal.next}`,
      fields: { build_id: latest.id, path: latest.outPath, code: refusal.code },
    });
  }

  #noteFailure(error: unknown, more = 1) {
    const { journal, clock } = this.#ports;
    const failures = this.#record.failures + more;
    if (!(error instanceof Failure)) return journal.note({ failures });
    const { code, message, next } = error;
    journal.note({ failures, lastFailure: { at: clock.now(), code, message, next } });
  }

  /**
   * Goes back to an earlier version because the operator says so, and marks the one that is left as bad. A realisation or a
   * soak time that is under way is ended for it; an activation is waited for.
   *
   * @param to The version; null for the one that was active before.
   * @throws {Failure} `usage`: there is no such version, or it is active already. `rollback-failed`: it went wrong; it is
   * tried again.
   */
  rollback(to: Version | null, stop: Stop): Promise<OperatorAnswer> {
    let goal: Version;
    try {
      goal = orders.rollbackGoal(this.#record, to);
    } catch (error) {
      return Promise.reject(error);
    }
    // What goes back already is not to be disturbed.
    if (!BACKWARDS.includes(this.#record.state)) this.#driver.hurry();
    return this.#inTurn(async () => {
      this.#driver.calm();
      this.#driver.reconcile(false);
      const { state } = this.#record;
      // A deployment that an earlier hail, or an activation that could not be begun, has left in the middle.
      if (STATES[state] !== null && state !== "verifying") await this.#driver.drive(stop);
      try {
        return await this.#rollback(goal, stop);
      } catch (error) {
        if (error instanceof Failure && error.code !== "usage") this.#noteFailure(error);
        throw error;
      }
    });
  }

  async #rollback(goal: Version, stop: Stop): Promise<OperatorAnswer> {
    const path = await this.#ports.current();
    this.#driver.noticeChange(path);
    const { state, active } = this.#record;
    if (path === goal.path && active?.path === goal.path && STATES[state] === null && state !== "failed") {
      if (state === "rolled-back") return { message: `hail has gone back to ${goal.path} already` };
      throw new Failure("usage", {
        what: "roll-back",
        why: `${goal.path} is what the profile points at already`,
        next: "Name another version with --to; `hail history` shows those that were active.",
      });
    }
    const from = describe(this.#record, path) ?? goal;
    await this.#ports.nix.protect(goal.path);
    this.#driver.take({ event: "rollback-asked", from, to: goal, reason: "asked for by `hail rollback`" });
    await this.#driver.drive(stop);
    const failure = this.#driver.outcome();
    if (failure !== null) throw failure;
    const { work } = this.#record;
    if (work?.kind === "by-hand") {
      return { message: "the profile was changed by hand meanwhile, and is left so" };
    }
    const latest = from.path === this.#record.latest?.outPath ? " and waits for `hail retry`" : "";
    const marked = from.path === goal.path ? "" : `; ${short(from)} is marked bad${latest}`;
    return { message: `the profile is back at ${goal.path}${marked}` };
  }

  /** Returns when nothing is under way. */
  idle(): Promise<void> {
    return this.#turn;
  }

  /** Deploys nothing new until the pause ends. What is under way comes to its end, but for a realisation. */
  pause(reason: string | null, until: number | null): OperatorAnswer {
    return this.#carryOut(orders.pause(reason, until, this.#ports.clock.now()));
  }

  /** Ends a pause, and the hold after a change by hand. */
  resume(): OperatorAnswer {
    return this.#carryOut(orders.resume(this.#record, this.#ports.clock.now()));
  }

  /** Forgets that the latest build is marked bad, and lets the next pass try at once what has failed. */
  retry(): OperatorAnswer {
    this.#justFailed = false;
    this.#refused = "";
    return this.#carryOut(orders.retry(this.#record));
  }

  #carryOut({ facts, answer }: orders.Carried): OperatorAnswer {
    this.#ports.journal.note(facts);
    return answer;
  }

  /** Does one thing after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.then(() => {}, () => {});
    return result;
  }
}
