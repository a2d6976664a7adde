import type { GateQuestion } from "../deployment/ports.ts";
import type { Closed, ServiceRecord } from "../deployment/record.ts";
import { AFTER } from "../deployment/decision.ts";
import { STATES } from "../deployment/machine.ts";

/** One service, as those that come after it see it. */
export interface Before {
  /** What the configuration calls it now. */
  readonly settings: { readonly name: string };
  /** What hail remembers of it; null while its state is not open. */
  record(): ServiceRecord | null;
  /** Why it cannot be kept so far; null where it is, or where nothing has failed. */
  hindrance(): string | null;
  /** Asks it to poll now. */
  poll(): void;
}

interface Place {
  readonly started: Promise<void>;
  readonly noteStarted: () => void;
  /** When it has last begun to ask Hydra, or tried to: milliseconds since 1970. Null before the first time. */
  passedAt: number | null;
  /** How often it has done so. */
  passes: number;
  /** Those that have asked it to look: since when they know their builds, and how often it had looked then. */
  readonly asked: Map<string, { readonly knownSince: number; readonly passes: number }>;
  /** Those that are told when it has moved on: they wait for it. */
  readonly waiting: Map<string, () => void>;
}

/**
 * The order of the services of one agent: who waits for whom (`after`). Those that wait call the others by the names that the
 * configuration gives them now, which may change while they are there.
 */
export class Order {
  readonly #places = new Map<Before, Place>();

  /** A service is there from now on. */
  enter(before: Before): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const fresh = { passedAt: null, passes: 0, asked: new Map(), waiting: new Map() };
    this.#places.set(before, { ...fresh, started: promise, noteStarted: resolve });
  }

  /** The configuration does not name a service any more. Nobody waits for it any longer. */
  leave(before: Before): void {
    const place = this.#places.get(before);
    if (place === undefined) return;
    this.#places.delete(before);
    place.noteStarted();
    this.#wake(place);
  }

  /** What a service ran when hail came was activated, or that has failed: at a start, the next ones need not wait longer. */
  noteStarted(before: Before): void {
    this.#places.get(before)?.noteStarted();
  }

  /**
   * A service has asked Hydra and done what came of that.
   *
   * @param begunAt When it began to: what was built later it cannot have seen, however long a deployment took. Null where it
   * could not look.
   */
  notePass(before: Before, begunAt: number | null): void {
    const place = this.#places.get(before);
    // Whoever waits for one that could not look is not woken: it would only ask that one to look again, at once.
    if (place === undefined || begunAt === null) return;
    place.passedAt = begunAt;
    place.passes += 1;
    this.#wake(place);
  }

  /** Waits until the services that are named have started, or are there no more. It never throws. */
  async waitForStart(names: readonly string[], signal: AbortSignal): Promise<void> {
    const { promise: given, resolve } = Promise.withResolvers<void>();
    const giveUp = () => resolve();
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    const all = Promise.all(names.map((name) => this.#find(name)?.[1].started));
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
      const found = this.#find(other);
      if (found === undefined) continue;
      const [before, place] = found;
      const looked = hasLooked(place, name, question.knownSince);
      const record = before.record();
      const hindrance = before.hindrance();
      const why = hindrance !== null
        ? `cannot be kept yet: ${hindrance}`
        : looked && record !== null
        ? waitsFor(record)
        : "has not looked for a new build yet";
      if (why === null) continue;
      place.waiting.set(name, wake);
      if (!looked) before.poll();
      return { gate: AFTER, why: `it comes after ${other}, which ${why}`, askAgainAt: null };
    }
    return null;
  }

  #find(name: string): readonly [Before, Place] | undefined {
    return [...this.#places].find(([before]) => before.settings.name === name);
  }

  #wake(place: Place): void {
    const waiting = [...place.waiting.values()];
    place.waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** Whether a service has looked for a new build since another one, that comes after it, knows of its own. */
function hasLooked(place: Place, by: string, knownSince: number): boolean {
  if (place.passedAt !== null && place.passedAt >= knownSince) return true;
  const asked = place.asked.get(by);
  if (asked?.knownSince !== knownSince) {
    place.asked.set(by, { knownSince, passes: place.passes });
    return false;
  }
  // Where the clock was set back, no time is late enough; the second pass since then was surely begun since then.
  return place.passes >= asked.passes + 2;
}

/**
 * Why those that come after a service have to wait for it; null where they need not. A build that is held back for good,
 * by the operator's word or as a bad one, is waited for no longer: what is active then is what is to be active.
 */
function waitsFor({ state, active, closed, latest, bad }: ServiceRecord): string | null {
  if (STATES[state] !== null || state === "discovered") return "is being deployed";
  if (state === "waiting") return "waits to be deployed";
  if (state === "failed") return "has failed";
  if (closed !== null) return `waits itself: ${closed.why}`;
  if (active === null) return "was not deployed yet";
  // As when its own gates could not be asked: held, it would be at rest.
  const behind = state === "active" && latest !== null && latest.outPath !== active.path &&
    !bad.some(({ path }) => path === latest.outPath);
  return behind ? "has a newer build that is not deployed yet" : null;
}
