import { existsSync } from "node:fs";
import { createActivator } from "../activation/activate.ts";
import { Deployer } from "../deployment/deployer.ts";
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
import { lockProfile } from "../nix/profile_lock.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import { storeFolder } from "../nix/store_path.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Report } from "../report/event.ts";
import { connectServiceManager } from "../systemd/notify.ts";
import { startWatchdog, watchdogInterval } from "../systemd/watchdog.ts";
import { systemClock } from "../time/system_clock.ts";
import { Bell } from "./bell.ts";
import type { Environment } from "./environment.ts";
import { type AgentPorts, runLoop, runOnce } from "./loop.ts";
import { readMachineId } from "./machine_id.ts";
import { phaseOf } from "./phase.ts";
import { listenForSignals, Stopped } from "./signals.ts";
import { createStageBoard } from "./stage_board.ts";

/** What the command line says about a deployment. Times are in milliseconds. */
export interface DeployOptions {
  readonly profile: ProfilePath;
  readonly jobUri: JobUri;
  readonly netrcFile: string | undefined;
  readonly schedule: { readonly oneshot: true } | { readonly oneshot: false; readonly period: number };
  readonly request: number;
  readonly realise: number;
  readonly activation: number;
}

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
 * Puts the parts together for one profile, and runs them.
 *
 * @param version The version of hail.
 * @returns The exit status.
 * @throws {Failure} What keeps it from beginning: an unusable netrc or certificate file (exit status 2), a folder that
 * cannot be written (13), another hail on the profile (15).
 */
export async function deploy(
  options: DeployOptions,
  version: string,
  env: Environment,
  report: Report,
): Promise<number> {
  const { profile, jobUri, schedule } = options;
  const bell = new Bell();
  const stop = listenForSignals(bell, report);
  const host = new URL(jobUri.origin).hostname;
  const credentials = await findCredentials(options.netrcFile, host, report);
  const store = storeFolder(env);
  const certificates = await readCertificates(jobUri.origin, env, readCertificateFile);
  const http = createHttp(certificates);
  await lockProfile(profile, store);

  const run = createRunCommand(systemClock);
  const manager = await connectServiceManager(env, report);
  const interval = watchdogInterval(env, Deno.pid);
  // They speak of this process; a program that it starts would speak in its name.
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const) env.delete(name);
  const watchdog = interval === null
    ? null
    : startWatchdog(interval, { clock: systemClock, manager, report });
  const stages = createStageBoard({ clock: systemClock, manager, watchdog, stop: stop.gently });
  const deployer = new Deployer({
    hydra: createHydra({
      jobUri,
      credentials,
      requestTimeout: options.request,
      http,
      report,
      version,
      storeFolder: store,
    }),
    nix: createNix({ profile, realiseTimeout: options.realise, run, report, files: nixFiles }),
    activator: createActivator({ profile, jobUri: jobUri.text, timeLimit: options.activation, run, report }),
    current: () => readProfile(profile, store),
    clock: systemClock,
    stages,
    report,
  }, options);
  const ports: AgentPorts = {
    deployer,
    clock: systemClock,
    random: Math.random,
    stages,
    report,
    stop,
    bell,
  };

  report({
    name: "start",
    level: "info",
    message: `hail ${version} keeps ${profile} at ${jobUri.text}`,
    fields: { version, profile, job_uri: jobUri.text },
  });
  await manager.ready();
  try {
    if (schedule.oneshot) return await runOnce(ports);
    const { period } = schedule;
    await runLoop(ports, { period, phase: await phaseOf(await readMachineId(), profile, period) });
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return error.exitStatus;
    throw error;
  } finally {
    report({ name: "stop", level: "info", message: "hail stops" });
    await manager.stopping();
  }
}
