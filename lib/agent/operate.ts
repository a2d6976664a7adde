import type { Deployer } from "../deployment/deployer.ts";
import type { OperatorAnswer, OperatorRequest } from "../deployment/operator.ts";
import type { Stages, Stop } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import { findGroup } from "../journal/group.ts";
import { openJournal } from "../journal/open.ts";
import { stateFolder } from "../journal/state_folder.ts";
import { lockProfile } from "../nix/profile_lock.ts";
import { storeFolder } from "../nix/store_path.ts";
import type { ProfilePath } from "../nix/profile_name.ts";
import type { Report } from "../report/event.ts";
import { Bell } from "./bell.ts";
import { composeDeployer, createHydraClient, type DeployOptions, STATE_GROUP } from "./compose.ts";
import type { Environment } from "./environment.ts";
import { createOperator, createTee } from "./operator.ts";
import { listenForSignals } from "./signals.ts";

/** Nobody looks at the stages of a command. */
const NO_STAGES: Stages = { enter: () => {} };

/**
 * Does what the operator asks for in place of the hail that usually holds the profile, while that does not run.
 *
 * @param options How that hail was started.
 * @throws {Failure} `profile-held`: it runs after all, without listening, as with `--oneshot`. Otherwise as
 * `Deployer.pass` for `poll`, and as `Deployer.rollback`.
 */
export async function operateOffline(
  options: DeployOptions,
  request: OperatorRequest,
  version: string,
  env: Environment,
  report: Report,
): Promise<OperatorAnswer> {
  const { profile, jobUri } = options;
  const bell = new Bell();
  const stop = listenForSignals(bell, report);
  const tee = createTee(report);
  const store = storeFolder(env);
  await lockForCommand(profile, store);
  const journal = openJournal({
    folder: stateFolder(env, options.stateDir, Deno.uid()),
    profile,
    jobUri: jobUri.text,
    settings: JSON.stringify(options.words),
    gid: findGroup(STATE_GROUP),
    storeFolder: store,
    now: Date.now,
    report,
  });
  try {
    const hydra = await createHydraClient(options, version, env, report);
    const deployer = await composeDeployer(options, { hydra, journal, stages: NO_STAGES, env, report });
    if (request.command === "poll") return await pollOnce(deployer, stop);
    return await createOperator({ deployer, bell, stop, tee })(request, () => {});
  } finally {
    journal.close();
  }
}

/** Takes the lock; what to do where another hail has it is not what it is for a hail that is to stay. */
async function lockForCommand(profile: ProfilePath, store: string) {
  try {
    await lockProfile(profile, store);
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
