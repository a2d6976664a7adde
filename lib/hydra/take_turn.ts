import { NoTurn, type Turns } from "../time/turns.ts";
import { HttpFault } from "./http_fault.ts";

/**
 * Waits for a turn at a Hydra.
 *
 * @param limit How long to wait at the most, in milliseconds.
 * @param signal Gives up. Its reason is then thrown as it is.
 * @returns Ends the turn; to be called once.
 * @throws {HttpFault} `time-limit` if no turn came in time.
 */
export async function takeTurn(turns: Turns, limit: number, signal: AbortSignal): Promise<() => void> {
  try {
    return await turns.take(limit, signal);
  } catch (error) {
    if (!(error instanceof NoTurn)) throw error;
    throw new HttpFault(
      "time-limit",
      `it is so slow to answer other requests that this one was not sent within ${limit / 1000} s`,
    );
  }
}
