/** The gate `jobset` at a Hydra that is written down. */
import assert from "node:assert/strict";
import type { Failure } from "../../lib/failure/failure.ts";
import type { BuildsSummary, EvaluatedBuild, Evaluations } from "../../lib/gates/evaluations.ts";
import type { World } from "../../lib/gates/gate.ts";
import { jobset, type JobsetTarget } from "../../lib/gates/jobset.ts";
import { parseGate } from "../../lib/gates/spec.ts";
import { parseStorePath } from "../../lib/nix/store_path.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";

const START = Date.UTC(2026, 0, 1);
const NEVER = new AbortController().signal;

/** The builds of an evaluation, or the constituents of a build: `web=7 api=8? docs=9!`, `?` under way, `!` failed. */
function readMembers(text: string): { job: string; id: number; state: string }[] {
  return text.split(" ").filter((word) => word !== "").map((word) => {
    const [, job = "", id = "", state = ""] = /^(\w+)=(\d+)([?!]?)$/.exec(word) ?? [];
    return { job, id: Number(id), state };
  });
}

/** A Hydra that is written down, and notes what it is asked. */
export class PaperHydra implements Evaluations {
  readonly limits = { light: 100, heavy: 1000 };
  readonly asked: string[] = [];
  /** By evaluation. */
  evaluations: Record<number, string | null> = {};
  /** By the id of the aggregate's build. */
  aggregates: Record<number, string | null> = {};
  latest: number | null = null;
  errors: string | null = null;
  failure: Failure | null = null;
  readonly #job: string;

  /** @param job The job of the service. */
  constructor(job = "web") {
    this.#job = job;
  }

  /** What was asked since the last look. */
  take(): string[] {
    return this.asked.splice(0);
  }

  build(id: number): Promise<EvaluatedBuild> {
    const all = this.#all().filter((member) => member.id === id);
    const state = all[0]?.state ?? "";
    const evaluations = all.map(({ evaluation }) => evaluation).toSorted((a, b) => b - a);
    return this.#answer(`build ${id}`, {
      id,
      finished: state !== "?",
      succeeded: state === "",
      evaluations,
    });
  }

  latestFinished(): Promise<number | null> {
    const finished = this.#all().filter(({ job, state, evaluation }) =>
      job === this.#job && state === "" && this.#isFinished(evaluation)
    );
    return this.#answer("latest-finished", highest(finished.map(({ id }) => id)));
  }

  newestFinished(): Promise<number | null> {
    const finished = Object.keys(this.evaluations).map(Number).filter((id) => this.#isFinished(id));
    return this.#answer("latest-eval", highest(finished));
  }

  latestOf(job: string): Promise<number | null> {
    return this.#answer(`latest ${job}`, this.latest);
  }

  buildIn(evaluation: number, job: string): Promise<number | null> {
    const found = this.#all().find((member) => member.evaluation === evaluation && member.job === job);
    return this.#answer(`eval ${evaluation} job ${job}`, found?.id ?? null);
  }

  constituentsOf(id: number): Promise<BuildsSummary | null> {
    return this.#answer(`CONSTITUENTS ${id}`, summaryOf(this.aggregates[id] ?? null));
  }

  buildsOf(evaluation: number): Promise<BuildsSummary | null> {
    return this.#answer(`BUILDS ${evaluation}`, summaryOf(this.evaluations[evaluation] ?? null));
  }

  evaluationErrors(): Promise<string | null> {
    return this.#answer("errors", this.errors);
  }

  #all() {
    return Object.entries(this.evaluations).flatMap(([evaluation, text]) =>
      readMembers(text ?? "").map((member) => ({ ...member, evaluation: Number(evaluation) }))
    );
  }

  #isFinished(evaluation: number): boolean {
    const members = readMembers(this.evaluations[evaluation] ?? "");
    return members.length > 0 && members.every(({ state }) => state !== "?");
  }

  #answer<T>(question: string, answer: T): Promise<T> {
    this.asked.push(question);
    return this.failure === null ? Promise.resolve(answer) : Promise.reject(this.failure);
  }
}

function highest(ids: readonly number[]): number | null {
  return ids.length === 0 ? null : Math.max(...ids);
}

function summaryOf(text: string | null): BuildsSummary | null {
  if (text === null) return null;
  const members = readMembers(text);
  const failed = members.filter(({ state }) => state === "!");
  return {
    builds: members.length,
    unfinished: members.filter(({ state }) => state === "?").length,
    failed: failed.length,
    failedJobs: failed.slice(0, 3).map(({ job }) => job),
    includes: (id) => members.some((member) => member.id === id),
  };
}

/** A gate as it is written, at a Hydra. The time is in milliseconds since the start. */
export function openJobset(text: string, hydra: PaperHydra) {
  const spec = parseGate(`jobset ${text}`);
  assert.ok(spec.kind === "jobset");
  const world: World = {
    run: () => Promise.reject(new Error("it runs nothing")),
    clock: new VirtualClock(START),
    machineId: () => Promise.reject(new Error("it is the same for every machine")),
    profile: "/nix/var/nix/profiles/web",
    jobUri: "https://hydra.example.org/job/demo/main/web",
    evaluations: hydra,
    environment: {},
    onLine: () => {},
  };
  const gate = jobset.open(spec, world);
  return {
    limit: gate.limit,
    ask: async (id: number, time: number, woken = false) => {
      const outPath = parseStorePath("/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web-4.0", "/nix/store");
      assert.ok(outPath !== null);
      const build = { id, outPath, name: "web-4.0", finishedAt: null };
      const shut = await gate.ask({ build, knownSince: START, first: true, woken }, START + time, NEVER);
      return shut === null ? null : { why: shut.why, again: (shut.askAgainAt ?? NaN) - START };
    },
  };
}

/** What is written as a gate `jobset`. */
export function readJobset(text: string): JobsetTarget {
  const spec = parseGate(text);
  assert.ok(spec.kind === "jobset");
  return spec;
}
