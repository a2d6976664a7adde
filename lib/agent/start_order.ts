/** At a start a service waits until those that it comes after have started. */
import { anySignal } from "../time/any_signal.ts";
import type { Clock } from "../time/clock.ts";
import type { Bell } from "./bell.ts";
import type { Before, Order } from "./order.ts";

/** How long a service waits for another one before that is told, in milliseconds. */
export const PATIENCE = 5_000;

/** What the wait works with. */
export interface StartPorts {
  readonly service: Before;
  readonly order: Pick<Order, "waitsForStart" | "started">;
  readonly clock: Clock;
  /** Rung or stirred where there may be something else to do; a ring is kept for the poll after the start. */
  readonly bell: Bell;
  /** Aborted where the service is not to be started any more. */
  readonly over: AbortSignal;
  /** Whether the operator does not want it to wait. */
  readonly letsPass: () => boolean;
  /** Told for whom it waits, once that has taken a while; and null when it does not any more. */
  readonly tell: (other: string | null) => void;
}

/** Waits, as the configuration has the order by now. It never throws. */
export async function waitForOthers(ports: StartPorts): Promise<void> {
  const { service, order, clock, bell, over, letsPass, tell } = ports;
  let told: string | null = null;
  let before: string | null = null;
  let since = clock.monotonic();
  for (;;) {
    const other = order.waitsForStart(service);
    if (other !== before) [before, since] = [other, clock.monotonic()];
    if (told !== null && told !== other) {
      told = null;
      tell(null);
    }
    if (other === null || over.aborted || letsPass()) break;
    const again = new AbortController();
    using ends = anySignal(over, again.signal);
    const look = () => {
      if (letsPass()) again.abort();
    };
    const forget = bell.listen(look, look);
    look();
    const telling = told === null ? afterAWhile(since, clock, ends.signal) : Promise.resolve(false);
    const waiting = telling.then((isLong) => {
      if (!isLong) return;
      told = other;
      tell(other);
    });
    await order.started(other, ends.signal);
    again.abort();
    await waiting;
    if (forget()) bell.ring();
  }
  if (told !== null) tell(null);
}

/** Whether it takes so long that it is to be told. */
async function afterAWhile(since: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  await clock.sleep(since + PATIENCE - clock.monotonic(), signal);
  return !signal.aborted;
}
