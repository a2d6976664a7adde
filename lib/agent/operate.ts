import type { Deployer } from "../deployment/deployer.ts";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import type { Stages, Stop } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import { findGroup } from "../journal/group.ts";
import { type OpenJournal, openJournal } from "../journal/open.ts";
import { lockProfile, type ProfileLock } from "../nix/profile_lock.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { Report } from "../report/event.ts";
import { Bell } from "./bell.ts";
import type { ServiceSettings } from "../settings/service.ts";
import { begunWith, encodeSettings, type StoredSettings } from "../settings/stored.ts";
import { composeDeployer, composeGates, composeHydra, type HydraClient, STATE_GROUP } from "./compose.ts";
import type { Environment } from "./environment.ts";
import { createOperator, createTee } from "./operator.ts";
import { createShared } from "./shared.ts";
import { listenForSignals } from "./signals.ts";

/** A service whose hail does not run. */
export interface AbsentService {
  /** How it is kept, as far as the words say that its database remembers. */
  readonly service: ServiceSettings;
  /** What its database remembers of that, which stays. */
  readonly stored: StoredSettings;
  /** The folder that the database is in. */
  readonly folder: string;
}

/** Nobody looks at the stages of a command. */
const NO_STAGES: Stages = { enter: () => {} };

/**
 * Does what the operator asks for in place of the hail that usually holds the profile, while that does not run. It can be
 * called again.
 *
 * @throws {Failure} `profile-held`: it runs after all, without listening, as with `--oneshot`. Otherwise as
 * `Deployer.pass` for `poll`, and as `Deployer.rollback`.
 */
export async function operateOffline(
  { service, stored, folder }: AbsentService,
  request: OperatorRequest,
  version: string,
  env: Environment,
  report: Report,
): Promise<OperatorAnswer> {
  const { profile, jobUri } = service;
  const bell = new Bell();
  // A terminal that is closed ends the command; what it has begun is finished at the next start.
  const stop = listenForSignals(report, { does: "nothing is asked for by it here", act: () => {} });
  const tee = createTee(report);
  const store = storeFolder(env);
  let lock: ProfileLock | null = null;
  let journal: OpenJournal | null = null;
  let client: HydraClient | null = null;
  try {
    lock = await lockForCommand(profile, store);
    journal = openJournal({
      folder,
      profile,
      jobUri: jobUri.text,
      settings: encodeSettings(begunWith(stored)),
      gid: findGroup(STATE_GROUP),
      storeFolder: store,
      now: Date.now,
      report,
    });
    const shared = createShared(version, env, { maxRealisations: 1, maxActivations: 1 });
    client = await composeHydra(service, shared, report);
    const { hydra } = client;
    const gates = composeGates(service, hydra.evaluations, report, shared);
    const parts = { hydra, journal, stages: NO_STAGES, gates, report };
    const deployer = await composeDeployer(service, parts, shared);
    if (request.command === "poll") {
      if (request.pastGates === true) deployer.letPass();
      return await pollOnce(deployer, stop);
    }
    return await createOperator({ deployer, bell, stop, tee, polls: "later" })(request, () => {});
  } finally {
    client?.connection.close();
    journal?.close();
    lock?.release();
    stop.forget();
  }
}

/** Takes the lock; what to do where another hail has it is not what it is for a hail that is to stay. */
async function lockForCommand(profile: ProfilePath, store: string): Promise<ProfileLock> {
  try {
    return await lockProfile(profile, store);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "profile-held") throw error;
    const { what, why } = error;
    const next = "It takes no commands, as with --oneshot: wait until it has ended, then say it again.";
    throw new Failure("profile-held", { what, why, next, cause: error });
  }
}

async function pollOnce(
  deployer: Deployer,
  stop: Stop,
): Promise<OperatorAnswer> {
  await deployer.start(stop);
  stop.gently.throwIfAborted();
  const { build, deployed, refusal } = await deployer.pass(stop);
  if (refusal !== null) {
    const { code, why, next } = refusal;
    throw new Failure(code, { what: `build ${build.id} is not deployed`, why, next });
  }
  return {
    message: `the profile ${deployed ? "is now" : "was already"} at build ${build.id} (${build.name})`,
  };
}
