import { existsSync } from "node:fs";
import { createActivator, type TidyActivator } from "../activation/choose.ts";
import { Deployer } from "../deployment/deployer.ts";
import type { Gates, Hydra, Journal, Stages, Turns } from "../deployment/ports.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import { Failure } from "../failure/failure.ts";
import type { Evaluations } from "../gates/evaluations.ts";
import { createGates } from "../gates/gates.ts";
import { createVerifier } from "../health/verifier.ts";
import { readCertificates } from "../hydra/certificates.ts";
import { createHydra, type HydraOfJob } from "../hydra/client.ts";
import type { Connection, Connections } from "../hydra/connection.ts";
import type { Credentials } from "../netrc/lookup.ts";
import { readCredentials } from "../netrc/read.ts";
import { readSecretFile } from "../netrc/secret_file.ts";
import { createNix } from "../nix/nix.ts";
import { nixFiles } from "../nix/nix_files.ts";
import { readProfile } from "../nix/profile_link.ts";
import { stateFolder } from "../nix/profile_name.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { RunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import type { ServiceSettings } from "../settings/service.ts";
import type { Clock } from "../time/clock.ts";
import { ACTIVATION_ENVIRONMENT, type Environment } from "./environment.ts";
import type { HostNumbers } from "./host_number.ts";

/** The group whose members may ask hail for its state, and tell it what to do. */
export const STATE_GROUP = "hail";

/** The netrc file that is read where none is named. */
const DEFAULT_NETRC = "/etc/netrc";

/** The file with the credentials of a service. */
export function netrcFileOf({ netrcFile }: Pick<ServiceSettings, "netrcFile">): string {
  return netrcFile ?? DEFAULT_NETRC;
}

/** What all services of one process share. */
export interface Shared {
  readonly version: string;
  readonly env: Environment;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly run: RunCommand;
  readonly turns: Turns;
  /** The id of the host's present boot. */
  readonly bootId: () => Promise<string>;
  /** What tells this machine from others; it must not leave the machine. */
  readonly machineId: () => Promise<string>;
  /** What numbers hosts have in their fleets. */
  readonly hostNumbers: HostNumbers;
  /** Ends the process at one point of a deployment; for tests. */
  readonly failPoint: ((point: string) => void) | undefined;
}

/** The credentials for a host from the netrc file that was named, or else from the default one. */
async function findCredentials(
  file: string | undefined,
  host: string,
  report: Report,
): Promise<Credentials | null> {
  // Asked first, since the first error that is thrown costs ten milliseconds, and most hosts have no such file.
  if (file === undefined && !existsSync(DEFAULT_NETRC)) return null;
  return await readCredentials({
    file: file ?? DEFAULT_NETRC,
    named: file !== undefined,
    host,
    ports: { read: readSecretFile, report },
  });
}

/** The largest file of certificates, in bytes. Those of distributions have half a million. */
const CERTIFICATES_LIMIT = 16 * 1024 * 1024;

/** Reads a file of certificates, within bounds: a FIFO or a device that a variable names must not hold hail up. */
async function readCertificateFile(path: string): Promise<string> {
  const found = await readSecretFile(path, CERTIFICATES_LIMIT);
  if (found.outcome === "read") return found.text;
  throw found.outcome === "missing" ? new Deno.errors.NotFound(path) : new Error(found.why);
}

/** A client for the Hydra of a service, and what it holds of the shared connection. */
export interface HydraClient {
  readonly hydra: HydraOfJob;
  readonly connection: Connection;
}

/**
 * Makes the client for the Hydra of a service.
 *
 * @throws {Failure} `netrc-unusable`, or `usage` for an unusable file of certificates.
 */
export async function composeHydra(
  service: Pick<ServiceSettings, "jobUri" | "netrcFile" | "request">,
  { env, connections }: Pick<Shared, "env" | "connections">,
  report: Report,
): Promise<HydraClient> {
  const { jobUri } = service;
  const credentials = await findCredentials(service.netrcFile, new URL(jobUri.origin).hostname, report);
  const certificates = await readCertificates(jobUri.origin, env, readCertificateFile);
  const connection = connections.to(jobUri, credentials, certificates);
  const hydra = createHydra({
    jobUri,
    connection,
    requestTimeout: service.request,
    report,
    storeFolder: storeFolder(env),
  });
  return { hydra, connection };
}

/** What a deployer is made of, besides the settings of its service. */
export interface DeployerParts {
  readonly hydra: Hydra;
  readonly journal: Journal;
  readonly stages: Stages;
  readonly gates: Gates;
  readonly report: Report;
}

/**
 * Puts the parts of a deployment together.
 *
 * @throws {Failure} `usage`: an unusable file of certificates.
 */
export async function composeDeployer(
  service: ServiceSettings,
  parts: DeployerParts,
  shared: Shared,
): Promise<Deployer> {
  const { profile, jobUri } = service;
  const { hydra, report } = parts;
  const { env, clock, run, turns, bootId, failPoint } = shared;
  const store = storeFolder(env);
  return new Deployer({
    ...parts,
    nix: createNix({
      profile,
      storeFolder: store,
      stateFolder: stateFolder(env),
      clock,
      realiseTimeout: service.realise,
      retention: service.retention,
      run,
      report,
      files: nixFiles,
    }),
    activator: composeActivator(service, report, shared),
    verifier: createVerifier({
      profile,
      jobUri: jobUri.text,
      checks: service.healthChecks,
      timeLimit: service.healthTimeout,
      soak: service.soak,
      certificates: await checkCertificates(service, env),
      confirm: service.confirm === null ? null : {
        timeLimit: service.confirm,
        ask: (signal) => askForAnswer(hydra, signal),
      },
      run,
      clock,
      report,
    }),
    turns,
    current: () => readProfile(profile, store),
    clock,
    bootId,
    ...(failPoint === undefined ? {} : { failPoint }),
  }, { limits: service, policy: service });
}

/** What runs the programs of a service's profile. */
export function composeActivator(
  service: ServiceSettings,
  report: Report,
  { env, run, clock }: Pick<Shared, "env" | "run" | "clock">,
): TidyActivator {
  return createActivator({
    profile: service.profile,
    jobUri: service.jobUri.text,
    timeLimit: service.activation,
    degradedStatuses: service.degradedStatuses,
    environment: activationEnvironment(env),
    systemd: runsAsUnit(service.activationRunner),
    run,
    clock,
    report,
  });
}

/** What the gates of a service say. */
export function composeGates(
  service: ServiceSettings,
  evaluations: Evaluations,
  report: Report,
  { env, run, clock, machineId }: Shared,
): Gates {
  return createGates(service.gates, {
    run,
    clock,
    machineId,
    profile: service.profile,
    jobUri: service.jobUri.text,
    evaluations,
    environment: activationEnvironment(env),
    onLine: (gate, line, stream) =>
      report({
        name: "gate-output",
        level: "debug",
        message: `${gate}: ${line}`,
        fields: { gate, stream },
      }),
  });
}

/** Whether an activation is to be a unit of systemd's. */
function runsAsUnit(runner: ServiceSettings["activationRunner"]): boolean {
  // As sd_booted(3) finds out whether systemd manages the host.
  return runner === "auto" ? Deno.uid() === 0 && existsSync("/run/systemd/system") : runner === "unit";
}

/**
 * The certificates of the authorities that checks over https trust besides Deno's, in PEM.
 *
 * @throws {Failure} `usage`: they are to come from a file that cannot be read.
 */
export async function checkCertificates(
  service: ServiceSettings,
  env: Environment,
): Promise<readonly string[]> {
  const secure = service.healthChecks.some((check) =>
    check.kind === "http" && check.url.startsWith("https:")
  );
  return secure ? (await readCertificates("https:", env, readCertificateFile)).pem : [];
}

/** Asks Hydra for an answer, whatever that is: a job without a build is no sign of a network that is cut. */
async function askForAnswer(hydra: Hydra, signal: AbortSignal): Promise<void> {
  try {
    await hydra.latest(signal);
  } catch (error) {
    if (!(error instanceof Failure) || error.exitStatus !== EXIT_STATUS.hydraUnusable) throw error;
  }
}

/**
 * The variables that an activation is given where it does not simply inherit them. HAIL_INVOCATION_ID is hail's own unit,
 * for the activation of a bootstrap profile, which must not wait for the restart of that unit.
 */
function activationEnvironment(env: Environment): Readonly<Record<string, string>> {
  const entries = ACTIVATION_ENVIRONMENT.flatMap((name) => {
    const value = env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const invocation = env.get("INVOCATION_ID");
  return {
    ...Object.fromEntries(entries),
    ...(invocation === undefined ? {} : { HAIL_INVOCATION_ID: invocation }),
  };
}
