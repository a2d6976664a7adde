/** What must hold of a service whenever its hail has come to rest. Pure. */
import { KINDS, next, STATES } from "../../../lib/deployment/machine.ts";
import type { Deployment, ServiceRecord } from "../../../lib/deployment/record.ts";
import type { StoredTransition } from "../../../lib/journal/read.ts";
import { isSound, type Kind } from "./plan.ts";

/** A line that an activation has written to the disk. */
export interface LogLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `overlap`: another activation of the same service ran at that time. `deactivate`: `bin/deactivate` began. */
  readonly what: "begin" | "end" | "overlap" | "deactivate";
  /** Who ran it. */
  readonly by: "hail" | "hand";
  /** The store path of the version that was activated. */
  readonly path: string;
}

/** What a service looks like from outside. */
export interface Observation {
  readonly record: ServiceRecord;
  /** The newest, in order. */
  readonly transitions: readonly StoredTransition[];
  /** The newest, in order. */
  readonly deployments: readonly Deployment[];
  /** What the link of the profile says, where that leads in the end, and whether Nix calls it valid; null for nothing. */
  readonly profile: { readonly link: string; readonly path: string; readonly valid: boolean } | null;
  /** The store path of the version that runs; null if none does. */
  readonly running: string | null;
  /** What was logged since the last observation. */
  readonly log: readonly LogLine[];
}

/** The operator's word that a build is to be tried again. */
interface Retry {
  readonly path: string;
  readonly at: number;
}

/** Watches one service over the whole test. */
export class Watcher {
  readonly #kindOf: (path: string) => Kind;
  readonly #retries: Retry[] = [];
  /** When a path was marked bad, as often as it was. */
  readonly #marks = new Map<string, Set<number>>();
  #lastSeq = 0;
  #lastState: string = "idle";
  #lastDeployment = 0;

  /** @param kindOf How the build behaves that has this store path. */
  constructor(kindOf: (path: string) => Kind) {
    this.#kindOf = kindOf;
  }

  /**
   * The operator has said that a build be tried again, though it is marked bad.
   *
   * @param at When hail had heard it, in milliseconds since 1970.
   */
  retried(path: string, at: number): void {
    this.#retries.push({ path, at });
  }

  /** What is wrong; nothing as a rule. */
  violations(seen: Observation): string[] {
    this.#remember(seen);
    const found = [
      ...profileFaults(seen),
      ...this.#activeFaults(seen),
      ...this.#historyFaults(seen),
      ...this.#blameFaults(seen),
      ...this.#markFaults(seen),
      ...this.#logFaults(seen),
    ];
    const last = seen.transitions.at(-1);
    if (last !== undefined) [this.#lastSeq, this.#lastState] = [last.seq, last.to];
    this.#lastDeployment = seen.deployments.at(-1)?.id ?? this.#lastDeployment;
    return found;
  }

  #remember({ record, deployments }: Observation) {
    for (const { path, at } of record.bad) this.#mark(path, at);
    for (const { kind, target, goBackTo, fault, begunAt } of deployments) {
      if (isForwards(kind) && fault !== null && fault.step !== "switch") this.#mark(target.path, fault.at);
      if (kind === "rollback" && target.path !== goBackTo?.path) this.#mark(target.path, begunAt);
    }
  }

  #mark(path: string, at: number) {
    this.#marks.set(path, (this.#marks.get(path) ?? new Set()).add(at));
  }

  #activeFaults({ record }: Observation): string[] {
    const { active } = record;
    if (active === null || active.how === "by-hand" || isSound(this.#kindOf(active.path))) return [];
    return [`a build that is ${this.#kindOf(active.path)} is active, ${active.how}: ${active.path}`];
  }

  #historyFaults({ record, transitions, deployments }: Observation): string[] {
    const found: string[] = [];
    let [seq, state] = [this.#lastSeq, this.#lastState];
    const fresh = transitions.filter(({ seq }) => seq > this.#lastSeq);
    for (const transition of fresh) {
      const { from, event, to } = transition;
      if (transition.seq !== seq + 1) found.push(`transition ${transition.seq} follows upon ${seq}`);
      if (from !== state) found.push(`transition ${transition.seq} is from ${from}, but it was ${state}`);
      if (!KINDS.some((kind) => next(from, event, kind)?.to === to)) {
        found.push(`transition ${transition.seq}: ${event} leads from ${from} to ${to}`);
      }
      [seq, state] = [transition.seq, to];
    }
    if (state !== record.state) {
      found.push(`the history ends with ${state}, and the state is ${record.state}`);
    }
    let id = Math.max(0, (deployments[0]?.id ?? 1) - 1);
    if (id > this.#lastDeployment) found.push(`deployments ${this.#lastDeployment + 1} to ${id} are missing`);
    for (const deployment of deployments) {
      if (deployment.id !== id + 1) found.push(`deployment ${deployment.id} follows upon ${id}`);
      if (deployment.endedAt === null && deployment.id !== record.work?.id) {
        found.push(`deployment ${deployment.id} has never ended`);
      }
      id = deployment.id;
    }
    if (id !== record.deployments) found.push(`${record.deployments} deployments, but the last one is ${id}`);
    return found;
  }

  /** A build that does what it should must not get the blame for what was done to hail or to the host. */
  #blameFaults({ deployments }: Observation): string[] {
    return deployments.filter(({ id }) => id > this.#lastDeployment).flatMap(
      ({ id, target, goBackTo, fault, rollbackFault }) =>
        ([[target, fault], [goBackTo, rollbackFault]] as const).flatMap(([version, fault]) =>
          version === null || fault === null || !isSound(this.#kindOf(version.path)) ||
            // On a machine that is very busy that can be true.
            fault.code === "activation-timeout"
            ? []
            : [`deployment ${id} blames a sound build: ${fault.step}, ${fault.message}`]
        ),
    );
  }

  #markFaults({ deployments }: Observation): string[] {
    return deployments.filter(({ kind }) => isForwards(kind)).flatMap(({ id, target, begunAt }) =>
      this.#wasBad(target.path, begunAt, deployments)
        ? [`deployment ${id} is to a build that was marked bad before`]
        : []
    );
  }

  #wasBad(path: string, time: number, deployments: Observation["deployments"]): boolean {
    return [...this.#marks.get(path) ?? []].some((at) =>
      at < time && !this.#retries.some((retry) => retry.path === path && retry.at >= at) &&
      // Whoever points the profile at it by hand has decided.
      !deployments.some(({ kind, target, begunAt }) =>
        kind === "by-hand" && target.path === path && begunAt >= at && begunAt <= time
      )
    );
  }

  #logFaults({ log, deployments }: Observation): string[] {
    return log.flatMap((line) => {
      const { at, what, by, path } = line;
      if (what === "overlap") return [`two activations at once, at ${at}: ${path}`];
      if (what === "end" || by !== "hail") return [];
      const under = deployments.filter(({ begunAt, endedAt }) =>
        begunAt <= at && at <= (endedAt ?? Infinity)
      );
      if (what === "deactivate") {
        // Only where there is nothing to go back to.
        return under.some(({ target, goBackTo, fault }) =>
            target.path === path && goBackTo === null && fault !== null && fault.at <= at
          )
          ? []
          : [`${path} was deactivated at ${at}, which no deployment allows`];
      }
      if (under.some((deployment) => allows(deployment, line))) return [];
      // The program is found by the link of the profile, which somebody may change just before.
      const byHand = deployments.some(({ kind, target, begunAt }) =>
        kind === "by-hand" && target.path === path && begunAt >= at
      );
      return byHand ? [] : [
        `${path} was activated at ${at}, which no deployment allows: ${
          under.map(({ id, kind }) => `${id} (${kind})`).join(", ") || "there was none"
        }`,
      ];
    });
  }
}

function isForwards(kind: Deployment["kind"]): boolean {
  return kind === "update" || kind === "rescue" || kind === "first";
}

/** Whether a deployment may run this activation. */
function allows({ kind, target, goBackTo, fault }: Deployment, { at, path }: LogLine): boolean {
  if (path === goBackTo?.path) return kind !== "by-hand";
  if (path !== target.path) return false;
  if (kind === "restart") return true;
  // What has failed is marked bad at that moment.
  return isForwards(kind) && (fault === null || at <= fault.at);
}

/**
 * The name of the link of a generation. A nix-env that was killed while it made one can leave it under a temporary name,
 * which Nix itself takes for that generation from then on.
 */
const GENERATION = /^[^/]+-[0-9]+-link$/;

function profileFaults({ record, profile, running }: Observation): string[] {
  const { active, state } = record;
  const found: string[] = [];
  if (STATES[state] !== null) found.push(`it is not at rest: ${state}`);
  if (running !== (active?.path ?? null)) found.push(`${running} runs, but ${active?.path} is active`);
  if (profile === null) return active === null ? found : [...found, "there is no profile"];
  const { link, path, valid } = profile;
  if (!GENERATION.test(link)) found.push(`the profile is no link to a generation: ${link}`);
  if (!valid) found.push(`the profile leads to an invalid path: ${path}`);
  if (path !== active?.path) found.push(`the profile leads to ${path}, but ${active?.path} is active`);
  return found;
}
