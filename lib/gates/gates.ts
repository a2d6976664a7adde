import type { Gates } from "../deployment/ports.ts";
import { Failure } from "../failure/failure.ts";
import { anySignal } from "../time/any_signal.ts";
import { formatDuration } from "../time/period.ts";
import { type Gate, GateFault, type Shut, type World } from "./gate.ts";
import { type GateSpec, KINDS, openGate } from "./kinds.ts";
import { parseGate } from "./spec.ts";

/** The folder that is looked into where no gate names one. */
const INHIBIT_FOLDER = "/run/hail/inhibit.d";

const ORDER = Object.keys(KINDS);

/**
 * The gates of a service, in the order in which they are asked: what costs least first, and those of one kind in the order
 * of the settings. Unless the settings name a folder for `inhibit`, `/run/hail/inhibit.d` is looked into.
 */
export function gatesInForce(specs: readonly GateSpec[]): GateSpec[] {
  const inhibited = specs.some(({ kind }) => kind === "inhibit");
  const all = inhibited ? specs : [parseGate(`inhibit ${INHIBIT_FOLDER}`), ...specs];
  return all.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/**
 * Makes the gates of a service ready, {@linkcode gatesInForce} of its settings. They are asked one after the other; the
 * first one that is closed answers for all.
 *
 * What cannot be known is `gate-failed`, and names the gate; where Hydra's own failure says more, it is thrown as it is.
 */
export function createGates(specs: readonly GateSpec[], world: World): Gates {
  const gates = gatesInForce(specs).map((spec) => ({ name: spec.name, gate: openGate(spec, world) }));
  return {
    limit: gates.reduce((sum, { gate }) => sum + gate.limit, 0),

    async ask(question, signal) {
      for (const { name, gate } of gates) {
        signal.throwIfAborted();
        const shut = await answer(
          name,
          gate,
          (within) => gate.ask(question, world.clock.now(), within),
          signal,
        );
        if (shut !== null) return { gate: name, ...shut };
      }
      return null;
    },
  };

  /** Waits for an answer no longer than the gate says that it takes: a file system may hang for good. */
  async function answer(
    name: string,
    { limit }: Gate,
    ask: (signal: AbortSignal) => Promise<Shut | null>,
    signal: AbortSignal,
  ): Promise<Shut | null> {
    const over = new AbortController();
    const late = new AbortController();
    using any = anySignal(signal, late.signal);
    const timedOut = world.clock.sleep(limit, over.signal).then((): never | null => {
      if (over.signal.aborted) return null;
      late.abort();
      throw new GateFault(
        `it did not answer within ${formatDuration(limit)}`,
        "hail asks again at the next poll.",
      );
    });
    try {
      return await Promise.race([ask(any.signal), timedOut]);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof GateFault)) throw error;
      throw new Failure("gate-failed", {
        what: `gate '${name}'`,
        why: error.why,
        next: error.next,
        cause: error.cause,
      });
    } finally {
      over.abort();
    }
  }
}
