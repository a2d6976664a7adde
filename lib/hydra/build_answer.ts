/** What Hydra's JSON about a build says: whether the build can be deployed, and if not, why not. */
import * as v from "valibot";
import { parseStorePath } from "../nix/store_path.ts";
import type { Build } from "../deployment/ports.ts";

/** Why a build cannot be deployed, in Hydra's own terms. */
export interface Objection {
  /** A clause for the operator, in hail's own words. */
  readonly why: string;
  /** What Hydra says there, as it came from the network: to be made fit before it is shown. */
  readonly said?: string;
  /** What can be done about it. */
  readonly next: string;
}

// Unknown fields are dropped. What only decorates the log is checked where it is used, and is never a reason to refuse.
const BUILD = v.object({
  id: v.number(),
  finished: v.number(),
  buildstatus: v.nullish(v.number()),
  buildoutputs: v.nullish(v.record(v.string(), v.object({ path: v.nullish(v.string()) }))),
  nixname: v.optional(v.unknown()),
  stoptime: v.optional(v.unknown()),
});

/** The values of `buildstatus`, from Hydra's `src/sql/hydra.sql`. */
const STATUS: Readonly<Record<number, string>> = {
  1: "failed",
  2: "failed because a dependency failed",
  3: "was aborted",
  4: "was cancelled",
  6: "failed, although it has output",
  7: "timed out",
  8: "failed before, so it was not tried again",
  9: "is for an unsupported system",
  10: "wrote too long a log",
  11: "has too large an output",
  12: "is not deterministic",
};

const NEXT_BUILD = "hail deploys the next build that Hydra finishes; look at this one's page in Hydra.";
const NO_HYDRA = "Check that job-uri leads to a Hydra, not to something in front of it.";
const NEEDS_OUT = "Point job-uri at a job whose derivation has an output 'out' that is a profile.";

const NAMES_SHOWN = 8;

/**
 * Reads the body of an answer to `GET /build/ID`. The name of the build is as it came from the network.
 *
 * @param body The JSON, in UTF-8.
 * @param id The id that was asked for.
 * @param storeFolder The store folder that the output must lie in.
 */
export function readBuild(body: Uint8Array, id: number, storeFolder: string): Build | Objection {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return { why: "its answer is not valid JSON", next: NO_HYDRA };
  }
  const result = v.safeParse(BUILD, json);
  if (!result.success) {
    // Only the names of the schema can stand first in a path; deeper ones come from Hydra.
    const field = result.issues[0].path?.[0].key;
    const lacks = field === undefined ? "" : `: '${String(field)}' is missing or has the wrong type`;
    return { why: `its answer is not Hydra's JSON about a build${lacks}`, next: NO_HYDRA };
  }
  return judge(result.output, id, storeFolder);
}

function judge(build: v.InferOutput<typeof BUILD>, id: number, storeFolder: string): Build | Objection {
  if (build.id !== id) {
    return { why: `it was asked for build ${id} and answers with build ${build.id}`, next: NO_HYDRA };
  }
  if (build.finished !== 1) {
    return {
      why: `build ${id} is not finished (restarted?)`,
      next: "hail deploys it once Hydra has finished it.",
    };
  }
  if (build.buildstatus !== 0) {
    const { buildstatus } = build;
    if (buildstatus === null || buildstatus === undefined) {
      return { why: `build ${id} is finished and has no build status`, next: NEXT_BUILD };
    }
    return {
      why: `build ${id} ${STATUS[buildstatus] ?? "did not succeed"} (build status ${buildstatus})`,
      next: NEXT_BUILD,
    };
  }
  const outputs = build.buildoutputs ?? {};
  const out = Object.hasOwn(outputs, "out") ? outputs["out"] : undefined;
  if (out === undefined) {
    const names = Object.keys(outputs).toSorted();
    const more = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : "";
    const why = `build ${id} has no output 'out'`;
    return names.length === 0
      ? { why: `${why}, nor any other`, next: NEEDS_OUT }
      : { why: `${why}, only`, said: names.slice(0, NAMES_SHOWN).join(", ") + more, next: NEEDS_OUT };
  }
  if (out.path === null || out.path === undefined) {
    return {
      why: `the output 'out' of build ${id} has no path: it is an unresolved content-addressed output`,
      next: NEEDS_OUT,
    };
  }
  const outPath = parseStorePath(out.path, storeFolder);
  if (outPath === null) {
    return {
      why: `the output 'out' of build ${id} is not a store path in ${storeFolder}:`,
      said: out.path,
      next: "hail hands nothing else to Nix. Check that Hydra and this host use the same store folder.",
    };
  }
  const { nixname, stoptime } = build;
  const ownName = outPath.slice(storeFolder.length + 34);
  return {
    id,
    outPath,
    name: typeof nixname === "string" && nixname !== "" ? nixname : ownName,
    finishedAt: typeof stoptime === "number" && Number.isSafeInteger(stoptime) && stoptime > 0
      ? stoptime
      : null,
  };
}
