import type { Stop } from "../deployment/deployer.ts";
import type { Report } from "../report/event.ts";
import type { Bell } from "./bell.ts";

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

/**
 * Listens for signals from now on: the first TERM or INT stops gently, the second at once; HUP rings the bell.
 */
export function listenForSignals(bell: Bell, report: Report): Stop {
  const gently = new AbortController();
  const now = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
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
    });
  }
  Deno.addSignalListener("SIGHUP", () => {
    report({ name: "signal", level: "info", message: "SIGHUP: polling now", fields: { signal: "SIGHUP" } });
    bell.ring();
  });
  return { gently: gently.signal, now: now.signal };
}
