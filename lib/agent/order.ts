import type { GateQuestion } from "../deployment/ports.ts";
import type { Closed, ServiceRecord } from "../deployment/record.ts";
import { STATES } from "../deployment/machine.ts";

/** One service, as those that come after it see it. */
export interface Before {
  /** What hail remembers of it; null while its state is not open. */
  record(): ServiceRecord | null;
  /** Asks it to poll now. */
  poll(): void;
}

interface Place {
  readonly before: Before;
  readonly started: Promise<void>;
  readonly noteStarted: () => void;
  /** When it has last asked Hydra, or tried to: milliseconds since 1970. Null before the first time. */
  passedAt: number | null;
  /** Those that are told when it has moved on: they wait for it. */
  readonly waiting: Map<string, () => void>;
}

/** The order of the services of one agent: who waits for whom (`after`). Services are called by name. */
export class Order {
  readonly #places = new Map<string, Place>();

  /** A service is there from now on. */
  enter(name: string, before: Before): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const former = this.#places.get(name);
    this.#places.set(name, {
      before,
      started: promise,
      noteStarted: resolve,
      passedAt: null,
      waiting: former?.waiting ?? new Map(),
    });
    former?.noteStarted();
  }

  /** A service is there no more, unless another one has got its name meanwhile. Nobody waits for it any longer. */
  leave(name: string, before: Before): void {
    const place = this.#places.get(name);
    if (place?.before !== before) return;
    this.#places.delete(name);
    place.noteStarted();
    this.#wake(place);
  }

  /** What a service ran when hail came was activated, or that has failed: at a start, the next ones need not wait longer. */
  noteStarted(name: string): void {
    this.#places.get(name)?.noteStarted();
  }

  /** A service has asked Hydra and done what came of that, with whatever success. */
  notePass(name: string, now: number): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    place.passedAt = now;
    this.#wake(place);
  }

  /** Waits until the services that are named have started, or are there no more. It never throws. */
  async waitForStart(names: readonly string[], signal: AbortSignal): Promise<void> {
    const { promise: given, resolve } = Promise.withResolvers<void>();
    const giveUp = () => resolve();
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    const all = Promise.all(names.map((name) => this.#places.get(name)?.started));
    await Promise.race([all, given]);
    signal.removeEventListener("abort", giveUp);
  }

  /**
   * Says whether a service may be deployed: all that it comes after are active and have looked for a new build since its
   * own came up. Where they have not, they are asked to, and `wake` is called once they have moved on.
   */
  ask(
    name: string,
    after: readonly string[],
    question: Pick<GateQuestion, "knownSince">,
    wake: () => void,
  ): Closed | null {
    for (const other of after) {
      const place = this.#places.get(other);
      if (place === undefined) continue;
      const looked = place.passedAt !== null && place.passedAt >= question.knownSince;
      const record = place.before.record();
      const why = looked && record !== null ? waitsFor(record) : "has not looked for a new build yet";
      if (why === null) continue;
      place.waiting.set(name, wake);
      if (!looked) place.before.poll();
      return { gate: "after", why: `it comes after ${other}, which ${why}`, askAgainAt: null };
    }
    return null;
  }

  #wake(place: Place | undefined): void {
    if (place === undefined) return;
    const waiting = [...place.waiting.values()];
    place.waiting.clear();
    for (const wake of waiting) wake();
  }
}

/**
 * Why those that come after a service have to wait for it; null where they need not. A build that is held back for good,
 * by the operator's word or as a bad one, is waited for no longer: what is active then is what is to be active.
 */
function waitsFor({ state, active, closed }: ServiceRecord): string | null {
  if (STATES[state] !== null || state === "discovered") return "is being deployed";
  if (state === "waiting") return "waits to be deployed";
  if (state === "failed") return "has failed";
  if (closed !== null) return `waits itself: ${closed.why}`;
  return active === null ? "was not deployed yet" : null;
}
