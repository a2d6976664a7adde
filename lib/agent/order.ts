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
  /** Resolves when what it ran when hail came was activated, or that has failed, or it has left. */
  readonly started: PromiseWithResolvers<void>;
  hasStarted: boolean;
  /** When it has last begun to ask Hydra, or tried to: milliseconds since 1970. Null before the first time. */
  passedAt: number | null;
  /** How often it has done so. */
  passes: number;
  /** Those that have asked it to look: since when they know their builds, and how often it had looked then. */
  readonly asked: WeakMap<Before, { readonly knownSince: number; readonly passes: number }>;
  /** Those that are told when it has moved on: they wait for it. */
  readonly waiting: Map<Before, () => void>;
}

type Found = readonly [before: Before, place: Place];

/**
 * The order of the services of one agent: who waits for whom (`after`). Those that wait call the others by the names that the
 * configuration gives them now, which may change while they are there.
 */
export class Order {
  readonly #places = new Map<Before, Place>();
  /** The same by the names of the services; null where one of those may have changed. */
  #byName: Map<string, Found> | null = null;

  /** A service is there from now on. */
  enter(before: Before): void {
    const fresh: Place = {
      started: Promise.withResolvers(),
      hasStarted: false,
      passedAt: null,
      passes: 0,
      asked: new WeakMap(),
      waiting: new Map(),
    };
    this.#places.set(before, fresh);
    this.#byName = null;
  }

  /** A service may have another name from now on. */
  noteName(): void {
    this.#byName = null;
  }

  /** The configuration does not name a service any more. Nobody waits for it any longer. */
  leave(before: Before): void {
    const place = this.#places.get(before);
    if (place === undefined) return;
    this.#places.delete(before);
    this.#byName = null;
    start(place);
    this.#wake(place);
  }

  /** What a service ran when hail came was activated, or that has failed: at a start, the next ones need not wait longer. */
  noteStarted(before: Before): void {
    const place = this.#places.get(before);
    if (place !== undefined) start(place);
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

  /** The first one of some services that a service comes after, which has not started; null where all have, or are not there. */
  waitsForStart(service: Before, after: readonly string[]): string | null {
    return after.find((name) => this.#find(name, service)?.[1].hasStarted === false) ?? null;
  }

  /** Waits until a service has started, or is there no more. It never throws. */
  async started(name: string, signal: AbortSignal): Promise<void> {
    const { promise: given, resolve } = Promise.withResolvers<void>();
    const giveUp = () => resolve();
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    await Promise.race([this.#find(name)?.[1].started.promise, given]);
    signal.removeEventListener("abort", giveUp);
  }

  /**
   * Says whether a service may be deployed: all that it comes after are active and have looked for a new build since its
   * own came up. Where they have not, they are asked to, and `wake` is called once they have moved on.
   *
   * @param after By the same configuration as the names: settings of another one could make a circle.
   */
  ask(
    service: Before,
    after: readonly string[],
    question: Pick<GateQuestion, "knownSince">,
    wake: () => void,
  ): Closed | null {
    for (const other of after) {
      const found = this.#find(other, service);
      if (found === undefined) continue;
      const [before, place] = found;
      const looked = hasLooked(place, service, question.knownSince);
      const record = before.record();
      const hindrance = before.hindrance();
      const why = hindrance !== null
        ? `cannot be kept yet: ${hindrance}`
        : looked && record !== null
        ? waitsFor(record)
        : "has not looked for a new build yet";
      if (why === null) continue;
      place.waiting.set(service, wake);
      if (!looked) before.poll();
      return { gate: AFTER, why: `it comes after ${other}, which ${why}`, askAgainAt: null };
    }
    return null;
  }

  /** @param by Who looks for another one. */
  #find(name: string, by?: Before): Found | undefined {
    this.#byName ??= new Map([...this.#places].map((found) => [found[0].settings.name, found]));
    const found = this.#byName.get(name);
    return found?.[0] === by ? undefined : found;
  }

  #wake(place: Place): void {
    const waiting = [...place.waiting.values()];
    place.waiting.clear();
    for (const wake of waiting) wake();
  }
}

function start(place: Place): void {
  place.hasStarted = true;
  place.started.resolve();
}

/** Whether a service has looked for a new build since another one, that comes after it, knows of its own. */
function hasLooked(place: Place, by: Before, knownSince: number): boolean {
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
  // What that one waits for in turn stands with itself: a long order would make a long text.
  if (closed !== null) return closed.gate === AFTER ? "waits for another one" : `waits itself: ${closed.why}`;
  if (active === null) return "was not deployed yet";
  // As when its own gates could not be asked: held, it would be at rest.
  const behind = state === "active" && latest !== null && latest.outPath !== active.path &&
    !bad.some(({ path }) => path === latest.outPath);
  return behind ? "has a newer build that is not deployed yet" : null;
}
