import { Failure } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Report } from "../report/event.ts";
import { failureEvent } from "../report/failure_event.ts";
import type { Clock } from "../time/clock.ts";
import { nextStep } from "./decision.ts";
import type { Activator, Build, Hydra, Nix, Stages } from "./ports.ts";

/** What a {@linkcode Deployer} works with. */
export interface DeployerPorts {
  readonly hydra: Hydra;
  readonly nix: Nix;
  readonly activator: Activator;
  /** What the profile points at now. */
  readonly current: () => Promise<StorePath | null>;
  readonly clock: Clock;
  readonly stages: Stages;
  readonly report: Report;
}

/** The time limits of the stages, in milliseconds. */
export interface Limits {
  readonly request: number;
  readonly realise: number;
  readonly activation: number;
}

/** The two ways to be stopped. */
export interface Stop {
  /** Ends what can be ended without harm: requests and realisations. */
  readonly gently: AbortSignal;
  /** Ends a running activation as well. */
  readonly now: AbortSignal;
}

/** What one {@linkcode Deployer.pass} came to. */
export interface PassResult {
  /** The build that the host is at. */
  readonly build: Build;
  /** Whether anything was switched or activated on the way. */
  readonly deployed: boolean;
}

// A switch has its own limit inside; this one is for the watchdog.
const SWITCH_LIMIT = 6 * 60_000;
// A poll is at most: HEAD, GET in its place, and three hops of a renamed job.
const REQUESTS_OF_A_POLL = 6;
// After its time limit a realisation may still be ended, and the substituters be asked why it failed.
const REALISE_AFTERMATH = 90_000;

/**
 * Brings one profile to the latest build of one job. It remembers between passes only what it has seen itself;
 * the profile link stays the truth.
 */
export class Deployer {
  readonly #ports: DeployerPorts;
  readonly #limits: Limits;
  #build: Build | null = null;
  #activated: StorePath | null = null;
  #settled: number | null = null;
  /** What was switched and not yet activated, and what the profile pointed at before that. */
  #pending: { readonly path: StorePath; readonly previous: StorePath | null } | null = null;
  #startFailure: { readonly path: StorePath; readonly error: unknown } | null = null;
  #changeReported: StorePath | null | undefined = undefined;

  constructor(ports: DeployerPorts, limits: Limits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  /**
   * Activates what the profile points at, if there is one: after a boot or an update of hail itself, the service
   * may not be running. A failure is reported and is not fatal, for the next build may mend it.
   */
  async start(stop: Stop): Promise<void> {
    const { current, report } = this.#ports;
    let path: StorePath | null = null;
    try {
      path = await current();
      if (path === null || stop.gently.aborted) return;
      await this.#activate(path, path, null, stop);
    } catch (error) {
      report(failureEvent(error));
      if (path !== null) this.#startFailure = { path, error };
    }
  }

  /**
   * Asks Hydra for the latest build and does all that is needed to get there.
   *
   * @throws {Failure} The first thing that failed. What was reached before stays, and the next pass goes on there.
   * @throws The reason of `stop.gently`, if that ended the pass.
   */
  async pass(stop: Stop): Promise<PassResult> {
    const { hydra, current, stages } = this.#ports;
    stages.enter("polling Hydra", this.#limits.request * REQUESTS_OF_A_POLL);
    const latest = await hydra.latest(stop.gently);
    let deployed = false;
    for (;;) {
      const path = await current();
      const step = nextStep({
        latest,
        build: this.#build,
        current: path,
        activated: this.#activated,
        settled: this.#settled,
      });
      switch (step.do) {
        case "fetch":
          await this.#fetch(latest, stop);
          break;
        case "deploy":
          // Else a bin/activate that sets the profile itself would make this a loop without a pause.
          if (deployed) throw changedMeanwhile(step.build, path);
          await this.#deploy(step.build, path, stop);
          deployed = true;
          break;
        case "activate":
          await this.#activateAgain(step.build, stop);
          deployed = true;
          break;
        case "settle":
          // Not right after the switch: a hail that was killed there would leave the root behind for good.
          await this.#ports.nix.release();
          this.#settled = latest;
          this.#changeReported = undefined;
          break;
        case "nothing":
          this.#reportChange(step.changed, step.build, path);
          return { build: step.build, deployed };
      }
    }
  }

  async #fetch(latest: number, stop: Stop) {
    const { hydra, report } = this.#ports;
    const before = this.#build;
    const build = await hydra.build(latest, stop.gently);
    const backwards = before !== null && build.id < before.id;
    report({
      name: "build-found",
      level: backwards ? "warning" : "info",
      message: backwards
        ? `Hydra's latest build moved back from ${before.id} to ${build.id} (${build.name}), which is followed`
        : `Hydra's latest build is ${build.id} (${build.name})`,
      fields: { build_id: build.id, path: build.outPath, previous_build_id: before?.id ?? null },
    });
    this.#build = build;
  }

  async #deploy(build: Build, previous: StorePath | null, stop: Stop) {
    const { nix, clock, stages, report } = this.#ports;
    const fields = { build_id: build.id, path: build.outPath };
    const begun = clock.monotonic();
    stages.enter(`realising build ${build.id}`, this.#limits.realise + REALISE_AFTERMATH);
    report({ name: "realise", level: "info", message: `realising ${build.outPath}`, fields });
    await nix.realise(build.outPath, stop.gently);
    stop.gently.throwIfAborted();
    const realised = clock.monotonic();
    stages.enter(`switching to build ${build.id}`, SWITCH_LIMIT);
    await nix.switchTo(build.outPath);
    this.#pending = { path: build.outPath, previous };
    report({
      name: "switch",
      level: "info",
      message: previous === null
        ? `the profile now points at ${build.outPath}, its first generation`
        : `the profile now points at ${build.outPath}, before at ${previous}`,
      fields: {
        ...fields,
        previous_path: previous,
        realise_ms: Math.round(realised - begun),
        switch_ms: Math.round(clock.monotonic() - realised),
      },
    });
    // Told to stop between the two, hail does not begin an activation: it begins with it when it starts again.
    stop.gently.throwIfAborted();
    await this.#activate(build.outPath, previous, build.id, stop);
  }

  /** Runs an activation that has not succeeded yet, unless the attempt at the start has just failed. */
  async #activateAgain(build: Build, stop: Stop) {
    const failed = this.#startFailure;
    this.#startFailure = null;
    if (failed?.path === build.outPath) throw failed.error;
    const previous = this.#pending?.path === build.outPath ? this.#pending.previous : build.outPath;
    await this.#activate(build.outPath, previous, build.id, stop);
  }

  async #activate(path: StorePath, previous: StorePath | null, buildId: number | null, stop: Stop) {
    const { activator, clock, stages, report } = this.#ports;
    const fields = { path, build_id: buildId };
    this.#startFailure = null;
    this.#activated = null;
    const stage = buildId === null ? "activating" : `activating build ${buildId}`;
    stages.enter(stage, this.#limits.activation, true);
    report({ name: "activate", level: "info", message: `activating ${path}`, fields });
    const begun = clock.monotonic();
    await activator.activate({ storePath: path, previous, buildId }, stop.now);
    this.#activated = path;
    this.#pending = null;
    const took = Math.round(clock.monotonic() - begun);
    report({
      name: "activated",
      level: "info",
      message: `activated ${path} in ${took} ms`,
      fields: { ...fields, activation_ms: took },
    });
  }

  /** Tells once of a profile that somebody else has changed. */
  #reportChange(changed: boolean, build: Build, current: StorePath | null) {
    if (!changed) {
      this.#changeReported = undefined;
      return;
    }
    if (this.#changeReported === current) return;
    this.#changeReported = current;
    this.#ports.report({
      name: "changed-by-hand",
      level: "warning",
      message: `the profile was changed by somebody else and now ${
        current === null ? "is gone" : `points at ${current}`
      }; it is left so until Hydra names another build than ${build.id}`,
      fields: { build_id: build.id, path: current },
    });
  }
}

function changedMeanwhile(build: Build, current: StorePath | null): Failure {
  return new Failure("switch-failed", {
    what: build.outPath,
    why: `it was deployed just now, but the profile ${
      current === null ? "is gone" : `points at ${current}`
    } again, so something else changes it`,
    next: "See whether bin/activate or another program sets the profile; hail tries again.",
  });
}
