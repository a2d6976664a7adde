import { existsSync } from "node:fs";
import { createActivator } from "../activation/choose.ts";
import { EXIT_STATUS } from "../failure/exit_status.ts";
import { Failure } from "../failure/failure.ts";
import type { HealthCheck } from "../health/check.ts";
import { createVerifier } from "../health/verifier.ts";
import type { Policy } from "../deployment/decision.ts";
import { Deployer } from "../deployment/deployer.ts";
import type { Hydra, Journal, Stages } from "../deployment/ports.ts";
import { readCertificates } from "../hydra/certificates.ts";
import { createHydra } from "../hydra/client.ts";
import { createHttp } from "../hydra/http.ts";
import type { JobUri } from "../hydra/job_uri.ts";
import type { Credentials } from "../netrc/lookup.ts";
import { readCredentials } from "../netrc/read.ts";
import { readSecretFile } from "../netrc/secret_file.ts";
import { createNix } from "../nix/nix.ts";
import { nixFiles } from "../nix/nix_files.ts";
import { readProfile } from "../nix/profile_link.ts";
import { type ProfilePath, stateFolder } from "../nix/profile_name.ts";
import { storeFolder } from "../nix/store_path.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import { systemClock } from "../time/system_clock.ts";
import { readBootId } from "./boot_id.ts";
import { ACTIVATION_ENVIRONMENT, type Environment } from "./environment.ts";
import { failPoints } from "./fail_points.ts";

/** What the command line says about a deployment. Times are in milliseconds. */
export interface DeployOptions {
  readonly profile: ProfilePath;
  readonly jobUri: JobUri;
  readonly netrcFile: string | undefined;
  readonly schedule: { readonly oneshot: true } | { readonly oneshot: false; readonly period: number };
  readonly request: number;
  readonly realise: number;
  readonly activation: number;
  /** The folder for what hail remembers; undefined for the usual one. */
  readonly stateDir: string | undefined;
  /** What runs an activation: a unit of systemd's, or a child of hail's. `auto`: a unit, where that can be. */
  readonly activationRunner: "auto" | "unit" | "child";
  /** Exit statuses of an activation that stand for "switched, but some unit failed". */
  readonly degradedStatuses: readonly number[];
  readonly healthChecks: readonly HealthCheck[];
  /** Within which all checks must pass. */
  readonly healthTimeout: number;
  /** How long they must hold then. */
  readonly soak: number;
  /** Within which Hydra must answer after an activation; null where that is not asked for. */
  readonly confirm: number | null;
  readonly onManualChange: Policy["onManualChange"];
  readonly refuseDowngrade: boolean;
  readonly retention: { readonly generations: number | null; readonly days: number | null };
  /** The words of the command line, for the commands that act in place of this hail while it does not run. */
  readonly words: readonly string[];
}

/** The group whose members may ask hail for its state, and tell it what to do. */
export const STATE_GROUP = "hail";

/** The netrc file that is read where none is named. */
const DEFAULT_NETRC = "/etc/netrc";

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

/**
 * Makes the client for the Hydra of a deployment.
 *
 * @throws {Failure} `netrc-unusable`, or `usage` for an unusable file of certificates.
 */
export async function createHydraClient(
  options: Pick<DeployOptions, "jobUri" | "netrcFile" | "request">,
  version: string,
  env: Environment,
  report: Report,
): Promise<Hydra> {
  const { jobUri } = options;
  const credentials = await findCredentials(options.netrcFile, new URL(jobUri.origin).hostname, report);
  const certificates = await readCertificates(jobUri.origin, env, readCertificateFile);
  return createHydra({
    jobUri,
    credentials,
    requestTimeout: options.request,
    http: createHttp(certificates),
    report,
    version,
    storeFolder: storeFolder(env),
  });
}

/** What a deployer is made of, besides the options. */
export interface DeployerParts {
  readonly hydra: Hydra;
  readonly journal: Journal;
  readonly stages: Stages;
  readonly env: Environment;
  readonly report: Report;
}

/**
 * Puts the parts of a deployment together.
 *
 * @throws {Failure} `usage`: an unusable file of certificates.
 */
export async function composeDeployer(options: DeployOptions, parts: DeployerParts): Promise<Deployer> {
  const { profile, jobUri } = options;
  const { hydra, journal, stages, env, report } = parts;
  const store = storeFolder(env);
  const clock = systemClock;
  const run = createRunCommand(clock);
  const activator = createActivator({
    profile,
    jobUri: jobUri.text,
    timeLimit: options.activation,
    degradedStatuses: options.degradedStatuses,
    environment: activationEnvironment(env),
    systemd: runsAsUnit(options.activationRunner),
    run,
    clock,
    report,
  });
  const failPoint = failPoints(env);
  return new Deployer({
    hydra,
    nix: createNix({
      profile,
      storeFolder: store,
      stateFolder: stateFolder(env),
      clock,
      realiseTimeout: options.realise,
      retention: options.retention,
      run,
      report,
      files: nixFiles,
    }),
    activator,
    verifier: createVerifier({
      profile,
      jobUri: jobUri.text,
      checks: options.healthChecks,
      timeLimit: options.healthTimeout,
      soak: options.soak,
      certificates: await checkCertificates(options, env),
      confirm: options.confirm === null ? null : {
        timeLimit: options.confirm,
        ask: (signal) => askForAnswer(hydra, signal),
      },
      run,
      clock,
      report,
    }),
    journal,
    current: () => readProfile(profile, store),
    clock,
    stages,
    report,
    bootId: () => readBootId(run),
    ...(failPoint === undefined ? {} : { failPoint }),
  }, { limits: options, policy: options });
}

/** Whether an activation is to be a unit of systemd's. */
function runsAsUnit(runner: DeployOptions["activationRunner"]): boolean {
  // As sd_booted(3) finds out whether systemd manages the host.
  return runner === "auto" ? Deno.uid() === 0 && existsSync("/run/systemd/system") : runner === "unit";
}

/** The certificates of the authorities that checks over https trust besides Deno's, in PEM. */
async function checkCertificates(options: DeployOptions, env: Environment): Promise<readonly string[]> {
  const secure = options.healthChecks.some((check) =>
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
