/** How to start a hail. */
export interface HailOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Takes each line of its log as it comes. */
  readonly onLine: (line: string) => void;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/** How long one wait may take at most, in milliseconds: far more than it does on a machine that is very busy. */
const WAIT_LIMIT = 60_000;

/** How long hail may take to end when it is told to, in milliseconds. */
const END_LIMIT = 15_000;

/** A hail that runs, with its log. */
export class HailProcess {
  readonly #child: Deno.ChildProcess;
  readonly #options: HailOptions;
  readonly #lines: string[] = [];
  readonly #reading: Promise<void>;
  #ended: Deno.CommandStatus | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(options: HailOptions) {
    this.#options = options;
    this.#child = new Deno.Command(options.program, {
      args: [...options.args],
      env: { ...options.env },
      stdin: "null",
      stdout: "inherit",
      stderr: "piped",
    }).spawn();
    this.#reading = this.#read();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** All lines so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /**
   * Waits for a line of the log.
   *
   * @param from How many lines of the log to pass over.
   * @returns How many lines there were up to this one.
   * @throws {Error} If hail ends before, or says nothing of that kind for a minute.
   * @throws The reason of the signal.
   */
  async untilSays(pattern: RegExp, from = 0): Promise<number> {
    const over = AbortSignal.any([this.#options.signal, AbortSignal.timeout(WAIT_LIMIT)]);
    for (;;) {
      const { promise } = this.#changed;
      const index = this.#lines.findIndex((line, index) => index >= from && pattern.test(line));
      if (index >= 0) return index + 1;
      if (this.#ended !== null) {
        throw new Error(`hail ended with status ${this.#ended.code} without saying ${pattern}`);
      }
      await settledOr(promise, over);
      this.#options.signal.throwIfAborted();
      if (over.aborted) throw new Error(`hail did not say ${pattern} within ${WAIT_LIMIT / 1000} s`);
    }
  }

  /**
   * Tells it to stop, as `systemctl stop` would, and waits for its end; one that does not obey is killed.
   *
   * @returns Its exit status.
   */
  async stop(): Promise<number> {
    if (this.#ended === null) {
      this.signal("SIGTERM");
      const timer = setTimeout(() => this.signal("SIGKILL"), END_LIMIT);
      await this.#child.status;
      clearTimeout(timer);
    }
    await this.#reading;
    return (await this.#child.status).code;
  }

  /** Sends a signal; nothing happens if it has ended. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended by itself in the meantime.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#lines.push(line);
        this.#options.onLine(line);
      }
      this.#wake();
    }
    this.#ended = await this.#child.status;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Waits for a promise, or for the signal. */
async function settledOr(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  if (signal.aborted) return;
  signal.addEventListener("abort", abort, { once: true });
  await Promise.race([promise, aborted.promise]);
  signal.removeEventListener("abort", abort);
}
