import { Failure } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { type ActPorts, type Limits, perform, short } from "./acts.ts";
import { advance, describe, type Happening } from "./advance.ts";
import type { Build } from "./build.ts";
import { judge, pauseInForce, type Policy, type Refusal } from "./decision.ts";
import { expectedPaths } from "./expected.ts";
import { STATES } from "./machine.ts";
import type { OperatorAnswer } from "./operator.ts";
import * as orders from "./orders.ts";
import { outcomeOf, rolledBackEvent } from "./outcome.ts";
import type { Activator, Hydra, Journal, Nix, Stages, Stop, Verifier } from "./ports.ts";
import type { ServiceRecord, Version } from "./record.ts";

export type { Limits } from "./acts.ts";
export type { Stop } from "./ports.ts";

/** What a {@linkcode Deployer} works with. */
export interface DeployerPorts {
  readonly hydra: Hydra;
  readonly nix: Nix;
  readonly activator: Activator;
  readonly verifier: Verifier;
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

/** How a {@linkcode Deployer} behaves. */
export interface DeployerOptions {
  readonly limits: Limits;
  readonly policy: Policy;
}

/** What one {@linkcode Deployer.pass} came to. */
export interface PassResult {
  /** The latest build. */
  readonly build: Build;
  /** Whether anything was switched or activated on the way. */
  readonly deployed: boolean;
  /** Why the latest build is not deployed, if it is not, on purpose. */
  readonly refusal: Refusal | null;
}

// A poll is at most: HEAD, GET in its place, and three hops of a renamed job.
const REQUESTS_OF_A_POLL = 6;

/** Aborts what cannot be waited for when the operator wants to go back. */
const URGENT = new Error("the operator wants to roll back");

/**
 * Brings one profile to the latest build of one job, and back where that fails. All that it remembers is in the journal,
 * and each step is written there before it is taken: a deployer that begins anew goes on where the last one ended.
 */
export class Deployer {
  readonly #ports: DeployerPorts;
  readonly #options: DeployerOptions;
  /** Ends when the work before has ended: there is never more than one thing under way. */
  #turn: Promise<void> = Promise.resolve();
  #urgent = new AbortController();
  /** Hydra is asked for the build once in each life, since the job may be another than in the life before. */
  #asked = false;
  /** The failure that is behind the present state, if it was met in this life. */
  #failure: Failure | null = null;
  /** What has just failed is not tried again in the same breath. */
  #justFailed = false;
  #refused = "";

  constructor(ports: DeployerPorts, options: DeployerOptions) {
    this.#ports = ports;
    this.#options = options;
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
    this.#ports.journal.note({ nextPollAt }, true);
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
        this.#noteFailure(error);
      }
    });
  }

  async #start(stop: Stop) {
    const { current, nix, report } = this.#ports;
    const { state, work } = this.#record;
    const path = await current();
    if (stop.gently.aborted) return;
    const cutOff = STATES[state] !== null || state === "discovered";
    if (cutOff && work !== null) {
      report({
        name: "resume",
        level: "warning",
        message: `deployment ${work.id} of ${short(work.target)} was cut off while ${state}; it goes on`,
        fields: { deployment: work.id, state, path: work.target.path },
      });
    }
    switch (state) {
      case "discovered":
      case "realising":
        // Hydra may name another build by now.
        this.#take({ event: "interrupted" });
        break;
      case "verifying":
      case "reverifying":
        // The host may have been started anew in between.
        this.#take({ event: "resumed" });
        break;
      case "failed":
        this.#take({ event: "retried" });
        break;
    }
    this.#noticeChange(path);
    if (STATES[this.#record.state] === null) {
      // Not right after a switch: a hail that was killed there would leave the root behind for good.
      await nix.release();
      if (path === null) return;
      const version = describe(this.#record, path);
      if (version === null) return;
      this.#take({ event: "started", version });
    }
    await this.#drive(stop);
    const failure = this.#outcome();
    if (failure === null) return;
    this.#justFailed = true;
    throw failure;
  }

  /**
   * Asks Hydra for the latest build and does all that is needed to get there.
   *
   * @throws {Failure} The first thing that failed, after all that could be done about it.
   * @throws The reason of `stop.gently`, if that ended the pass.
   */
  pass(stop: Stop): Promise<PassResult> {
    return this.#inTurn(async () => {
      try {
        const result = await this.#pass(stop);
        if (this.#record.failures > 0) this.#ports.journal.note({ failures: 0 });
        return result;
      } catch (error) {
        if (!(stop.gently.aborted && error === stop.gently.reason)) this.#noteFailure(error);
        throw error;
      }
    });
  }

  async #pass(stop: Stop): Promise<PassResult> {
    const { hydra, current, stages, journal, clock } = this.#ports;
    const again = !this.#justFailed;
    this.#justFailed = false;
    let deployed = false;
    if (again && this.#record.state === "failed") this.#take({ event: "retried" });
    if (STATES[this.#record.state] !== null) {
      await this.#drive(stop);
      deployed = true;
    }

    stages.enter("polling Hydra", this.#options.limits.request * REQUESTS_OF_A_POLL);
    const latest = await this.#latest(await hydra.latest(stop.gently), stop);
    journal.note({ polledAt: clock.now() }, true);
    const path = await current();
    this.#noticeChange(path);

    const verdict = judge({
      record: this.#record,
      latest,
      current: path,
      policy: this.#options.policy,
      now: clock.now(),
    });
    if (verdict.do === "deploy") {
      this.#take({ event: "build-found", build: latest, goBackTo: this.#goBackTo(path) });
      this.#take({ event: "admitted" });
      await this.#drive(stop);
      const failure = this.#outcome();
      if (failure !== null) throw failure;
      const { state } = this.#record;
      if (state === "active") return { build: latest, deployed: true, refusal: null };
      // Something came in between: a pause, a change by hand, the operator's roll-back.
      return { build: latest, deployed, refusal: this.#refusalNow(latest, await current()) };
    }
    if (this.#record.state === "failed") throw this.#outcome() ?? new Error("failed without a failure");
    if (verdict.do === "refuse") {
      this.#refuse(latest, verdict);
      return { build: latest, deployed, refusal: verdict };
    }
    await this.#upToDate(latest);
    return { build: latest, deployed, refusal: null };
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
    journal.note({ latest: build });
    return build;
  }

  /** The version to which a deployment that begins now goes back when it fails. */
  #goBackTo(current: StorePath | null): Version | null {
    const { active } = this.#record;
    if (active !== null) return { path: active.path, buildId: active.buildId, name: active.name };
    return describe(this.#record, current);
  }

  async #upToDate(latest: Build) {
    const { state, active } = this.#record;
    if (state === "waiting" || state === "held" || state === "rolled-back") {
      this.#take({ event: "up-to-date" });
      await this.#ports.nix.release();
    }
    // The same path again under a new number.
    if (active !== null && active.buildId !== latest.id) {
      this.#ports.journal.note({ active: { ...active, buildId: latest.id, name: latest.name } });
    }
    this.#refused = "";
  }

  #refusalNow(latest: Build, current: StorePath | null): Refusal | null {
    const facts = { record: this.#record, latest, current, policy: this.#options.policy };
    const verdict = judge({ ...facts, now: this.#ports.clock.now() });
    return verdict.do === "refuse" ? verdict : null;
  }

  /** Says once that the latest build is not deployed, and why. */
  #refuse(latest: Build, refusal: Refusal) {
    const { state } = this.#record;
    // A roll-back is told as what it is, for as long as the same build is the latest.
    if (state !== "held" && state !== "rolled-back") this.#take({ event: "refused" });
    const key = `${refusal.code} ${latest.outPath} ${refusal.why}`;
    if (this.#refused === key) return;
    this.#refused = key;
    this.#ports.report({
      name: "not-deployed",
      level: "warning",
      message: `build ${latest.id} (${latest.name}) is not deployed: ${refusal.why}. ${refusal.next}`,
      fields: { build_id: latest.id, path: latest.outPath, code: refusal.code },
    });
  }

  /** Does one act after the other until a state of rest is reached. */
  async #drive(stop: Stop) {
    const { journal, current, report, nix, activator } = this.#ports;
    const ports: ActPorts = {
      ...this.#ports,
      noteLeader: (leader) => {
        const { work } = this.#record;
        if (work !== null) journal.note({ work: { ...work, leader } });
      },
    };
    for (;;) {
      const { state, work, seen } = this.#record;
      const act = STATES[state];
      if (act === null || work === null) break;
      stop.gently.throwIfAborted();
      if (this.#noticeChange(await current())) break;
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
        if (state === "realising") this.#take({ event: "interrupted" });
        return;
      }
      this.#failure = done.failure ?? this.#failure;
      if (this.#noticeChange(await current(), done.happening.event)) break;
      const pause = pauseInForce(this.#record.pause, this.#ports.clock.now());
      if (done.happening.event === "realised" && pause !== null) {
        this.#take({ event: "refused" });
        break;
      }
      this.#take(done.happening);
      // Where nothing more can be done, whoever asked for the deployment is told.
      if (done.failure !== undefined && STATES[this.#record.state] !== null) {
        report(failureEvent(done.failure));
      }
    }
    await this.#settled();
    if (this.#record.state === "waiting") return;
    await nix.release();
    await activator.tidy(null);
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
  #noticeChange(path: StorePath | null, event?: Happening["event"]): boolean {
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
    this.#take({ event: "changed-by-hand", path, hold });
    return true;
  }

  /** Writes down what happened. The act that it leads to comes after. */
  #take(happening: Happening) {
    const { journal, clock, report, failPoint } = this.#ports;
    const advanced = advance(journal.record, happening, clock.now());
    const { from, to } = advanced.transition;
    failPoint?.(`${from} ${happening.event} before`);
    journal.write(advanced);
    failPoint?.(`${from} ${happening.event} after`);
    const { work, active } = journal.record;
    if (to === "rolled-back" && work !== null) report(rolledBackEvent(work, active));
  }

  #outcome(): Failure | null {
    return outcomeOf(this.#record, this.#failure);
  }

  #noteFailure(error: unknown) {
    const { journal, clock } = this.#ports;
    const failures = this.#record.failures + 1;
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
    this.#urgent.abort(URGENT);
    return this.#inTurn(async () => {
      this.#urgent = new AbortController();
      const { state } = this.#record;
      // A deployment that an earlier hail has left in the middle.
      if (state === "discovered" || state === "realising") this.#take({ event: "interrupted" });
      else if (STATES[state] !== null && state !== "verifying") await this.#drive(stop);
      const path = await this.#ports.current();
      this.#noticeChange(path);
      const goal = orders.rollbackGoal(this.#record, to, path);
      const from = describe(this.#record, path) ?? goal;
      this.#take({ event: "rollback-asked", from, to: goal, reason: "asked for by `hail rollback`" });
      await this.#drive(stop);
      const failure = this.#outcome();
      if (failure !== null) throw failure;
      const { active } = this.#record;
      return {
        message: active?.path === goal.path
          ? `the profile is back at ${goal.path}${
            from.path === goal.path ? "" : `; ${short(from)} is marked bad and waits for \`hail retry\``
          }`
          : "the profile was changed by hand meanwhile",
      };
    });
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
