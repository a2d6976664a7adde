/** Builds of a Hydra look-alike. */

/** A build as Hydra tells of it. What is left out is that of a successful build with one output. */
export interface FakeBuild {
  readonly id: number;
  /** The output `out`. */
  readonly path?: string;
  /** All outputs, where there is more to tell than `path`. A null is an output whose path is not known. */
  readonly outputs?: Readonly<Record<string, string | null>>;
  /** 0 ok, 1 failed, ...; null while the build is queued. */
  readonly status?: number | null;
  readonly finished?: boolean;
  /** The name with the version; that of the path otherwise. */
  readonly nixname?: string;
  readonly system?: string;
  /** When it ended, in seconds since 1970. */
  readonly stoptime?: number | null;
}

export function systemOf(build: FakeBuild): string {
  return build.system ?? "x86_64-linux";
}

export function isFinished(build: FakeBuild): boolean {
  return build.finished ?? build.status !== null;
}

/** Hydra's build status; null while there is none. */
export function statusOf(build: FakeBuild): number | null {
  return build.status === undefined ? (isFinished(build) ? 0 : null) : build.status;
}

/** A build as the JSON of the real one has it. */
export function describe(jobName: string, build: FakeBuild): Record<string, unknown> {
  const [project, jobset, job] = jobName.split("/");
  const outputs = build.outputs ?? (build.path === undefined ? {} : { out: build.path });
  const first = Object.values(outputs).find((path) => path !== null) ?? "/nix/store/-unknown";
  const nixname = build.nixname ?? first.replace(/^.*\//, "").slice(33);
  const finished = isFinished(build);
  const stoptime = build.stoptime === undefined ? 1_795_000_000 + build.id : build.stoptime;
  return {
    id: build.id,
    finished: finished ? 1 : 0,
    buildstatus: statusOf(build),
    project,
    jobset,
    job,
    nixname,
    system: systemOf(build),
    priority: 100,
    jobsetevals: [build.id],
    drvpath: `${first}.drv`,
    timestamp: 1_795_000_000 + build.id - 120,
    starttime: finished ? 1_795_000_000 + build.id - 60 : null,
    stoptime: finished ? stoptime : null,
    releasename: null,
    buildmetrics: {},
    buildproducts: {},
    buildoutputs: Object.fromEntries(Object.entries(outputs).map(([output, path]) => [output, { path }])),
  };
}
