import { Connections } from "../hydra/connection.ts";
import { readSecretFile } from "../netrc/secret_file.ts";
import { createRunCommand } from "../process/run_command.ts";
import { systemClock } from "../time/system_clock.ts";
import { LONGEST_RETRY_AFTER } from "./backoff.ts";
import { readBootId } from "./boot_id.ts";
import type { Shared } from "./compose.ts";
import type { Environment } from "./environment.ts";
import { failPoints } from "./fail_points.ts";
import { HostNumbers } from "./host_number.ts";
import { readMachineId } from "./machine_id.ts";
import { Queue } from "./turns.ts";

/** How long a realisation, and an activation, count as heavy work of which there may be only so much, in milliseconds. */
const REALISATION_OVERTIME = 10 * 60_000;
const ACTIVATION_OVERTIME = 60_000;

/** How much heavy work is done at once. */
export interface Loads {
  readonly maxRealisations: number;
  readonly maxActivations: number;
}

/** What one process shares, with the queues whose limits a reload may change. */
export interface OwnShared extends Shared {
  setLoads(loads: Loads): void;
}

/** Makes what all services of this process share. */
export function createShared(version: string, env: Environment, loads: Loads): OwnShared {
  const clock = systemClock;
  const run = createRunCommand(clock);
  const realisation = new Queue(loads.maxRealisations, REALISATION_OVERTIME, clock);
  const activation = new Queue(loads.maxActivations, ACTIVATION_OVERTIME, clock);
  return {
    version,
    env,
    connections: new Connections({ version, clock, longestQuiet: LONGEST_RETRY_AFTER }),
    clock,
    run,
    turns: { realisation, activation },
    bootId: once(() => readBootId(run), (id) => id !== ""),
    machineId: once(readMachineId),
    hostNumbers: new HostNumbers(readSecretFile),
    failPoint: failPoints(env),
    setLoads({ maxRealisations, maxActivations }) {
      realisation.setLimit(maxRealisations);
      activation.setLimit(maxActivations);
    },
  };
}

/** Asks when somebody wants to know, and keeps the answer if it is one. */
function once<T>(ask: () => Promise<T>, isAnswer: (value: T) => boolean = () => true): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return async () => {
    const value = await (answer ??= ask());
    if (!isAnswer(value)) answer = null;
    return value;
  };
}
