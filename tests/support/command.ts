/**
 * Programs in tests: their output is captured, and nothing waits without a limit.
 *
 * @module
 */

/** How to run a program. */
export interface CommandOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for its standard input, which is empty otherwise. */
  readonly stdin?: string;
  /**
   * How long it may take, in milliseconds.
   *
   * @default {60000}
   */
  readonly limit?: number;
  /**
   * Whether a failure is an answer, too. Otherwise one is thrown as an error that shows the output.
   *
   * @default {false}
   */
  readonly mayFail?: boolean;
}

/** How a program ended, and what it printed. */
export interface CommandResult {
  /** Its exit status; 128 and the number of the signal if one has ended it. */
  readonly status: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Time for a program to end by itself after TERM, before KILL, in milliseconds. */
const GRACE = 2_000;

/**
 * Runs a program to its end.
 *
 * @throws {Error} If it takes too long, or fails and may not; with the end of what it printed.
 */
export async function run(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  await using running = new RunningCommand(command, options);
  const result = await running.finish(options.limit);
  if (result.status !== 0 && !options.mayFail) {
    throw new Error(`${command.join(" ")}: exit status ${result.status}\n${running.tail()}`);
  }
  return result;
}

/** A program that runs beside the test. `await using` ends it with KILL if it still runs. */
export class RunningCommand implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<Deno.CommandStatus>;
  readonly #pumps: Promise<void>[];
  #running = true;
  #stdout = "";
  #stderr = "";
  #changed = Promise.withResolvers<void>();

  constructor(command: readonly string[], options: Omit<CommandOptions, "limit" | "mayFail"> = {}) {
    const [program, ...args] = command;
    if (program === undefined) throw new TypeError("Cannot run an empty command");
    this.#command = command;
    this.#child = new Deno.Command(program, {
      args,
      // The servers of the tests are on this machine, whatever proxy it uses for others.
      env: { NO_PROXY: "127.0.0.1,localhost", no_proxy: "127.0.0.1,localhost", ...options.env },
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#pumps = [
      this.#pump(this.#child.stdout, (text) => this.#stdout += text),
      this.#pump(this.#child.stderr, (text) => this.#stderr += text),
    ];
    if (options.stdin !== undefined) this.#pumps.push(feed(this.#child.stdin, options.stdin));
    this.#ended = this.#child.status.then((status) => {
      this.#running = false;
      this.#wake();
      return status;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Sends a signal; nothing happens if the program has ended. */
  kill(signal: Deno.Signal = "SIGTERM"): void {
    if (this.#running) this.#child.kill(signal);
  }

  /**
   * Waits until the output matches.
   *
   * @param pattern Tried on all of standard output, and on all of standard error.
   * @param limit In milliseconds.
   * @throws {Error} If the time is over or the program ends before the output matches.
   */
  async untilPrinted(pattern: RegExp, limit = 30_000): Promise<void> {
    const over = performance.now() + limit;
    for (;;) {
      const { promise } = this.#changed;
      const wasRunning = this.#running;
      if (!wasRunning) await Promise.all(this.#pumps);
      if (pattern.test(this.#stdout) || pattern.test(this.#stderr)) return;
      if (!wasRunning) throw new Error(`${this.#name} has ended without printing ${pattern}\n${this.tail()}`);
      if (performance.now() >= over) {
        throw new Error(`${this.#name} has not printed ${pattern} within ${limit} ms\n${this.tail()}`);
      }
      await within(promise, over - performance.now());
    }
  }

  /**
   * Waits for the end.
   *
   * @param limit In milliseconds; then it is stopped, at first with TERM.
   * @throws {Error} If the limit was reached.
   */
  async finish(limit = 60_000): Promise<CommandResult> {
    const status = await within(this.#ended, limit);
    if (status === null) {
      await this.#stop();
      throw new Error(`${this.#name} has not ended within ${limit} ms\n${this.tail()}`);
    }
    // A grandchild may keep the pipes open beyond the end of the program.
    await within(Promise.all(this.#pumps), GRACE);
    return { status: status.code, signal: status.signal, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** The last lines of the output, for an error message. */
  tail(): string {
    return `${this.#stdout}\n${this.#stderr}`.trim().split("\n").slice(-40).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.#ended;
    await Promise.all([
      this.#child.stdout.cancel().catch(() => {}),
      this.#child.stderr.cancel().catch(() => {}),
    ]);
    await within(Promise.all(this.#pumps), GRACE);
  }

  async #stop(): Promise<void> {
    this.kill("SIGTERM");
    if (await within(this.#ended, GRACE) === null) this.kill("SIGKILL");
    await this.#ended;
    await within(Promise.all(this.#pumps), GRACE);
  }

  get #name(): string {
    return this.#command.join(" ");
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #pump(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      add(decoder.decode(chunk, { stream: true }));
      this.#wake();
    }
  }
}

/** A program may end before it has read all of its input. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** What a promise gives, or null if it takes longer than `limit` milliseconds. */
export async function within<T>(promise: Promise<T>, limit: number): Promise<T | null> {
  const over = Promise.withResolvers<null>();
  const timer = setTimeout(() => over.resolve(null), Math.max(0, limit));
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until a condition holds, asking again and again.
 *
 * @param what The condition, for the error message.
 * @param limit In milliseconds.
 * @throws {Error} If it does not hold in time.
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limit = 30_000,
): Promise<void> {
  const over = performance.now() + limit;
  while (true) {
    const asked = performance.now();
    if (await holds()) return;
    const answered = performance.now();
    if (answered > over) throw new Error(`not within ${limit} ms: ${what}`);
    // Whoever starts a program to ask leaves the processor to what is waited for.
    await new Promise((resolve) => setTimeout(resolve, Math.max(50, 2 * (answered - asked))));
  }
}
