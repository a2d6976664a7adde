import { Failure } from "../failure/failure.ts";
import type { Report } from "../report/event.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration } from "../time/period.ts";

/** How Hydra is asked whether it can still be reached. */
export interface Confirmation {
  /** By when Hydra must have answered, in milliseconds. */
  readonly timeLimit: number;
  /** Polls once: resolves if that counts as an answer, else throws a `Failure`. Its signal gives it up. */
  readonly ask: (signal: AbortSignal) => Promise<void>;
}

/** From the end of one try to the next, in milliseconds. */
const PAUSE = 5_000;

/**
 * Asks Hydra until it answers.
 *
 * @param signal Gives up. Its reason is then thrown as it is.
 * @throws {Failure} `confirmation-failed` if it has not answered within the time limit.
 * @throws What `ask` throws, if it is no `Failure`.
 */
export async function confirm(
  { timeLimit, ask }: Confirmation,
  { clock, report }: { readonly clock: Clock; readonly report: Report },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const begunAt = clock.monotonic();
  const over = new AbortController();
  const give = () => over.abort();
  signal.addEventListener("abort", give, { once: true });
  // Its end must not hang on `ask` heeding its signal.
  const timeIsUp = clock.sleep(timeLimit, over.signal).then(give);
  let last: Failure | null = null;
  try {
    while (!over.signal.aborted) {
      try {
        const answer = ask(over.signal).then(() => true);
        if (await Promise.race([answer, timeIsUp.then(() => false)])) {
          const took = Math.round(clock.monotonic() - begunAt);
          report({
            name: "confirmed",
            level: "info",
            message: `Hydra still answers (after ${formatDuration(took)})`,
            fields: { took_ms: took },
          });
          return;
        }
      } catch (error) {
        if (!over.signal.aborted) {
          if (!(error instanceof Failure)) throw error;
          last = error;
          report({
            name: "confirmation",
            level: "debug",
            message: `Hydra does not answer: ${error.message}`,
            fields: { code: error.code, why: error.message },
          });
        }
      }
      await clock.sleep(Math.min(PAUSE, timeLimit / 10), over.signal);
    }
    signal.throwIfAborted();
    throw new Failure("confirmation-failed", {
      what: "Hydra",
      why: `it answered before the activation, but not within ${formatDuration(timeLimit)} after it` +
        (last === null ? "" : `; last: ${last.message}`),
      next:
        "Check what the new version does to the network, to name resolution, certificates and credentials.",
      cause: last ?? undefined,
    });
  } finally {
    over.abort();
    signal.removeEventListener("abort", give);
  }
}
