import type { Stop } from "../deployment/deployer.ts";
import type { Report } from "../report/event.ts";

/** The signals that end hail, and the exit status of a run that they cut short: 128 plus their number. */
const ENDING = { SIGTERM: 143, SIGINT: 130 } as const;

/** Thrown through work that a signal has ended. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly exitStatus: number;

  constructor(signal: keyof typeof ENDING) {
    super(`ended by ${signal}`);
    this.exitStatus = ENDING[signal];
  }
}

/** Signals that are listened for, and what they have asked for. */
export interface Signals extends Stop {
  /** Leaves the signals to what the system does with them. */
  forget(): void;
}

/**
 * Listens for signals from now on: the first TERM or INT stops gently, the second at once.
 *
 * @param hup What HUP does, and what is logged of it.
 */
export function listenForSignals(
  report: Report,
  hup: { readonly does: string; act(): void },
): Signals {
  const gently = new AbortController();
  const now = new AbortController();
  const stop = (signal: keyof typeof ENDING) => () => {
    const second = gently.signal.aborted;
    report({
      name: "signal",
      level: "info",
      message: second
        ? `${signal} again: stopping at once`
        : `${signal}: stopping; a running activation is not cut off`,
      fields: { signal },
    });
    (second ? now : gently).abort(new Stopped(signal));
  };
  const listeners = {
    SIGTERM: stop("SIGTERM"),
    SIGINT: stop("SIGINT"),
    SIGHUP() {
      report({ name: "signal", level: "info", message: `SIGHUP: ${hup.does}`, fields: { signal: "SIGHUP" } });
      hup.act();
    },
  };
  const each = Object.entries(listeners) as [keyof typeof listeners, () => void][];
  for (const [signal, listener] of each) Deno.addSignalListener(signal, listener);
  return {
    gently: gently.signal,
    now: now.signal,
    forget() {
      for (const [signal, listener] of each) Deno.removeSignalListener(signal, listener);
    },
  };
}
