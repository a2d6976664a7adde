/** What a Hydra look-alike knows of evaluations. */

/** One evaluation: the builds of its jobs. */
interface Evaluation {
  /** As `PROJECT/JOBSET`. */
  readonly jobset: string;
  /** The ids of the builds, by the plain names of their jobs. */
  readonly builds: ReadonlyMap<string, number>;
}

/** What an answer is made of. */
export type EvaluationAnswer =
  /** A redirect to this path. */
  | { readonly to: string }
  /** The JSON of these builds, as an array. */
  | { readonly builds: readonly number[] }
  /** This JSON. */
  | { readonly json: Record<string, unknown> }
  /** 404, in Hydra's own words. */
  | { readonly error: string };

/** The evaluations of a Hydra, and which builds are under way. */
export class FakeEvaluations {
  readonly #evaluations = new Map<number, Evaluation>();
  readonly #errors = new Map<string, string>();
  readonly #constituents = new Map<number, readonly number[]>();
  readonly #isFinished: (build: number) => boolean;

  /** @param isFinished Whether a build is finished. */
  constructor(isFinished: (build: number) => boolean) {
    this.#isFinished = isFinished;
  }

  set(jobset: string, id: number, builds: Readonly<Record<string, number>>): void {
    this.#evaluations.set(id, { jobset, builds: new Map(Object.entries(builds)) });
  }

  setConstituents(build: number, constituents: readonly number[]): void {
    this.#constituents.set(build, constituents);
  }

  setErrors(jobset: string, errors: string): void {
    this.#errors.set(jobset, errors);
  }

  /** The evaluations that a build belongs to. */
  of(build: number): number[] {
    return this.#ids((_id, { builds }) => [...builds.values()].includes(build));
  }

  /** Whether a build is in an evaluation without unfinished builds. */
  hasSettled(build: number): boolean {
    return this.of(build).some((id) => this.#isSettled(id));
  }

  /** Answers a request for a path; null if it is about something else. */
  answer(path: string): EvaluationAnswer | null {
    const [first, ...parts] = path.split("/").slice(1).map(decodeURIComponent);
    if (first === "build" && parts[1] === "constituents" && parts.length === 2) {
      return { builds: this.#constituents.get(Number(parts[0])) ?? [] };
    }
    if (first === "jobset" && parts.length === 3) {
      return this.#ofJobset(`${parts[0]}/${parts[1]}`, parts[1] ?? "", parts[2] ?? "");
    }
    if (first !== "eval" || parts[0] === undefined) return null;
    const evaluation = this.#evaluations.get(Number(parts[0]));
    if (evaluation === undefined) return { error: `Evaluation ${parts[0]} doesn't exist.` };
    if (parts[1] === "builds" && parts.length === 2) return { builds: [...evaluation.builds.values()] };
    if (parts[1] !== "job" || parts.length !== 3) return null;
    const build = evaluation.builds.get(parts[2] ?? "");
    return build === undefined
      ? { error: "This evaluation has no job with the specified name." }
      : { to: `/build/${build}` };
  }

  #ofJobset(jobset: string, name: string, asked: string): EvaluationAnswer | null {
    if (asked === "errors") {
      return { json: { name, project: jobset.split("/")[0], errormsg: this.#errors.get(jobset) ?? "" } };
    }
    if (asked !== "latest-eval") return null;
    const finished = this.#ids((id, evaluation) => evaluation.jobset === jobset && this.#isSettled(id));
    return finished.length === 0
      ? { error: "No evaluation found." }
      : { to: `/eval/${Math.max(...finished)}?name=${name}` };
  }

  #isSettled(id: number): boolean {
    const builds = [...this.#evaluations.get(id)?.builds.values() ?? []];
    return builds.length > 0 && builds.every(this.#isFinished);
  }

  #ids(wanted: (id: number, evaluation: Evaluation) => boolean): number[] {
    return [...this.#evaluations].filter(([id, evaluation]) => wanted(id, evaluation)).map(([id]) => id);
  }
}
