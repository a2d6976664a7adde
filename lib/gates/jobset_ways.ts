/** The ways in which the gate `jobset` finds out whether all went well that was built together with a build. */
import type { BuildsSummary, Evaluations } from "./evaluations.ts";

/** What a look at Hydra came to. */
export type Finding =
  /** All succeeded. */
  | "green"
  /** Not all did. `settled`: no more is to come, unless somebody restarts a build. */
  | { readonly why: string; readonly settled: boolean };

/** Looks after one build, and remembers what it need not ask again. */
export interface Way {
  /**
   * Looks at Hydra.
   *
   * @param now Milliseconds since 1970.
   * @throws {Failure} What Hydra's answers throw.
   */
  look(now: number, signal: AbortSignal): Promise<Finding>;
}

/** What has failed is looked at again after so long, since builds may be restarted; in milliseconds. */
export const SETTLED_FOR = 60 * 60_000;

/** So many evaluations are looked at for one answer, the newest first. */
const EVALUATIONS_A_LOOK = 3;

/** A reason that holds for a while. */
interface Reason {
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** The evaluations of which it is known that not all succeeded. */
class Red {
  readonly #reasons = new Map<number, Reason>();

  /** The reason for one, while it holds. A clock that was set back ends it. */
  why(evaluation: number, now: number): string | null {
    const reason = this.#reasons.get(evaluation);
    return reason !== undefined && holds(reason.until, now) ? reason.why : null;
  }

  set(evaluation: number, why: string, now: number) {
    this.#reasons.set(evaluation, { why, until: now + SETTLED_FOR });
  }

  /** Forgets all others. */
  keep(evaluations: readonly number[]) {
    for (const evaluation of this.#reasons.keys()) {
      if (!evaluations.includes(evaluation)) this.#reasons.delete(evaluation);
    }
  }
}

function holds(until: number, now: number): boolean {
  return now < until && until <= now + SETTLED_FOR;
}

const IN_NONE: Finding = { why: "it is in no evaluation", settled: true };

/** One of the build's evaluations is finished, and every build in it succeeded. */
export function evaluationWay(evaluations: Evaluations, buildId: number): Way {
  const red = new Red();
  let known: { readonly asOf: string; readonly ids: readonly number[] } | null = null;
  return {
    async look(now, signal) {
      // The light questions come first. This build is good, so if it were in a finished evaluation, it would be named.
      const latest = await evaluations.latestFinished(signal);
      if (latest === null || latest < buildId) {
        return { why: "no evaluation that it is in is finished", settled: false };
      }
      // An evaluation that is newer than this is not finished; and of an older one it is not known.
      const newest = await evaluations.newestFinished(signal) ?? 0;
      // An evaluation that has come to hold the build is of no use before it is finished, and is the newest then.
      const asOf = `${latest} ${newest}`;
      if (known?.asOf !== asOf) {
        known = { asOf, ids: (await evaluations.build(buildId, signal)).evaluations };
        red.keep(known.ids);
      }
      const { ids } = known;
      const [first] = ids;
      if (first === undefined) return IN_NONE;
      const open = ids.filter((id) => red.why(id, now) === null);
      const unfinished = new Map<number, string>();
      for (const id of open.filter((id) => id <= newest).slice(0, EVALUATIONS_A_LOOK)) {
        const builds = await evaluations.buildsOf(id, signal);
        if (builds === null) red.set(id, `evaluation ${id} was deleted`, now);
        else if (builds.builds === 0) red.set(id, `evaluation ${id} is empty`, now);
        else if (builds.failed > 0) red.set(id, `in evaluation ${id} ${failedOf(builds)}`, now);
        else if (builds.unfinished > 0) {
          unfinished.set(
            id,
            `evaluation ${id} is not finished: ${builds.unfinished} of ${builds.builds} builds are under way`,
          );
        } else return "green";
      }
      return {
        why: red.why(first, now) ?? unfinished.get(first) ?? `evaluation ${first} is not finished`,
        settled: ids.every((id) => red.why(id, now) !== null),
      };
    },
  };
}

/** The newest successful build of an aggregate job has the build among its constituents, and all of them succeeded. */
export function aggregateWay(evaluations: Evaluations, buildId: number, job: string): Way {
  let judged: (Reason & { readonly aggregate: number }) | null = null;
  const judge = (aggregate: number, builds: BuildsSummary | null, now: number): Reason | null => {
    const said = (why: string, until: number) => ({ why, until });
    if (builds === null) return said(`build ${aggregate} of ${job} was deleted`, now);
    // What a build is made of never changes, so these hold for good.
    if (builds.builds === 0) {
      return said(`${job} is no aggregate job: its build ${aggregate} has no constituents`, Infinity);
    }
    if (!builds.includes(buildId)) {
      return said(
        `the newest successful build of ${job}, ${aggregate}, does not hold build ${buildId}`,
        Infinity,
      );
    }
    const what = `among the constituents of build ${aggregate} of ${job}`;
    if (builds.failed > 0) return said(`${what} ${failedOf(builds)}`, now + SETTLED_FOR);
    if (builds.unfinished > 0) {
      return said(`${what} ${builds.unfinished} of ${builds.builds} builds are under way`, now);
    }
    return null;
  };
  return {
    async look(now, signal) {
      const aggregate = await evaluations.latestOf(job, signal);
      if (aggregate === null) return { why: `no build of ${job} has succeeded`, settled: false };
      const stands = judged?.aggregate === aggregate &&
        (judged.until === Infinity || holds(judged.until, now));
      if (judged === null || !stands) {
        const reason = judge(aggregate, await evaluations.constituentsOf(aggregate, signal), now);
        if (reason === null) return "green";
        judged = { aggregate, ...reason };
      }
      // The next build of the aggregate job may come at any time.
      return { why: judged.why, settled: false };
    },
  };
}

/** In one of the build's evaluations, the builds of some jobs have all succeeded. */
export function jobsWay(evaluations: Evaluations, buildId: number, jobs: readonly string[]): Way {
  const red = new Red();
  /** The builds of the jobs, by evaluation: they never change. */
  const members = new Map<number, Map<string, number | null>>();
  const succeeded = new Set([buildId]);

  const member = async (evaluation: number, job: string, signal: AbortSignal) => {
    const known = members.get(evaluation) ?? new Map<string, number | null>();
    members.set(evaluation, known);
    const found = known.get(job);
    if (found !== undefined) return found;
    const build = await evaluations.buildIn(evaluation, job, signal);
    known.set(job, build);
    return build;
  };

  /** Why the jobs are not green in an evaluation; null if they are. The first job that is not ends the look. */
  const whyNot = async (evaluation: number, signal: AbortSignal) => {
    for (const job of jobs) {
      const build = await member(evaluation, job, signal);
      if (build === null) return { why: `evaluation ${evaluation} has no job ${job}`, failed: true };
      if (succeeded.has(build)) continue;
      const found = await evaluations.build(build, signal);
      const what = `build ${build} of ${job}, in evaluation ${evaluation},`;
      if (!found.finished) return { why: `${what} is not finished`, failed: false };
      if (!found.succeeded) return { why: `${what} did not succeed`, failed: true };
      succeeded.add(build);
    }
    return null;
  };

  return {
    async look(now, signal) {
      const { evaluations: ids } = await evaluations.build(buildId, signal);
      const [first] = ids;
      if (first === undefined) return IN_NONE;
      red.keep(ids);
      for (const id of members.keys()) if (!ids.includes(id)) members.delete(id);
      const open = ids.filter((id) => red.why(id, now) === null).slice(0, EVALUATIONS_A_LOOK);
      const unfinished = new Map<number, string>();
      for (const id of open) {
        const reason = await whyNot(id, signal);
        if (reason === null) return "green";
        if (reason.failed) red.set(id, reason.why, now);
        else unfinished.set(id, reason.why);
      }
      return {
        why: red.why(first, now) ?? unfinished.get(first) ?? `evaluation ${first} is not finished`,
        settled: ids.every((id) => red.why(id, now) !== null),
      };
    },
  };
}

function failedOf({ failed, failedJobs }: BuildsSummary): string {
  const names = failedJobs.join(", ");
  const more = failed > failedJobs.length ? ` and ${failed - failedJobs.length} more` : "";
  return `not all succeeded: ${names}${more}`;
}
