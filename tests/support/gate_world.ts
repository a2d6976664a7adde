/** Asking a gate in a test. */
import assert from "node:assert/strict";
import type { GateQuestion } from "../../lib/deployment/ports.ts";
import type { Evaluations } from "../../lib/gates/evaluations.ts";
import type { Shut, World } from "../../lib/gates/gate.ts";
import { openGate } from "../../lib/gates/kinds.ts";
import { parseGate } from "../../lib/gates/spec.ts";
import type { StorePath } from "../../lib/nix/store_path.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";

const unasked = () => assert.fail("Hydra is not asked");

const NO_EVALUATIONS: Evaluations = {
  limits: { light: 0, heavy: 0 },
  build: unasked,
  newestFinished: unasked,
  latestFinished: unasked,
  latestOf: unasked,
  buildIn: unasked,
  constituentsOf: unasked,
  buildsOf: unasked,
  evaluationErrors: unasked,
};

/** A build that is to be deployed. Times are in milliseconds. */
export function question(
  parts: { readonly finishedAt?: number | null; readonly knownSince?: number; readonly first?: boolean } = {},
): GateQuestion {
  const { finishedAt = null, knownSince = 0, first = false } = parts;
  return {
    build: {
      id: 7,
      outPath: "/nix/store/00000000000000000000000000000000-a" as StorePath,
      name: "a",
      finishedAt: finishedAt === null ? null : finishedAt / 1_000,
    },
    knownSince,
    first,
  };
}

/** A world in which no program is run and nothing is asked of Hydra, but for what a test gives. */
export function gateWorld(parts: Partial<World> = {}): World {
  return {
    run: () => assert.fail("no program is run"),
    clock: new VirtualClock(),
    machineId: () => Promise.resolve("0123456789abcdef0123456789abcdef"),
    profile: "/nix/var/nix/profiles/web",
    jobUri: "https://hydra.example.org/job/p/s/j",
    evaluations: NO_EVALUATIONS,
    environment: {},
    onLine: () => {},
    ...parts,
  };
}

/** Opens gates as they are written, and asks them one after the other what a test wants to know. */
export function asker(text: string, world = gateWorld()) {
  const gate = openGate(parseGate(text), world);
  return (
    now: number | string,
    asked = question(),
    signal = new AbortController().signal,
  ): Promise<Shut | null> => gate.ask(asked, typeof now === "string" ? Date.parse(now) : now, signal);
}
