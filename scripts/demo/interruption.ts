/** The signals that ask the demo to end, with the exit status that each leads to: 128 plus its number. */
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** The reason that an interrupted demo ends with. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly exitStatus: number;

  constructor(signal: keyof typeof STATUS) {
    super(`ended by ${signal}`);
    this.exitStatus = STATUS[signal];
  }
}

/** Listens from now on, so that a signal no longer ends this process: it has to clean up first. */
export function listenForInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => controller.abort(new Interruption(signal)));
  }
  return controller.signal;
}
