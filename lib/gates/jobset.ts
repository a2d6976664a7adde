/** Gates that wait until what was built together with a build has succeeded as well. */
import { sanitise } from "../report/sanitise.ts";
import { closest } from "../text/closest.ts";
import { Mistake } from "../text/mistake.ts";
import type { Evaluations } from "./evaluations.ts";
import type { Gate, Kind, Shut } from "./gate.ts";
import { aggregateWay, evaluationWay, type Finding, jobsWay, SETTLED_FOR, type Way } from "./jobset_ways.ts";

/** What a gate of the kind `jobset` has. */
export type JobsetTarget =
  & (
    | { readonly way: "evaluation" }
    | { readonly way: "aggregate"; readonly job: string }
    | { readonly way: "jobs"; readonly jobs: readonly string[] }
  )
  & {
    /** Whether what the jobset's newest evaluation could not evaluate counts as failed. */
    readonly errors: "fail" | "ignore";
  };

const WAYS = ["aggregate", "evaluation", "jobs="];
const JOBS_MAX = 20;
const JOB_LIMIT = 255;
const SHOWN_MAX = 80;

/** What is under way is looked at again after so long, then after twice as long, and so on; in milliseconds. */
const FIRST_WAIT = 60_000;
const LONGEST_WAIT = 15 * 60_000;
/** After which an answer is asked for again where somebody says that there is news, in milliseconds. */
const WOKEN_WAIT = 2_000;

/** So many builds that may be deployed are remembered: those that a service may still come to deploy. */
const GREEN_MAX = 16;

/** How many heavy questions one answer may cost. */
const HEAVY_A_LOOK = 3;

/**
 * `jobset aggregate job=NAME`, `jobset evaluation`, `jobset jobs=NAME,NAME`: open for a build once what was built
 * together with it has succeeded. It holds first deployments as well.
 */
export const jobset: Kind<JobsetTarget> = {
  synopsis: "jobset aggregate job=NAME | evaluation | jobs=NAME,... [errors=fail|ignore]",
  about: "closed until what was built together with a build has succeeded as well",
  keys: ["job", "errors"],
  read(text, { job, errors = "ignore" }) {
    if (errors !== "fail" && errors !== "ignore") {
      throw new Mistake("errors= is neither fail nor ignore", "Write errors=fail or errors=ignore.");
    }
    if (text === "aggregate") {
      if (job === undefined) {
        throw new Mistake("the aggregate job is not named", "Write it like: jobset aggregate job=release.");
      }
      return { way: "aggregate", job: readJob(job), errors };
    }
    if (job !== undefined) {
      throw new Mistake(
        "job= is for the way aggregate alone",
        "Write it like: jobset aggregate job=release.",
      );
    }
    if (text === "evaluation") return { way: "evaluation", errors };
    if (text.startsWith("jobs=")) return { way: "jobs", jobs: readJobs(text.slice(5)), errors };
    const meant = closest(text, WAYS);
    throw new Mistake(
      "it does not say which way",
      meant === null ? "Write aggregate, evaluation or jobs=NAME,NAME." : `Did you mean ${meant}?`,
    );
  },
  nameOf(target) {
    if (target.way === "evaluation") return "evaluation";
    return target.way === "aggregate" ? `aggregate ${target.job}` : `jobs=${target.jobs.join(",")}`;
  },
  open: (target, { evaluations }) => openJobset(target, evaluations),
};

function openJobset(target: JobsetTarget, evaluations: Evaluations): Gate {
  /** The builds that may be deployed. That is kept, whatever is restarted later. */
  const green = new Set<number>();
  let watched: Watched | null = null;
  return {
    limit: limitOf(target, evaluations.limits),
    async ask({ build: { id }, woken = false }, now, signal) {
      if (green.has(id)) return null;
      if (watched?.buildId !== id) watched = new Watched(target, evaluations, id);
      const shut = await watched.ask(now, signal, woken);
      if (shut !== null) return shut;
      watched = null;
      green.add(id);
      const [oldest] = green;
      if (green.size > GREEN_MAX && oldest !== undefined) green.delete(oldest);
      return null;
    },
  };
}

function limitOf(target: JobsetTarget, { light, heavy }: Evaluations["limits"]): number {
  // The errors of the jobset are one light question more.
  switch (target.way) {
    case "aggregate":
      return light * 2 + heavy;
    case "evaluation":
      return light * 4 + heavy * HEAVY_A_LOOK;
    case "jobs":
      return light * (2 + HEAVY_A_LOOK * 2 * target.jobs.length);
  }
}

/** A build that is waited for. */
class Watched {
  readonly buildId: number;
  readonly #errors: JobsetTarget["errors"];
  readonly #evaluations: Evaluations;
  readonly #way: Way;
  #green = false;
  /** The answer of late, and when it was found. */
  #shut: (Shut & { readonly askAgainAt: number; readonly at: number }) | null = null;
  #wait = FIRST_WAIT;

  constructor(target: JobsetTarget, evaluations: Evaluations, buildId: number) {
    this.buildId = buildId;
    this.#errors = target.errors;
    this.#evaluations = evaluations;
    this.#way = target.way === "evaluation"
      ? evaluationWay(evaluations, buildId)
      : target.way === "aggregate"
      ? aggregateWay(evaluations, buildId, target.job)
      : jobsWay(evaluations, buildId, target.jobs);
  }

  async ask(now: number, signal: AbortSignal, woken: boolean): Promise<Shut | null> {
    const late = this.#shut;
    if (late !== null) {
      // A Hydra that wakes hail at the end of each build is to be heard, but not to be asked for each of them at once.
      if (woken) this.#shut = { ...late, askAgainAt: Math.min(late.askAgainAt, late.at + WOKEN_WAIT) };
      const until = this.#shut?.askAgainAt ?? now;
      // A clock that was set back must not make the answer hold for longer.
      if (late.at <= now && now < until) return toShut({ ...late, askAgainAt: until });
    }
    const finding = await this.#find(now, signal);
    if (finding === "green") return null;
    const wait = finding.settled ? SETTLED_FOR : this.#wait;
    this.#wait = finding.settled ? FIRST_WAIT : Math.min(this.#wait * 2, LONGEST_WAIT);
    this.#shut = { why: finding.why, askAgainAt: now + wait, at: now };
    return toShut(this.#shut);
  }

  async #find(now: number, signal: AbortSignal): Promise<Finding> {
    if (!this.#green) {
      const finding = await this.#way.look(now, signal);
      if (finding !== "green") return finding;
      this.#green = true;
    }
    if (this.#errors === "ignore") return "green";
    const errors = await this.#evaluations.evaluationErrors(signal);
    if (errors === null) return "green";
    return { why: `the newest evaluation of its jobset has errors: ${errors}`, settled: false };
  }
}

function toShut({ why, askAgainAt }: Shut): Shut {
  return { why, askAgainAt };
}

function readJobs(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) {
    throw new Mistake("jobs= has an empty name in it", "Write it like: jobset jobs=web,api.");
  }
  if (names.length > JOBS_MAX) {
    throw new Mistake(`it names more than ${JOBS_MAX} jobs`, "Use an aggregate job, or the way evaluation.");
  }
  return [...new Set(names.map(readJob))];
}

function readJob(name: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for.
  const unfit = /[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed() || /^\.{1,2}$/.test(name);
  if (unfit || name.length > JOB_LIMIT) {
    throw new Mistake(
      `'${sanitise(name, SHOWN_MAX)}' cannot be the name of a job`,
      "Write it as Hydra shows it, without the project and the jobset.",
    );
  }
  return name;
}
