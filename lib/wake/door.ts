import type { Clock } from "../time/clock.ts";
import type { Outcome, Refusal } from "./answer.ts";
import { networkOf } from "./network.ts";
import type { RequestHead } from "./request_head.ts";
import { isSame, signatureOf } from "./signature.ts";
import { TokenBuckets } from "../time/token_buckets.ts";
import { UsedSignatures } from "./used_signatures.ts";

/** How often one service may be woken. While a poll waits to be made, one more word changes nothing. */
export const WAKE_RATE = { burst: 5, perSecond: 1 };
/** How often one network may fail to prove who it is. */
export const FAILURE_RATE = { burst: 10, perSecond: 0.2 };
/** How often all together may. */
export const ALL_FAILURES_RATE = { burst: 50, perSecond: 2 };
/** How many signatures are remembered. */
export const SIGNATURES_MAX = 10_000;

/** How many services, and networks, are counted each by itself. */
const SERVICES_MAX = 10_000;
const NETWORKS_MAX = 1_000;
/** What to say where nobody knows when there is room again, in milliseconds. */
const MEMORY_WAIT = 60_000;

/** A request that may go on to its body. */
export interface Admitted {
  readonly service: string;
  /** What the body has yet to prove; null where a token has proved enough. */
  readonly claim: { readonly timestamp: string; readonly signature: string } | null;
}

/** What a door needs. */
export interface DoorOptions {
  /** The key of the signatures, and the token. */
  readonly secret: string;
  /** Tells a service to look for a new build now. It must not wait for anything. */
  readonly wake: (service: string) => "woken" | "unknown";
  readonly clock: Clock;
}

/**
 * Decides who may wake what. Nobody learns which services there are without the secret, and each wrong guess costs:
 * whoever guesses too often is refused unheard for a while.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #used = new UsedSignatures(SIGNATURES_MAX);
  readonly #wakes = new TokenBuckets(WAKE_RATE, SERVICES_MAX);
  readonly #failures = new TokenBuckets(FAILURE_RATE, NETWORKS_MAX);
  readonly #allFailures = new TokenBuckets(ALL_FAILURES_RATE, 1);

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /**
   * Judges a request by its head.
   *
   * @param from The address that it comes from.
   */
  admit(head: RequestHead, from: string): Admitted | Refusal {
    const service = /^\/wake\/([A-Za-z0-9][A-Za-z0-9._-]{0,99})$/.exec(head.path)?.[1];
    if (service === undefined) return { reason: "unknown-path" };
    if (head.method !== "POST") return { reason: "method" };
    const timestamp = head.fields.get("x-hail-timestamp");
    const signature = head.fields.get("x-hail-signature");
    const token = /^Bearer +(.*)$/i.exec(head.fields.get("authorization") ?? "")?.[1];
    const isSigned = timestamp !== undefined && signature !== undefined;
    if (!isSigned && token === undefined) return { reason: "no-credentials" };
    const wait = this.#failureWait(from);
    if (wait > 0) return { reason: "too-many-failures", retryAfter: wait };
    // A proxy may have an Authorization of its own; so the signature comes first.
    if (!isSigned) {
      return isSame(token ?? "", this.#options.secret) ? { service, claim: null } : this.#wrong(from);
    }
    const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(signature) ?? [];
    if (hex === undefined || !/^[0-9]{1,12}$/.test(timestamp)) return { reason: "malformed" };
    if (!this.#used.isTimely(Number(timestamp), this.#options.clock.now())) {
      return this.#wrong(from, "time-stamp");
    }
    return { service, claim: { timestamp, signature: hex.toLowerCase() } };
  }

  /**
   * Judges an admitted request by its body, and wakes the service.
   *
   * @throws What `wake` throws.
   */
  decide({ service, claim }: Admitted, body: Uint8Array, from: string): Outcome {
    const { secret, wake, clock } = this.#options;
    if (claim !== null) {
      const { timestamp, signature } = claim;
      // Again, since others may have failed from there while the body came.
      const wait = this.#failureWait(from);
      if (wait > 0) return { reason: "too-many-failures", retryAfter: wait };
      if (!isSame(signatureOf(secret, { timestamp, name: service, body }), signature)) {
        return this.#wrong(from);
      }
      if (this.#used.has(signature)) return this.#wrong(from, "replayed");
    }
    const wait = this.#wakes.wait(service, clock.monotonic());
    if (wait > 0) return { reason: "too-many", retryAfter: wait };
    if (claim !== null && !this.#used.add(claim.signature, Number(claim.timestamp), clock.now())) {
      return { reason: "memory-full", retryAfter: MEMORY_WAIT };
    }
    if (wake(service) === "unknown") return { reason: "unknown-service" };
    this.#wakes.take(service, clock.monotonic());
    return { woken: service };
  }

  #failureWait(from: string): number {
    const now = this.#options.clock.monotonic();
    return Math.max(this.#failures.wait(networkOf(from), now), this.#allFailures.wait("all", now));
  }

  #wrong(from: string, reason: Refusal["reason"] = "wrong-credentials"): Refusal {
    const now = this.#options.clock.monotonic();
    this.#failures.take(networkOf(from), now);
    this.#allFailures.take("all", now);
    return { reason };
  }
}
