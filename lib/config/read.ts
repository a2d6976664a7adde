/** Makes the settings of an agent out of a configuration file that was taken apart. */
import type { AgentSettings, ServiceSettings } from "../settings/service.ts";
import { type Reading, readService, readValue, type Said } from "../settings/read.ts";
import { serviceName, type Where } from "../settings/notation.ts";
import { AGENT_SETTINGS, type AgentValues, SERVICE_SETTINGS } from "../settings/table.ts";
import { Failure } from "../failure/failure.ts";
import type { Document, Entry, Table } from "./document.ts";
import { dotted, type Problem, PROBLEMS_MAX } from "./problem.ts";
import { findContradictions, type Neighbour } from "./relations.ts";
import { readStatements, SCHEMA, SERVICE, SERVICES, type Statements, TOP } from "./said.ts";

/** How to write the log. */
export interface LogSettings {
  readonly level: AgentValues["log-level"];
  readonly format: AgentValues["log-format"];
}

/** Where what is in force comes from. */
export interface Sources {
  /** What the top of the file says. */
  readonly top: Statements;
  /** What the services say themselves, by name. */
  readonly services: ReadonlyMap<string, Statements>;
}

/** What came of reading a configuration. */
export type Loaded =
  | {
    readonly settings: AgentSettings;
    readonly log: LogSettings;
    readonly sources: Sources;
    readonly problems: readonly [];
  }
  | {
    readonly settings: null;
    /** At least one, in the order of their lines. */
    readonly problems: readonly Problem[];
  };

/**
 * Reads a configuration.
 *
 * @param profilesFolder Where profiles lie that are given by name.
 */
export function readConfig({ root, problems: found }: Document, profilesFolder: string): Loaded {
  if (root === null) return { settings: null, problems: found };
  const problems = [...found];
  const where = { profilesFolder, relativePaths: false };
  const top = readStatements(root, [], TOP, where, problems);
  problems.push(...contradictionsOf(top, problems), ...wrongSchema(root));
  const tables = serviceTables(root, problems);
  const services = new Map<string, Statements>();
  const neighbours: Neighbour[] = [];
  for (const [name, { node, line }] of tables) {
    const statements = readStatements(node, [SERVICES, name], SERVICE, where, problems);
    services.set(name, statements);
    problems.push(...missing(name, line, node));
    neighbours.push({
      name,
      profile: profileOf(name, { node, line }, statements, where, problems),
      after: statements.get("after") ?? null,
      renamedFrom: statements.get("renamed-from") ?? null,
    });
  }
  findContradictions(neighbours, problems);
  if (problems.length > 0) return { settings: null, problems: inOrder(problems) };
  const sources = { top, services };
  return { ...settingsOf(sources, where), sources, problems: [] };
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const sorted = problems.toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0));
  if (sorted.length <= PROBLEMS_MAX) return sorted;
  const more = sorted.length - PROBLEMS_MAX;
  return [...sorted.slice(0, PROBLEMS_MAX), {
    line: null,
    key: null,
    why: `there are ${more} more problems`,
    next: "Solve these first.",
  }];
}

/** The name of a schema is for editors; hail only looks that it is one. */
function wrongSchema({ entries }: Table): Problem[] {
  const entry = entries.get(SCHEMA);
  if (entry === undefined || entry.node.kind === "scalar" && typeof entry.node.value === "string") return [];
  return [{
    line: entry.line,
    key: dotted([SCHEMA]),
    why: "it is no text",
    next: "Write there where editors find the schema, or take it out.",
  }];
}

/** A service's table, with the line of its key. */
interface ServiceTable extends Entry {
  readonly node: Table;
}

function serviceTables(root: Table, problems: Problem[]): Map<string, ServiceTable> {
  const tables = new Map<string, ServiceTable>();
  const entry = root.entries.get(SERVICES);
  if (entry === undefined) return tables;
  if (entry.node.kind !== "table") {
    problems.push({
      line: entry.line,
      key: SERVICES,
      why: "it is no table of services",
      next: `Write a table for each service: in TOML below a line [${SERVICES}.NAME], in JSON an object.`,
    });
    return tables;
  }
  for (const [name, { line, node }] of entry.node.entries) {
    const key = dotted([SERVICES, name]);
    const wrong = nameProblem(name);
    if (wrong !== null) problems.push({ line, key, why: wrong.message, next: wrong.next });
    else if (node.kind === "table") tables.set(name, { line, node });
    else {
      problems.push({
        line,
        key,
        why: "it is no table of settings",
        next: `Write a table there: in TOML below a line [${SERVICES}.NAME], in JSON an object.`,
      });
    }
  }
  return tables;
}

function nameProblem(name: string): Failure | null {
  try {
    serviceName.read(name, { profilesFolder: null, relativePaths: false });
    return null;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** What a service has to say itself. Its profile follows from its name. */
function missing(name: string, line: number, { entries }: Table): Problem[] {
  if (entries.has("job-uri")) return [];
  return [{
    line,
    key: dotted([SERVICES, name, "job-uri"]),
    why: "it is missing",
    next: "Say there which job it is to follow: https://HOST/job/PROJECT/JOBSET/JOB.",
  }];
}

function contradictionsOf(top: Statements, problems: readonly Problem[]): Problem[] {
  // One that is there and cannot be read is a problem already.
  if (problems.some(({ key }) => key === "wake-listen" || key === "wake-secret-file")) return [];
  const [listen, secret] = [top.get("wake-listen"), top.get("wake-secret-file")];
  if ((listen === undefined) === (secret === undefined)) return [];
  const [there, line, absent] = listen === undefined
    ? ["wake-secret-file", secret?.line ?? null, "wake-listen"]
    : ["wake-listen", listen.line, "wake-secret-file"];
  return [{
    line,
    key: there,
    why: `it needs ${absent} as well`,
    next: `Write ${absent}, or take this one out.`,
  }];
}

/** The profile of a service, and where it is said; null where that is wrong. */
function profileOf(
  name: string,
  { node, line }: ServiceTable,
  statements: Statements,
  where: Where,
  problems: Problem[],
): Neighbour["profile"] {
  const said = statements.get("profile");
  if (said === undefined && node.entries.has("profile")) return null;
  try {
    const path = SERVICE_SETTINGS.profile.read(said?.texts ?? [name], where);
    return { path, line: said?.line ?? line };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // What is said was read before, so it is the name.
    problems.push({
      line,
      key: dotted([SERVICES, name]),
      why: `no profile can have its name: ${error.why}`,
      next: "Call it otherwise, or give it a `profile`.",
    });
    return null;
  }
}

/** The settings, of which each has been checked. */
function settingsOf({ top, services }: Sources, where: Where): { settings: AgentSettings; log: LogSettings } {
  const reading: Reading = {
    where,
    refuse: (key, failure) => {
      throw new Error(`${key} was not checked`, { cause: failure });
    },
  };
  const said = textsOf(top);
  const read = <K extends keyof AgentValues>(key: K) => readValue(AGENT_SETTINGS, key, said, reading);
  const [listen, secretFile] = [read("wake-listen"), read("wake-secret-file")];
  const settings = {
    stateDir: read("state-dir"),
    maxRealisations: read("max-realisations"),
    maxActivations: read("max-activations"),
    wake: listen === null || secretFile === null ? null : { ...listen, secretFile },
    services: [...services].map(([name, own]): ServiceSettings =>
      readService(
        new Map([["profile", [name]] as const, ...said, ...textsOf(own)]),
        () => name,
        reading,
      )
    ),
  };
  return { settings, log: { level: read("log-level"), format: read("log-format") } };
}

function textsOf(statements: Statements): Said {
  return new Map([...statements].map(([key, { texts }]) => [key, texts]));
}
