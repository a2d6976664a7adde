import type { GateQuestion } from "../deployment/ports.ts";
import type { Closed, ServiceRecord } from "../deployment/record.ts";
import { AFTER } from "../deployment/decision.ts";
import { STATES } from "../deployment/machine.ts";

/** One service, as those that come after it see it. */
export interface Before {
  /** What the configuration says of it now: what it is called, and whom it comes after. */
  readonly settings: { readonly name: string; readonly after: readonly string[] };
  /** What hail remembers of it; null while its state is not open. */
  record(): ServiceRecord | null;
  /** Why it cannot be kept so far; null where it is, or where nothing has failed. */
  hindrance(): string | null;
  /** Asks it to poll now. */
  poll(): void;
}

interface Place {
  /** Whether what it ran when hail came was activated, or that has failed, or it has left. */
  hasStarted: boolean;
  /** Those that are told when that is so. */
  readonly awaited: Set<() => void>;
  /** When it has last begun to ask Hydra, or tried to: milliseconds since 1970. Null before the first time. */
  passedAt: number | null;
  /** How often it has done so. */
  passes: number;
  /** Those that have asked it to look. */
  readonly asked: WeakMap<Before, Asked>;
  /** Those that look again when it has moved on. */
  readonly waiting: Set<Waiting>;
}

/** That a service was asked to look for a new build. */
interface Asked {
  /** Since when the one that asks knows its own build: another build is another question. */
  readonly knownSince: number;
  /** How often it had looked when it was asked first, and last. */
  readonly first: number;
  last: number;
}

/** A service that waits for others. */
interface Waiting {
  readonly service: Before;
  readonly knownSince: number;
  readonly tell: (closed: Closed | null) => void;
  /** What it was told last. */
  why: string | null;
  /** The places of those that it waits for. */
  readonly places: Set<Place>;
}

type Found = readonly [before: Before, place: Place];

/**
 * The order of the services of one agent: who waits for whom (`after`). It goes by what the configuration says of all of them
 * now: orders of two configurations could make a circle.
 */
export class Order {
  readonly #places = new Map<Before, Place>();
  readonly #waiting = new Map<Before, Waiting>();
  /** The places by the names of the services; null where one of those may have changed. */
  #byName: Map<string, Found> | null = null;
  /** Those that are told when the configuration says something else. */
  readonly #starting = new Set<() => void>();

  /** A service is there from now on. */
  enter(before: Before): void {
    const fresh: Place = {
      hasStarted: false,
      awaited: new Set(),
      passedAt: null,
      passes: 0,
      asked: new WeakMap(),
      waiting: new Set(),
    };
    this.#places.set(before, fresh);
    this.#byName = null;
  }

  /** The configuration does not name a service any more. Nobody waits for it any longer, as soon as all is reconsidered. */
  leave(before: Before): void {
    this.#forget(before);
    const place = this.#places.get(before);
    if (place === undefined) return;
    this.#places.delete(before);
    const { name } = before.settings;
    // Thousands may leave at once.
    if (this.#byName?.get(name)?.[0] === before) this.#byName.delete(name);
    else this.#byName = null;
    start(place);
  }

  /** The configuration may say something else of any of them: all that wait look again. */
  reconsider(): void {
    this.#byName = null;
    for (const tell of [...this.#starting]) tell();
    this.#lookAgain(this.#waiting.values());
  }

  /** What a service ran when hail came was activated, or that has failed: at a start, the next ones need not wait longer. */
  noteStarted(before: Before): void {
    const place = this.#places.get(before);
    if (place === undefined) return;
    start(place);
    this.#lookAgain(place.waiting);
  }

  /**
   * A service has asked Hydra and done what came of that.
   *
   * @param begunAt When it began to: what was built later it cannot have seen, however long a deployment took. Null where it
   * could not look.
   */
  notePass(before: Before, begunAt: number | null): void {
    const place = this.#places.get(before);
    if (place === undefined) return;
    if (begunAt !== null) {
      place.passedAt = begunAt;
      place.passes += 1;
    }
    this.#lookAgain(place.waiting);
  }

  /** The first one of those that a service comes after that has not started; null where all have, or are not there. */
  waitsForStart(service: Before): string | null {
    return service.settings.after.find((name) => this.#find(name, service)?.[1].hasStarted === false) ?? null;
  }

  /** Waits until a service has started, or the configuration may say something else. It never throws. */
  async started(name: string, signal: AbortSignal): Promise<void> {
    const place = this.#find(name)?.[1];
    if (place === undefined || place.hasStarted || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const tell = () => resolve();
    for (const those of [place.awaited, this.#starting]) those.add(tell);
    signal.addEventListener("abort", tell, { once: true });
    await promise;
    signal.removeEventListener("abort", tell);
    for (const those of [place.awaited, this.#starting]) those.delete(tell);
  }

  /**
   * Says whether a service may be deployed: all that it comes after are active and have looked for a new build since its
   * own came up. Those that have not are asked to.
   *
   * @param tell Called when there is another answer than the last one; after `null`, never again.
   */
  ask(
    service: Before,
    { knownSince }: Pick<GateQuestion, "knownSince">,
    tell: (closed: Closed | null) => void,
  ): Closed | null {
    this.#forget(service);
    const waiting: Waiting = { service, knownSince, tell, why: null, places: new Set() };
    const closed = this.#look(waiting);
    if (closed === null) return null;
    waiting.why = closed.why;
    // One that has left meanwhile is told of nothing any more.
    if (this.#places.has(service)) this.#waiting.set(service, waiting);
    else leavePlaces(waiting);
    return closed;
  }

  #look(waiting: Waiting): Closed | null {
    const { service, knownSince } = waiting;
    leavePlaces(waiting);
    let closed: Closed | null = null;
    for (const other of service.settings.after) {
      const found = this.#find(other, service);
      if (found === undefined) continue;
      const [before, place] = found;
      const looked = looks(place, service, knownSince);
      const why = whyNot(before, looked === "has looked");
      if (why === null) continue;
      place.waiting.add(waiting);
      waiting.places.add(place);
      if (looked === "is to look") before.poll();
      closed ??= { gate: AFTER, why: `it comes after ${other}, which ${why}`, askAgainAt: null };
    }
    return closed;
  }

  #lookAgain(those: Iterable<Waiting>): void {
    for (const waiting of [...those]) {
      const closed = this.#look(waiting);
      if (closed === null) this.#waiting.delete(waiting.service);
      if (waiting.why === (closed?.why ?? null)) continue;
      waiting.why = closed?.why ?? null;
      waiting.tell(closed);
    }
  }

  #forget(service: Before): void {
    const waiting = this.#waiting.get(service);
    if (waiting === undefined) return;
    leavePlaces(waiting);
    this.#waiting.delete(service);
  }

  /** @param by Who looks for another one. */
  #find(name: string, by?: Before): Found | undefined {
    this.#byName ??= new Map([...this.#places].map((found) => [found[0].settings.name, found]));
    const found = this.#byName.get(name);
    return found?.[0] === by ? undefined : found;
  }
}

function leavePlaces(waiting: Waiting): void {
  for (const place of waiting.places) place.waiting.delete(waiting);
  waiting.places.clear();
}

function start(place: Place): void {
  place.hasStarted = true;
  for (const tell of [...place.awaited]) tell();
}

/** Whether a service has looked for a new build since another one, that comes after it, knows of its own. */
function looks(
  place: Place,
  by: Before,
  knownSince: number,
): "has looked" | "is to look" | "was asked to look" {
  const { passedAt, passes } = place;
  if (passedAt !== null && passedAt >= knownSince) return "has looked";
  const asked = place.asked.get(by);
  if (asked?.knownSince !== knownSince) {
    place.asked.set(by, { knownSince, first: passes, last: passes });
    return "is to look";
  }
  // Where the clock was set back, no time is late enough; the second pass since then was surely begun since then.
  if (passes >= asked.first + 2) return "has looked";
  if (passes === asked.last) return "was asked to look";
  asked.last = passes;
  return "is to look";
}

/** Why those that come after a service have to wait for it; null where they need not. */
function whyNot(before: Before, hasLooked: boolean): string | null {
  const hindrance = before.hindrance();
  if (hindrance !== null) return `cannot be kept yet: ${hindrance}`;
  const record = before.record();
  return hasLooked && record !== null ? waitsFor(record) : "has not looked for a new build yet";
}

/**
 * What a service that has looked is waited for; null for nothing. A build that is held back for good,
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
