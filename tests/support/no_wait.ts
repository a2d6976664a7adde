import type { Turn, Turns } from "../../lib/deployment/ports.ts";

const turn: Turn = {
  full: false,
  take: (signal, work) => {
    signal.throwIfAborted();
    return work();
  },
};

/** Turns that nobody has to wait for. */
export const NO_WAIT: Turns = { realisation: turn, activation: turn };
